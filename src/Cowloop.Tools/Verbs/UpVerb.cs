using System.CommandLine;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop up: makes the devices of the cowtab.</summary>
internal static class UpVerb
{
    public static Command Create()
    {
        var names = new Argument<string[]>("ENTRY")
        {
            Description = "Entries by number, device or cowfile; without any, all that are not marked noauto",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Verb(
            "up",
            "Activate the devices of /etc/cowloop/cowtab that are not active yet, in its order.",
            "cowloop up /var/lib/images/my.cow")
        {
            names,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) => Up(client, paths, result.GetValue(names) ?? [])));
        return command;
    }

    private static int Up(ControlClient client, CowloopPaths paths, string[] names)
    {
        CowtabFile table = CowtabFile.Read();
        IReadOnlyList<CowtabEntry> entries = names.Length == 0
            ? [.. table.Entries.Where(entry => !entry.NoAuto)]
            : table.Select(names, paths, client.IsServiceRunning ? client.GetService().Devices : []);
        bool isFailed = names.Length == 0 && table.ReportErrors();
        if (entries.Count > 0)
        {
            // Room for every number that the table can name.
            ServiceStarter.EnsureRunning(client, paths, $"maxcows={LoadParameters.MostDevices}");
            List<DeviceStatus> active = [.. client.GetService().Devices];
            foreach (CowtabEntry entry in entries.Where(entry => CowtabFile.FindActive(entry, active) is null))
            {
                isFailed |= !TryActivate(client, table, entry, active) && !entry.NoFail;
            }
        }
        return isFailed ? VerbRunner.FailureExitCode : 0;
    }

    private static bool TryActivate(ControlClient client, CowtabFile table, CowtabEntry entry, List<DeviceStatus> active)
    {
        try
        {
            CowtabFile.RefuseOtherPair(entry, active);
            int number = entry.Number ?? FirstFree(table, active);
            AttachReply reply = client.Attach(new AttachRequest(
                entry.Base,
                entry.Cowfile,
                "/",
                number,
                entry.AcceptBase,
                entry.Repair,
                Plain: PlainCowfiles.AreWanted,
                Settings: new SettingsRequest(entry.OnFull.ToString(), entry.WarnAt, entry.Hook)));
            active.Add(reply.Device);
            foreach (string warning in reply.Warnings)
            {
                Console.Error.WriteLine($"cowloop: warning: {warning}");
            }
            Console.WriteLine(reply.Device.Path);
            return true;
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write("cowloop", table.At(entry, exception));
            return false;
        }
    }

    /// <summary>The lowest number that is neither active nor another line's: that one may come later.</summary>
    private static int FirstFree(CowtabFile table, List<DeviceStatus> active)
    {
        HashSet<int> taken = [.. active.Select(device => device.Number), .. table.Entries.Select(entry => entry.Number).OfType<int>()];
        return Enumerable.Range(0, taken.Count + 1).First(number => !taken.Contains(number));
    }
}
