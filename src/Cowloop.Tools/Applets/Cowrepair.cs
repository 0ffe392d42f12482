using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Applets;

/// <summary>cowrepair: make the bitmap of a cowfile agree with its data after a crash (specification 5.7).</summary>
internal static class Cowrepair
{
    private const int FailureExitCode = 1;

    public static int Run(string program, string[] arguments)
    {
        ClassicOptions? options = ClassicOptions.Parse(program, arguments, "fnv", "help", "version");
        if (options?.Has("version") == true)
        {
            Console.WriteLine($"cowrepair {ProgramVersion.Text}");
            return 0;
        }
        if (options?.Has("help") == true)
        {
            Console.Write(Usage(program) + Help);
            return 0;
        }
        if (options is null || options.Operands.Count == 0)
        {
            Console.Error.Write(Usage(program));
            return FailureExitCode;
        }
        return Repair(program, options.Operands[0], options.Has("f"), options.Has("n"), options.Has("v"));
    }

    private static int Repair(string program, string name, bool force, bool nomodify, bool verbose)
    {
        // Millions of lines are possible.
        using var output = new StreamWriter(Console.OpenStandardOutput());
        try
        {
            Action<long>? onCorrection = verbose
                ? block => output.WriteLine($"data block {block,9} (offset {block * CowLayout.BlockSize,11}) not marked in bitmap; corrected")
                : null;
            if (CowfileRepair.Run(name, force, modify: !nomodify, onCorrection) is not RepairReport report)
            {
                Console.Error.WriteLine($"cowfile {name} is not dirty");
                return 0;
            }
            output.WriteLine($"Number of corrections in bitmap: {report.Corrections}{(nomodify ? " (not done due to flag -n)" : "")}");
            output.Flush();
            Report(program, name, nomodify, report);
            return 0;
        }
        catch (OperationCanceledException)
        {
            output.Flush();
            Console.Error.WriteLine($"{Path.GetFileName(program)}: interrupted; nothing is lost, run it again to repair {name}");
            return WorkSession.InterruptedExitCode;
        }
        catch (CowloopException exception)
        {
            output.Flush();
            Console.Error.WriteLine(FirstLine(name, exception));
            ErrorReport.Write(program, exception);
            return FailureExitCode;
        }
    }

    private static void Report(string program, string name, bool nomodify, RepairReport report)
    {
        if (report.RemovedBlocks > 0)
        {
            string were = nomodify ? "would be" : "were";
            Console.Error.WriteLine($"{Path.GetFileName(program)}: {report.RemovedBlocks} blocks of writes that were never finished {were} removed");
        }
        if (report.FirstStrayBlock >= 0)
        {
            Console.Error.WriteLine(
                $"{Path.GetFileName(program)}: warning: {name} holds data at block {report.FirstStrayBlock}, behind the end of its rdofile; left alone");
        }
    }

    private static string FirstLine(string name, CowloopException exception) => exception.Fault switch
    {
        Fault.ReadHeader => $"error during read of cowheader: {exception.Errno.Text()}",
        Fault.WriteHeader => $"rewrite cowhead failed: {exception.Errno.Text()}",
        Fault.ReadBitmap => $"read bitmap: {exception.Errno.Text()}",
        Fault.WriteBitmap => $"rewrite bitmap failed: {exception.Errno.Text()}",
        Fault.WrongMagic => $"{name} is not a valid cowfile (wrong magic)",
        Fault.WrongVersion => $"version of cowfile {name} not supported",
        Fault.Packed => $"cowfile {name} cannot be repaired while packed",
        Fault.None => $"{name}: {exception.Errno.Text()}",
        _ => $"cowfile {name} cannot be repaired",
    };

    private static string Usage(string program) => $"""
        Usage: {program} [-f] [-n] [-v[v]] cowfile

           -f   forced:   repair cowfile which is not dirty
           -n   nomodify: do not modify cowfile (fake mode)
           -v   verbose:  provide extra info

        """;

    private const string Help = """

        A cowfile is dirty after a crash: it may hold blocks that its bitmap does not show.
        Interrupting it does no harm; run it again.

        Example:
           cowrepair my.cow

        """;
}
