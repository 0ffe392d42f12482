using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop compact: take out of a cowfile what is equal to what lies below.</summary>
internal static class CompactVerb
{
    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        Option<string?> baseName = VerbOptions.BaseOf("The base; otherwise the one that the cowfile names");
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "compact",
            "Make a cowfile smaller: take out the blocks that are equal to what lies below. What is read stays the same.",
            "cowloop compact my.cow")
        {
            cowfile,
            baseName,
            json,
        };
        command.SetAction(result => VerbRunner.Run(
            () => Compact(result.GetRequiredValue(cowfile), result.GetValue(baseName), result.GetValue(json)),
            "what is read is as it was; run it again to finish it"));
        return command;
    }

    private static int Compact(string cowfile, string? baseName, bool asJson)
    {
        DirtyCowfile.Settle(cowfile);
        using StackOpener below = StackOpener.OpenBelow(baseName, cowfile, []);
        using StoredFile file = FileOpener.OpenToChange(cowfile);
        var compacter = Compacter.Prepare(new CheckedFile(file, cowfile), below.Image, new BaseOptions());
        long lengthBytes = file.File.AllocatedBytes;
        LiveDirectory.RemoveAll(LiveDirectory.KeyOf(file.File));
        long dropped;
        using (var session = new WorkSession())
        {
            dropped = compacter.Run(session);
        }
        long kept = compacter.BlockCount - dropped;
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(new CompactResult(Path.GetFullPath(cowfile), dropped, kept), StackJson.Default.CompactResult)
            : $"{cowfile}: {dropped} of {compacter.BlockCount} blocks ({HumanSize.Format(dropped * CowLayout.BlockSize)}) were equal to what lies below "
            + $"and are taken out; on disk {HumanSize.Format(lengthBytes)} became {HumanSize.Format(file.File.AllocatedBytes)}");
        return 0;
    }
}
