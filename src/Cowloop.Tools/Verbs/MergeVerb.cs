using System.CommandLine;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop merge: what cowmerge does.</summary>
internal static class MergeVerb
{
    private const int DeclinedExitCode = 1;

    public static Command Create()
    {
        Argument<string> baseName = VerbOptions.Base();
        baseName.Description = "The image or block device that the changes are written into";
        Argument<string> cowfile = VerbOptions.Cowfile();
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only verify that it can be done, and say how much would be written" };
        var resume = new Option<bool>("--resume") { Description = "Finish a merge that was interrupted" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "merge",
            "Write the changes of a cowfile into its base. Everything is verified before anything is changed. Exit code 1: declined.",
            "cowloop merge disk.img my.cow --yes && rm my.cow")
        {
            baseName,
            cowfile,
            yes,
            dryRun,
            resume,
            json,
        };
        command.SetAction(result =>
        {
            string name = result.GetRequiredValue(baseName);
            string changes = result.GetRequiredValue(cowfile);
            return VerbRunner.Run(
                () => Merge(name, changes, result.GetValue(yes), result.GetValue(dryRun), result.GetValue(resume), result.GetValue(json)),
                $"if it had begun, finish with: {ResumeCommand(name, changes)}");
        });
        return command;
    }

    private static int Merge(string baseName, string cowfile, bool yes, bool isDryRun, bool resume, bool asJson)
    {
        using var merge = BaseMerge.Prepare(baseName, cowfile, resume, writable: !isDryRun, () => { });
        string size = HumanSize.Format(merge.BlockCount * CowLayout.BlockSize);
        if (!isDryRun)
        {
            if (!yes && !Confirm($"Write {merge.BlockCount} changed blocks ({size}) of {cowfile} into {baseName}, for good? (y/N) "))
            {
                Console.Error.WriteLine("cowloop: declined; nothing was changed");
                return DeclinedExitCode;
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

    private static bool Confirm(string question)
    {
        if (Console.IsInputRedirected)
        {
            throw new CowloopException(Errno.EINVAL, "merging needs a confirmation, and there is no terminal to ask at", "give --yes");
        }
        Console.Error.Write(question);
        return Console.ReadLine() is string answer && (answer.Trim() is "y" or "Y" or "yes" or "Yes");
    }
}
