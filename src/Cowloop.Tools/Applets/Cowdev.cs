using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Applets;

/// <summary>cowdev: list, activate and deactivate cowdevices (specification 5.2).</summary>
internal static class Cowdev
{
    private const string AcceptBaseOption = "--accept-base";
    private const string VerifyBaseOption = "--verify-base";
    private const string PlainOption = "--plain";
    private const string OnFullOption = "--on-full=";
    private const int UsageExitCode = 1;
    private const int FailureExitCode = 2;

    public static int Run(string program, string[] arguments)
    {
        CowloopPaths paths = CowloopPaths.FromEnvironment();
        switch (arguments)
        {
            case ["--version"]:
                Console.WriteLine($"cowdev {ProgramVersion.Text}");
                return 0;
            case ["--help"]:
                Console.Write(Usage(program) + Help(paths));
                return 0;
            case ["-l"]:
                return List(paths);
            case ["-a", .. string[] words]:
                return words.Where(word => word is not (AcceptBaseOption or VerifyBaseOption or PlainOption) && !IsOnFull(word)).ToArray() switch
                {
                    [string rdofile, string cowfile] => Activate(program, paths, Request(rdofile, cowfile, words), null),
                    [string rdofile, string cowfile, string device] => Activate(program, paths, Request(rdofile, cowfile, words), device),
                    _ => WrongUsage(program),
                };
            case ["-d", string device]:
                return Deactivate(program, paths, device);
            default:
                return WrongUsage(program);
        }
    }

    private static int List(CowloopPaths paths)
    {
        IReadOnlyList<ListedDevice> devices = ActiveDevices.ReadForPeople(paths);
        if (devices.Count == 0)
        {
            return 0;
        }
        Console.WriteLine($"{"cowdevice",-12}  {"read-only file",-32} {"copy-on-write file",-32}");
        Console.WriteLine(new string('-', 80));
        foreach (ListedDevice device in devices)
        {
            Console.WriteLine($"{device.Path,-12}  {device.Base,-32} {device.CowfileText,-32}");
        }
        Console.WriteLine();
        return 0;
    }

    private static bool IsOnFull(string word) => word.StartsWith(OnFullOption, StringComparison.Ordinal);

    /// <summary>Layers stand before the cowfile, with commas between them; a file that has such a name is meant itself.</summary>
    private static string[] SplitStack(string cowfile) => File.Exists(cowfile) ? [cowfile] : cowfile.Split(',');

    private static AttachRequest Request(string rdofile, string cowfile, string[] words) => new(
        rdofile,
        SplitStack(cowfile)[^1],
        Environment.CurrentDirectory,
        AcceptBase: words.Contains(AcceptBaseOption),
        VerifyBase: words.Contains(VerifyBaseOption),
        Plain: words.Contains(PlainOption) || PlainCowfiles.AreWanted,
        Settings: new SettingsRequest(words.LastOrDefault(IsOnFull)?[OnFullOption.Length..]),
        Layers: SplitStack(cowfile) is { Length: > 1 } stack ? stack[..^1] : null);

    private static int Activate(string program, CowloopPaths paths, AttachRequest request, string? device)
    {
        const string Action = "activate new cowdevice";
        using var client = new ControlClient(paths);
        bool isServiceNew;
        try
        {
            isServiceNew = ServiceStarter.EnsureRunning(client, paths);
        }
        catch (CowloopException exception)
        {
            Console.Error.WriteLine($"{paths.ClassicControlDevice}: {Errno.ENXIO.Text()}");
            ErrorReport.Write(program, exception);
            return FailureExitCode;
        }
        return WithService(program, paths, client, Action, () =>
        {
            int? number = null;
            if (device is not null)
            {
                number = DeviceArgument.Resolve(device, "preferred cowdevice", client, paths, out string message);
                if (number is null)
                {
                    Console.Error.WriteLine(message);
                    return FailureExitCode;
                }
            }
            Console.WriteLine(DeviceMaker.Make(Path.GetFileName(program), client, request with { Number = number }, isServiceNew).Path);
            return 0;
        });
    }

    private static int Deactivate(string program, CowloopPaths paths, string device)
    {
        using var client = new ControlClient(paths);
        return WithService(program, paths, client, "deactivate existing cowdevice", () =>
        {
            if (DeviceArgument.Resolve(device, "preferred device", client, paths, out string message) is not int number)
            {
                Console.Error.WriteLine(message);
                return FailureExitCode;
            }
            client.Detach(number);
            return 0;
        });
    }

    private static int WithService(string program, CowloopPaths paths, ControlClient client, string action, Func<int> work) =>
        ClassicCall.Run(program, paths, client, action, FailureExitCode, FailureExitCode, work);

    private static int WrongUsage(string program)
    {
        Console.Error.Write(Usage(program));
        return UsageExitCode;
    }

    private static string Usage(string program) => $"""
        Usage:
        {'\t'}{program} -l                          {'\t'}list active cowdevices
        {'\t'}{program} -a rdofile cowfile [devfile]{'\t'}activate new cowdevice
        {'\t'}{program} -d devfile                  {'\t'}deactivate existing cowdevice

        """;

    private static string Help(CowloopPaths paths) => $"""

        rdofile is the image or block device that is never changed; cowfile gets the changes and is made
        when it does not exist. -a prints the new device and starts the service when it is not running.
        cowfile may be a stack, bottom to top: layer1,layer2,cowfile; layers are cowfiles that are only read.
        -a {AcceptBaseOption} takes an rdofile that something else may be writing to, or that has changed since
        cowfile was made; cowfile remembers the latter.
        -a {VerifyBaseOption} reads all of rdofile, to see changes that samples of it do not show.
        -a {PlainOption} makes cowfile exactly as cowloop 3.1 did: it then knows rdofile by a weak fingerprint only.
        -a {OnFullOption}wait[:SECONDS] lets changes wait when there is no space for cowfile, instead of failing
        ({OnFullOption}error). A mounted filesystem normally survives a full disk only with wait.

        Example:
        {'\t'}cowdev -a disk.img my.cow
        {'\t'}mount {paths.Node(0)} /mnt
        {'\t'}umount /mnt
        {'\t'}cowdev -d {paths.Node(0)}

        """;
}
