using System.CommandLine;
using System.Text.Json;
using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop check: is a cowfile as it should be?</summary>
internal static class CheckVerb
{
    private const int ProblemsExitCode = 1;

    public static Command Create()
    {
        Argument<string> cowfile = VerbOptions.Cowfile();
        var baseName = new Option<string?>("--base") { Description = "Also check that it belongs to this base", HelpName = "BASE" };
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "check",
            "Say whether a cowfile is as it should be; nothing is changed. Exit code 0: it is; 1: it is not; 2: it could not be checked.",
            "cowloop check my.cow --base disk.img")
        {
            cowfile,
            baseName,
            json,
        };
        command.SetAction(result => VerbRunner.Run(() => Check(result.GetRequiredValue(cowfile), result.GetValue(baseName), result.GetValue(json))));
        return command;
    }

    private static int Check(string cowfile, string? baseName, bool asJson)
    {
        using StoredFile file = FileOpener.OpenToRead(cowfile);
        IReadOnlyList<Problem> problems = baseName is not null && LiesOnLayers(file)
            ? CheckOnLayers(file, cowfile, baseName)
            : CheckOnBase(file, cowfile, baseName);
        if (asJson)
        {
            var result = new CheckResult(Path.GetFullPath(cowfile), problems.Count == 0, problems);
            Console.WriteLine(JsonSerializer.Serialize(result, ToolJson.Default.CheckResult));
        }
        else if (problems.Count == 0)
        {
            Console.WriteLine($"{cowfile}: no problems found");
        }
        else
        {
            foreach (Problem problem in problems)
            {
                string text = problem.Text.Contains(cowfile, StringComparison.Ordinal) ? problem.Text : $"{cowfile}: {problem.Text}";
                Console.WriteLine($"{text}{(problem.Hint is null ? "" : $"; {problem.Hint}")}");
            }
        }
        return problems.Count == 0 ? 0 : ProblemsExitCode;
    }
    private static bool LiesOnLayers(StoredFile file)
    {
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        return file.LengthBytes >= headerBlock.Length
            && file.ReadAt(0, headerBlock) == Errno.None
            && ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record) == RecordState.Present
            && record!.Parent is not null;
    }

    private static IReadOnlyList<Problem> CheckOnBase(StoredFile file, string cowfile, string? baseName)
    {
        using PosixFile? stored = baseName is null ? null : BaseOpener.OpenToLook(baseName);
        using IBlockFile? baseFile = stored is null ? null : BaseOpener.ContentOf(stored, baseName!);
        using var session = new WorkSession();
        return Checker.Run(new CheckedFile(file, cowfile), baseFile is null ? null : new CheckedFile(baseFile, baseName!), session);
    }

    /// <summary>What lies below is the base seen through the layers; one of them that is missing or has changed is a problem of the cowfile.</summary>
    private static IReadOnlyList<Problem> CheckOnLayers(StoredFile file, string cowfile, string baseName)
    {
        try
        {
            using StackOpener below = StackOpener.OpenBelow(baseName, cowfile, []);
            using var session = new WorkSession();
            return Checker.RunOnLayers(new CheckedFile(file, cowfile), below.Image, session);
        }
        catch (CowloopException exception) when (exception.Fault is Fault.OtherParent or Fault.OtherBase)
        {
            return [new Problem(exception.Message, exception.Hint), .. CheckOnBase(file, cowfile, null)];
        }
    }
}
