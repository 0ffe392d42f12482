using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop fork: a second device of what a device holds now.</summary>
internal static class ForkVerb
{
    public static Command Create()
    {
        Argument<string> device = VerbOptions.Device();
        var cowfile = new Argument<string>("NEWFILE") { Description = "Gets the changes of the second device; must not exist" };
        var top = new Option<string?>("--top")
        {
            Description = "Takes the changes of the first device from now on; otherwise it is named after the present one: my.cow, my-2.cow",
            HelpName = "COWFILE",
        };
        Option<int?> number = VerbOptions.Number();
        Option<string?> freeze = SnapshotVerb.Freeze();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "fork",
            "Make a second device of what a device holds now, also while it is in use, and print its name. Nothing is copied: "
            + "the cowfile of the first one is sealed, and each gets a new one on top.",
            "cowloop fork /dev/cow/0 clone.cow")
        {
            device,
            cowfile,
            top,
            number,
            freeze,
            json,
        };
        command.SetAction(result => VerbRunner.WithClient((client, paths) =>
        {
            int first = VerbOptions.NumberOf(result.GetRequiredValue(device), client, paths);
            string? topName = result.GetValue(top);
            ForkReply reply = client.Fork(first, new ForkRequest(
                result.GetRequiredValue(cowfile),
                Environment.CurrentDirectory,
                topName is null ? null : Path.GetFullPath(topName),
                result.GetValue(number),
                result.GetValue(freeze)));
            foreach (string warning in reply.Warnings)
            {
                Console.Error.WriteLine($"cowloop: warning: {warning}");
            }
            if (result.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(reply, ControlJson.Default.ForkReply));
                return 0;
            }
            if (reply.Snapshot is SnapshotReply snapshot)
            {
                Console.Error.WriteLine(SnapshotVerb.Describe(snapshot));
            }
            Console.WriteLine(reply.Device.Path);
            return 0;
        }));
        return command;
    }
}
