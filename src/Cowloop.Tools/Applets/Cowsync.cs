using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Tools.Applets;

/// <summary>cowsync: make all cowfiles durable and clean (specification 5.3).</summary>
internal static class Cowsync
{
    private const int FailureExitCode = 1;

    public static int Run(string program, string[] arguments)
    {
        switch (arguments)
        {
            case ["--version"]:
                Console.WriteLine($"cowsync {ProgramVersion.Text}");
                return 0;
            case ["--help"]:
                Console.WriteLine($"Usage: {program}\n\nWrites all filesystems out and makes the cowfiles of all active cowdevices durable and clean.");
                return 0;
        }

        CowloopPaths paths = CowloopPaths.FromEnvironment();
        using var client = new ControlClient(paths);
        try
        {
            client.Connect();
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write(program, paths.ClassicControlDevice, exception);
            return FailureExitCode;
        }
        HostProcess.SyncAll();
        try
        {
            client.Sync();
        }
        catch (CowloopException exception)
        {
            // Without a blank, as in the original.
            ErrorReport.Write(program, $"ioctl{paths.ClassicControlDevice}", exception);
            return FailureExitCode;
        }
        HostProcess.SyncAll();
        return 0;
    }
}
