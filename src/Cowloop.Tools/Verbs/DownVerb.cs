using System.CommandLine;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop down: takes the devices of the cowtab away.</summary>
internal static class DownVerb
{
    public static Command Create()
    {
        var names = new Argument<string[]>("ENTRY")
        {
            Description = "Entries by number, device or cowfile; without any, all, and then the service when no other device is active",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Verb(
            "down",
            "Deactivate the active devices of /etc/cowloop/cowtab, in reverse order; one in use stays and is named.",
            "cowloop down 3")
        {
            names,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) => Down(client, paths, result.GetValue(names) ?? [])));
        return command;
    }

    private static int Down(ControlClient client, CowloopPaths paths, string[] names)
    {
        CowtabFile table = CowtabFile.Read();
        bool isRunning = client.IsServiceRunning;
        IReadOnlyList<DeviceStatus> active = isRunning ? client.GetService().Devices : [];
        bool isAll = names.Length == 0;
        IReadOnlyList<CowtabEntry> entries = isAll ? table.Entries : table.Select(names, paths, active);
        bool isFailed = isAll && table.ReportErrors();
        bool isBusy = false;
        foreach (CowtabEntry entry in entries.Reverse())
        {
            try
            {
                if (CowtabFile.FindActive(entry, active) is DeviceStatus device)
                {
                    client.Detach(device.Number);
                }
                else if (!isAll)
                {
                    CowtabFile.RefuseOtherPair(entry, active);
                }
            }
            catch (CowloopException exception) when (exception.Errno == Errno.ENODEV)
            {
                // Somebody else has just done it.
            }
            catch (CowloopException exception)
            {
                ErrorReport.Write("cowloop", table.At(entry, exception));
                isBusy = true;
            }
        }
        if (isAll && isRunning && !isBusy)
        {
            EndService(client, paths, table);
        }
        return isFailed || isBusy ? VerbRunner.FailureExitCode : 0;
    }

    private static void EndService(ControlClient client, CowloopPaths paths, CowtabFile table)
    {
        IReadOnlyList<DeviceStatus> others = client.GetService().Devices;
        if (others.Count > 0)
        {
            string names = string.Join(", ", others.Select(device => device.Path));
            Console.Error.WriteLine($"cowloop: the service goes on: active, but not of {table.Path}: {names}");
            return;
        }
        client.Unload(wait: false);
        UnloadVerb.WaitUntilGone(paths);
    }
}
