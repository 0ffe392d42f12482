using System.CommandLine;
using System.Text.Json;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop repair: what cowrepair does.</summary>
internal static class RepairVerb
{
    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        var force = new Option<bool>("--force", "-f") { Description = "Also when it is not dirty" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would be done" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "repair",
            "Make a cowfile usable again that is dirty after a crash. Interrupting it does no harm.",
            "cowloop repair my.cow")
        {
            cowfile,
            force,
            dryRun,
            json,
        };
        command.SetAction(result => VerbRunner.Run(
            () => Repair(result.GetRequiredValue(cowfile), result.GetValue(force), result.GetValue(dryRun), result.GetValue(json)),
            "nothing is lost, run it again"));
        return command;
    }

    private static int Repair(string cowfile, bool force, bool isDryRun, bool asJson)
    {
        RepairReport? report = CowfileRepair.Run(cowfile, force, modify: !isDryRun, null);
        if (asJson)
        {
            var result = new RepairResult(
                Path.GetFullPath(cowfile),
                report is not null && !isDryRun,
                report?.Corrections ?? 0,
                report?.RemovedBlocks ?? 0,
                report?.UsedBlocks);
            Console.WriteLine(JsonSerializer.Serialize(result, ToolJson.Default.RepairResult));
            return 0;
        }
        if (report is null)
        {
            Console.WriteLine($"{cowfile} is not dirty: nothing to repair");
            return 0;
        }
        string corrections = report.Corrections == 0 ? "none of them was" : $"{report.Corrections} of them {(report.Corrections == 1 ? "was" : "were")}";
        Console.WriteLine($"{cowfile} {(isDryRun ? "can be" : "is")} repaired: it holds {report.UsedBlocks} blocks, {corrections} missing from its bitmap");
        if (report.RemovedBlocks > 0)
        {
            Console.WriteLine($"{report.RemovedBlocks} blocks of writes that were never finished {(isDryRun ? "would be" : "are")} removed");
        }
        if (report.FirstStrayBlock >= 0)
        {
            Console.Error.WriteLine($"cowloop: warning: {cowfile} holds data at block {report.FirstStrayBlock}, behind the end of its base; left alone");
        }
        return 0;
    }
}
