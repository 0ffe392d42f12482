using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.DeviceMapper;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop export-dm: a device mapper snapshot of a cowfile.</summary>
internal static class ExportDmVerb
{
    private const int SectorBytes = 512;

    public static Command Create()
    {
        Argument<string> baseName = VerbOptions.Base();
        var cowfile = new Argument<string>("COWFILE") { Description = "The cowfile on it; it must not be in use" };
        var store = new Argument<string>("STORE") { Description = "The file to make, sparse; or a block device, of which all that it holds is lost" };
        var layers = new Option<string[]>("--layer")
        {
            Description = "A cowfile between BASE and COWFILE; several from bottom to top. Those that COWFILE was made on are found by themselves",
            HelpName = "COWFILE",
        };
        Option<long?> chunk = VerbOptions.Size(
            "--chunk",
            "Size of a chunk, the unit in which device mapper copies: a power of two from 4K to 512K; otherwise 4K");
        var force = new Option<bool>("--force") { Description = "Replace a file STORE that exists, or overwrite a block device that is not blank" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "export-dm",
            "Make a device mapper snapshot (persistent, as dmsetup takes it) of a base and its cowfile, and print how it is activated; both stay as they are.",
            "cowloop export-dm disk.img my.cow store.dm")
        {
            baseName,
            cowfile,
            store,
            layers,
            chunk,
            force,
            json,
        };
        command.SetAction(result => VerbRunner.Run(
            () =>
            {
                string image = result.GetRequiredValue(baseName);
                string storeName = result.GetRequiredValue(store);
                var export = new DmExport(
                    image,
                    [.. result.GetValue(layers) ?? [], result.GetRequiredValue(cowfile)],
                    storeName,
                    result.GetValue(chunk) ?? DmExporter.MinChunkBytes,
                    result.GetValue(force));
                Report(export.Run(), image, storeName, result.GetValue(json));
                return 0;
            },
            "there is no snapshot that can be used; run it again"));
        return command;
    }

    private static void Report(DmExportReport report, string baseName, string store, bool asJson)
    {
        if (report.CanRunFull)
        {
            Console.Error.WriteLine(
                $"cowloop: warning: {store} has room for {report.FreeChunks} more chunks; "
                + "the kernel invalidates a snapshot that runs full, with all that is in it");
        }
        string origin = report.IsBaseDevice ? Path.GetFullPath(baseName) : "$ORIGIN";
        string device = report.IsStoreDevice ? Path.GetFullPath(store) : "$STORE";
        string table = $"0 {report.Sectors} snapshot {origin} {device} P {report.ChunkBytes / SectorBytes}";
        if (asJson)
        {
            var result = new DmExportResult(
                Path.GetFullPath(store),
                report.LengthBytes,
                report.Chunks,
                report.ChunkBytes,
                report.Sectors,
                report.CanRunFull,
                table);
            Console.WriteLine(JsonSerializer.Serialize(result, DmJson.Default.DmExportResult));
            return;
        }
        string size = HumanSize.Format(report.Chunks * report.ChunkBytes);
        Console.WriteLine($"{store}: {report.Chunks} chunks ({size}) that differ from {baseName}. Activate it, as NAME:");
        if (!report.IsBaseDevice)
        {
            Console.WriteLine($"  ORIGIN=$(losetup --find --show --read-only {ShellWord.ForPath(baseName)})");
        }
        if (!report.IsStoreDevice)
        {
            Console.WriteLine($"  STORE=$(losetup --find --show {ShellWord.ForPath(store)})");
        }
        Console.WriteLine($"  dmsetup create NAME --table \"{table}\"");
    }
}
