using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop merge: what cowmerge does, and the same with a layer instead of a base.</summary>
internal static class MergeVerb
{
    public static Command Create()
    {
        Argument<string> baseName = VerbOptions.Base();
        baseName.Description =
            "The image or block device that the changes are written into; with --into, the cowfile, or the layer below it; with --live, a device";
        var cowfile = new Argument<string?>("COWFILE") { Description = "The cowfile", Arity = ArgumentArity.ZeroOrOne };
        var into = new Option<string?>("--into")
        {
            Description = "Write the changes into this layer, which the cowfile lies on; or those of both into a new cowfile, when there is no such file",
            HelpName = "LAYER",
        };
        Option<string?> lowest = VerbOptions.BaseOf("With --into a new cowfile: the base, to verify all with it; needed for plain cowfiles");
        var live = new Option<bool>("--live") { Description = "Merge the topmost layer of a device into the one below it, while the device is in use" };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only verify that it can be done, and say how much would be written" };
        var resume = new Option<bool>("--resume") { Description = "Finish a merge into a base that was interrupted; with --into the same command does that" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "merge",
            "Write the changes of a cowfile into its base, or into the layer that it lies on. Everything is verified before anything is changed. "
            + "Exit code 1: declined.",
            "cowloop merge disk.img my.cow --yes && rm my.cow")
        {
            baseName,
            cowfile,
            into,
            lowest,
            live,
            yes,
            dryRun,
            resume,
            json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(live))
            {
                AddErrorIf(
                    result.GetValue(cowfile) is not null || result.GetValue(into) is not null || result.GetValue(lowest) is not null
                        || result.GetValue(resume) || result.GetValue(dryRun),
                    "--live names a device only, and goes with --yes and --json");
            }
            else if (result.GetValue(into) is null)
            {
                AddErrorIf(result.GetValue(cowfile) is null && result.GetValue(baseName) is not null, "COWFILE is missing");
                AddErrorIf(result.GetValue(lowest) is not null, "--base goes with --into only: otherwise BASE is the first argument");
            }
            else
            {
                AddErrorIf(result.GetValue(resume), "--resume does not go with --into: the same command finishes it");
            }

            void AddErrorIf(bool isWrong, string error)
            {
                if (isWrong)
                {
                    result.AddError(error);
                }
            }
        });
        command.SetAction(result =>
        {
            string name = result.GetRequiredValue(baseName);
            string? changes = result.GetValue(cowfile);
            if (result.GetValue(live))
            {
                return LiveMerge.Run(name, result.GetValue(yes), result.GetValue(json));
            }
            if (result.GetValue(into) is string layer)
            {
                string[] names = changes is null ? [name] : [name, changes];
                var merge = new IntoMerge(names, layer, result.GetValue(lowest), result.GetValue(yes), result.GetValue(dryRun), result.GetValue(json));
                return VerbRunner.Run(merge.Run, "if it had begun, finish it with the same command");
            }
            return VerbRunner.Run(
                () => Merge(name, changes!, result.GetValue(yes), result.GetValue(dryRun), result.GetValue(resume), result.GetValue(json)),
                $"if it had begun, finish with: {ResumeCommand(name, changes!)}");
        });
        return command;
    }

    private static int Merge(string baseName, string cowfile, bool yes, bool isDryRun, bool resume, bool asJson)
    {
        using var merge = BaseMerge.Prepare(baseName, cowfile, resume, writable: !isDryRun, () => { });
        string size = HumanSize.Format(merge.BlockCount * CowLayout.BlockSize);
        if (!isDryRun)
        {
            if (!yes && !Confirmation.AskToMerge($"Write {merge.BlockCount} changed blocks ({size}) of {cowfile} into {baseName}, for good? (y/N) "))
            {
                return Confirmation.DeclinedExitCode;
            }
            Run(merge, baseName, cowfile);
        }
        var result = new MergeResult(Path.GetFullPath(baseName), Path.GetFullPath(cowfile), !isDryRun, merge.BlockCount);
        Console.WriteLine(asJson
            ? JsonSerializer.Serialize(result, ToolJson.Default.MergeResult)
            : $"{merge.BlockCount} blocks ({size}) of {cowfile} {(isDryRun ? "would be" : "are")} written into {baseName}");
        return 0;
    }

    private static void Run(BaseMerge merge, string baseName, string cowfile)
    {
        try
        {
            merge.Run();
        }
        catch (CowloopException exception)
        {
            throw new CowloopException(
                exception.Errno,
                exception.Message,
                $"{baseName} is updated in part; keep {cowfile}, and finish with: {ResumeCommand(baseName, cowfile)}");
        }
    }

    private static string ResumeCommand(string baseName, string cowfile) =>
        $"cowloop merge --resume {ShellWord.ForPath(baseName)} {ShellWord.ForPath(cowfile)}";
}
