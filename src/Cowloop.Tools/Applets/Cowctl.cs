using Cowloop.Control;
using Cowloop.Core.Devices;

namespace Cowloop.Tools.Applets;

/// <summary>cowctl: reopen the cowfile of a device read-only, or close it (specification 5.4).</summary>
internal static class Cowctl
{
    private const int UsageExitCode = 1;
    private const int FailureExitCode = 2;

    public static int Run(string program, string[] arguments)
    {
        CowloopPaths paths = CowloopPaths.FromEnvironment();
        switch (arguments)
        {
            case ["--version"]:
                Console.WriteLine($"cowctl {ProgramVersion.Text}");
                return 0;
            case ["--help"]:
                Console.Write(Usage(program) + Help(paths));
                return 0;
            case ["-c", string device]:
                return Restrict(program, paths, device, CowfileAccess.Closed);
            case ["-r", string device]:
                return Restrict(program, paths, device, CowfileAccess.ReadOnly);
            default:
                Console.Error.Write(Usage(program));
                return UsageExitCode;
        }
    }

    private static int Restrict(string program, CowloopPaths paths, string device, CowfileAccess access)
    {
        using var client = new ControlClient(paths);
        return ClassicCall.Run(program, paths, client, "close/reopen cowfile", FailureExitCode, FailureExitCode, () =>
        {
            if (DeviceArgument.Resolve(device, "preferred device", client, paths, out string message) is not int number)
            {
                Console.Error.WriteLine(message);
                return FailureExitCode;
            }
            client.RestrictCowfile(number, access);
            return 0;
        });
    }

    private static string Usage(string program) => $"""
        Usage:
        {'\t'}{program} -c cowdevice{'\t'}close cowfile related to device
        {'\t'}{program} -r cowdevice{'\t'}reopen cowfile read-only

        """;

    private static string Help(CowloopPaths paths) => $"""

        For the end of a system that runs from a cowdevice. The cowfile is made durable and clean, and then the
        filesystem that holds it can be remounted read-only (-r) or unmounted (-c), though the device is in use.
        -r refuses all further writes to the device. -c also refuses to read what the cowfile holds; the rest
        comes from the rdofile still. cowdev -d and cowdev -a make the device writable again.

        Example:
        {'\t'}mount -o remount,ro /
        {'\t'}cowctl -r {paths.Node(0)}
        {'\t'}mount -o remount,ro /data

        """;
}
