using System.Globalization;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Applets;

/// <summary>cowwatch: show the space for the cowfile of a device, or wait until it runs short (specification 5.5).</summary>
internal static class Cowwatch
{
    private const int UsageExitCode = 1;
    private const int DeviceExitCode = 2;
    private const int NumberExitCode = 3;
    private const int RefusedExitCode = 5;

    public static int Run(string program, string[] arguments)
    {
        CowloopPaths paths = CowloopPaths.FromEnvironment();
        switch (arguments)
        {
            case ["--version"]:
                Console.WriteLine($"cowwatch {ProgramVersion.Text}");
                return 0;
            case ["--help"]:
                Console.Write(Usage(program) + Help(paths));
                return 0;
            case [string device]:
                return Watch(program, paths, device, null);
            case [string device, string threshold]:
                return Watch(program, paths, device, threshold);
            default:
                Console.Error.Write(Usage(program));
                return UsageExitCode;
        }
    }

    private static int Watch(string program, CowloopPaths paths, string device, string? threshold)
    {
        ulong thresholdKiB = 0;
        bool isNumber = threshold is null || CNumber.TryParse(threshold, out thresholdKiB);
        using var client = new ControlClient(paths);
        return ClassicCall.Run(program, paths, client, "watch space information", DeviceExitCode, RefusedExitCode, () =>
        {
            try
            {
                if (DeviceArgument.Resolve(device, "cowdevice", client, paths, out string message) is not int number)
                {
                    Console.Error.WriteLine(message);
                    return DeviceExitCode;
                }
                if (isNumber)
                {
                    Show(threshold is null ? client.GetSpace(number) : client.WaitForSpace(number, thresholdKiB));
                    return 0;
                }
            }
            catch (CowloopException) when (!isNumber)
            {
                // That the device is a foreign one was the driver's to say, and the number came before.
            }
            Console.Error.WriteLine($"{threshold}: not a valid numerical value");
            ErrorReport.Write(program, new CowloopException(Errno.EINVAL, "the threshold is a number of KiB", "512000 is 500 MiB; cowloop watch takes 500M"));
            return NumberExitCode;
        });
    }

    private static void Show(CowfileSpace space)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Total: {space.TotalKiB,9} Kb"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Avail: {space.AvailableKiB,9} Kb"));
    }

    private static string Usage(string program) => $"""
        Usage: {program} cowdevice [threshold]
        {'\t'}When a threshold-value is specified, cowwatch
        {'\t'}blocks till the available space for the cowfile
        {'\t'}drops below the threshold-value (in Kb).

        """;

    private static string Help(CowloopPaths paths) => $"""

        It shows the space on the filesystem that holds the cowfile. Kb are KiB, and exactly the threshold is low
        enough. One cowwatch can wait per device; it also ends when the device is deactivated.

        Example:
        {'\t'}cowwatch {paths.Node(0)} 512000 && echo 'less than 500 MiB left for the changes' | wall

        """;
}
