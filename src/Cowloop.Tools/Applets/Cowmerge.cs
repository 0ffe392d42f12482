using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Applets;

/// <summary>cowmerge: write the changes of a cowfile into its rdofile (specification 5.9).</summary>
internal static class Cowmerge
{
    private const int FailureExitCode = 1;

    public static int Run(string program, string[] arguments)
    {
        ClassicOptions? options = ClassicOptions.Parse(program, arguments, "y", "yes", "dry-run", "resume", "help", "version");
        if (options?.Has("version") == true)
        {
            Console.WriteLine($"cowmerge {ProgramVersion.Text}");
            return 0;
        }
        if (options?.Has("help") == true)
        {
            Console.Write(Usage(program) + Help);
            return 0;
        }
        if (options is not { Operands: [string rdofile, string cowfile] })
        {
            Console.Error.Write(Usage(program));
            return FailureExitCode;
        }
        return Merge(program, rdofile, cowfile, options);
    }

    private static int Merge(string program, string rdofile, string cowfile, ClassicOptions options)
    {
        bool isDryRun = options.Has("dry-run");
        string opening = cowfile;
        bool isBegun = false;
        try
        {
            using var merge = BaseMerge.Prepare(rdofile, cowfile, options.Has("resume"), writable: !isDryRun, () => opening = rdofile);
            string result = $"Number of blocks modified in {rdofile}: {merge.BlockCount}";
            if (isDryRun)
            {
                Console.WriteLine($"{result} (not done due to --dry-run)");
                return 0;
            }
            if (!options.Has("y", "yes"))
            {
                Console.Write($"Really want to modify {rdofile} with updates from {cowfile} (Y/N)? ");
                using Stream input = Console.OpenStandardInput();
                if (input.ReadByte() != 'Y')
                {
                    return 0;
                }
            }
            isBegun = true;
            merge.Run();
            Console.WriteLine(result);
            return 0;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"{Path.GetFileName(program)}: interrupted");
            WriteResumeHint(program, rdofile, cowfile, isBegun);
            return WorkSession.InterruptedExitCode;
        }
        catch (CowloopException exception)
        {
            Console.Error.WriteLine(FirstLine(program, rdofile, cowfile, opening, exception));
            ErrorReport.Write(program, exception);
            WriteResumeHint(program, rdofile, cowfile, isBegun);
            return FailureExitCode;
        }
    }

    private static void WriteResumeHint(string program, string rdofile, string cowfile, bool isBegun)
    {
        if (isBegun)
        {
            Console.Error.WriteLine(
                $"{Path.GetFileName(program)}: {rdofile} is updated in part; keep {cowfile}, and finish with: "
                + $"cowmerge --resume {ShellWord.ForPath(rdofile)} {ShellWord.ForPath(cowfile)}");
        }
    }

    private static string FirstLine(string program, string rdofile, string cowfile, string opening, CowloopException exception) => exception.Fault switch
    {
        Fault.ReadHeader => $"read of cowheader: {exception.Errno.Text()}",
        Fault.WrongMagic => $"{cowfile} is not a valid cowfile (wrong magic)",
        Fault.WrongVersion => $"version of cowfile {cowfile} not supported",
        Fault.Packed => $"cowfile {cowfile} is packed (cowpack -u needed)",
        Fault.Dirty => $"cowfile {cowfile} is dirty (repair needed)",
        Fault.ReadBitmap => $"read bitmap from cowfile: {exception.Errno.Text()}",
        Fault.OtherBase => $"{program} - fingerprint of {rdofile} does not correspond with {cowfile}",
        Fault.OtherSize => $"{program} - size of {rdofile} does not correspond with {cowfile}",
        Fault.OtherParent => $"cowfile {cowfile} does not lie on {rdofile} itself",
        Fault.ReadData => $"read from cowfile failed: {exception.Errno.Text()}",
        Fault.WriteData => $"write to rdofile failed: {exception.Errno.Text()}",
        Fault.Damaged => $"cowfile {cowfile} is damaged",
        _ => $"{program} - can not open {opening}: {exception.Errno.Text()}",
    };

    private static string Usage(string program) => $"""
        Usage: {program} rdofile cowfile
        {'\t'}rdofile{'\t'}read-only file to be updated
        {'\t'}cowfile{'\t'}cowfile containing the updates

        """;

    private const string Help = """

        Everything is verified before it asks; only the answer Y goes on. The exit code is 0 for any other answer, too.
           -y, --yes   do not ask
           --dry-run   verify, and say how many blocks would be written; nothing is changed
           --resume    finish a merge that was interrupted

        Example:
           cowmerge -y disk.img my.cow && rm my.cow

        """;
}
