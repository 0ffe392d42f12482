using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core.Format;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop import-dm: a cowfile of a device mapper snapshot.</summary>
internal static class ImportDmVerb
{
    public static Command Create()
    {
        var store = new Argument<string>("STORE") { Description = "The snapshot's own device, which its table names after the origin, or a copy of it" };
        var baseName = new Argument<string>("BASE") { Description = "The origin of the snapshot, or an equal image" };
        var cowfile = new Argument<string>("COWFILE") { Description = "The cowfile to make; must not exist" };
        var kept = new StoreOptions();
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "import-dm",
            "Make a cowfile of a device mapper snapshot (persistent, as dmsetup and LVM make them) that is not active; the snapshot stays as it is.",
            "cowloop import-dm store.dm disk.img my.cow")
        {
            store,
            baseName,
            cowfile,
        };
        kept.AddTo(command);
        command.Add(json);
        command.SetAction(result => VerbRunner.Run(
            () => Import(
                result.GetRequiredValue(store),
                result.GetRequiredValue(baseName),
                result.GetRequiredValue(cowfile),
                kept.Choose(result),
                result.GetValue(json)),
            "nothing was made or changed"));
        return command;
    }

    private static int Import(string store, string baseName, string cowfile, StoreChoice? kept, bool asJson)
    {
        DmImportReport report = DmImport.Run(store, baseName, cowfile, kept);
        if (report.LosesRest)
        {
            Console.Error.WriteLine(
                $"cowloop: warning: the last 512 bytes of {baseName} are no whole block, and a cowfile does not reach them: "
                + "what the snapshot had there is lost");
        }
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(
                new DmImportResult(Path.GetFullPath(cowfile), report.Chunks, report.ChunkBytes, report.Blocks, report.EqualBlocks, report.LosesRest),
                DmJson.Default.DmImportResult)
            : $"{cowfile}: {report.Blocks} blocks ({HumanSize.Format(report.Blocks * CowLayout.BlockSize)}), "
            + $"of {report.Chunks} chunks of {HumanSize.Format(report.ChunkBytes)}; {report.EqualBlocks} blocks were equal to {baseName} and are left out");
        return 0;
    }
}
