using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop snapshot: seal the cowfile of a device, and put a new one on it.</summary>
internal static class SnapshotVerb
{
    public static Command Create()
    {
        Argument<string> device = VerbOptions.Device();
        var cowfile = new Argument<string>("NEWFILE") { Description = "Takes the changes from now on; must not exist" };
        Option<string?> freeze = Freeze();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "snapshot",
            "Seal the cowfile of a device, also while it is mounted and written to: it becomes a read-only layer, and a new cowfile takes the changes.",
            "cowloop snapshot /dev/cow/0 new-top.cow --freeze /mnt")
        {
            device,
            cowfile,
            freeze,
            json,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
        {
            int number = VerbOptions.NumberOf(result.GetRequiredValue(device), client, paths);
            SnapshotReply reply = client.Snapshot(
                number,
                new SnapshotRequest(result.GetRequiredValue(cowfile), Environment.CurrentDirectory, result.GetValue(freeze)));
            Console.WriteLine(result.GetValue(json) ? JsonSerializer.Serialize(reply, ControlJson.Default.SnapshotReply) : Describe(reply));
            return 0;
        }));
        return command;
    }

    /// <summary>The option that freezes a filesystem.</summary>
    public static Option<string?> Freeze() => new("--freeze")
    {
        Description = "Freeze the filesystem of the device that is mounted here for the moment: then the snapshot needs no recovery of its journal",
        HelpName = "MOUNTPOINT",
    };

    /// <summary>What was done, for people.</summary>
    public static string Describe(SnapshotReply reply)
    {
        string pause = (reply.PauseMicroseconds / 1000.0).ToString("0.00", CultureInfo.InvariantCulture);
        return $"{reply.Device.Path}: {reply.Sealed} is sealed, {reply.Device.CowfilePath} takes the changes; they waited {pause} ms";
    }
}
