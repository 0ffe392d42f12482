using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Applets;

/// <summary>cowpack: a cowfile without its holes, and back (specification 5.8).</summary>
internal static class Cowpack
{
    private const int FailureExitCode = 1;

    public static int Run(string program, string[] arguments)
    {
        ClassicOptions? options = ClassicOptions.Parse(program, arguments, "zpu", "zstd", "help", "version");
        if (options?.Has("version") == true)
        {
            Console.WriteLine($"cowpack {ProgramVersion.Text}");
            return 0;
        }
        if (options?.Has("help") == true)
        {
            Console.Write(Usage(program) + Help);
            return 0;
        }
        if (options is null || options.Options.Count(option => option is "p" or "u") != 1 || (options.Has("z") && options.Has("zstd")))
        {
            Console.Error.Write(Usage(program));
            return FailureExitCode;
        }
        bool isPacking = options.Has("p");
        PackedEncoding encoding = options.Has("z") ? PackedEncoding.Gzip : options.Has("zstd") ? PackedEncoding.Zstd : PackedEncoding.Plain;
        return options.Operands is [string source, string destination, ..]
            ? Work(program, isPacking, encoding, source, destination)
            : MissOperand(program, isPacking, options.Operands);
    }

    private static int Work(string program, bool isPacking, PackedEncoding encoding, string source, string destination)
    {
        var packing = new CowfilePacking();
        try
        {
            _ = isPacking
                ? packing.Pack(source, destination, encoding, overwrite: true)
                : packing.Unpack(source, destination, encoding, overwrite: true);
            return 0;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"{Path.GetFileName(program)}: interrupted; {destination} was not {(Path.Exists(destination) ? "changed" : "made")}");
            return WorkSession.InterruptedExitCode;
        }
        catch (CowloopException exception)
        {
            Console.Error.WriteLine(FirstLine(isPacking, encoding != PackedEncoding.Plain, packing, exception));
            ErrorReport.Write(program, exception);
            return FailureExitCode;
        }
    }

    /// <summary>The original opened what was not there, in its usual order.</summary>
    private static int MissOperand(string program, bool isPacking, IReadOnlyList<string> operands)
    {
        bool isSourceOpen = false;
        try
        {
            if (operands.Count > 0)
            {
                FileOpener.OpenToRead(operands[0]).Dispose();
                isSourceOpen = true;
            }
            throw new CowloopException(Errno.EFAULT, $"{(isSourceOpen ? "dest is" : "source and dest are")} missing", "--help shows an example");
        }
        catch (CowloopException exception)
        {
            ErrorReport.Write(program, Opening(isPacking, isSourceOpen), exception);
            return FailureExitCode;
        }
    }

    private static string FirstLine(bool isPacking, bool isCompressed, CowfilePacking packing, CowloopException exception)
    {
        string step = exception.Fault switch
        {
            Fault.ReadHeader => "Reading cowheader",
            Fault.WriteHeader => "Writing cowheader",
            Fault.ReadBitmap => "Reading bitmap",
            Fault.WriteBitmap => "Writing bitmap",
            Fault.ReadData or Fault.WriteData => "Copying data",
            _ => Opening(isPacking, packing.HasSource),
        };
        return exception.Fault switch
        {
            Fault.WrongMagic => "Not a valid cowfile (wrong magic)",
            Fault.WrongVersion => "Version of cowfile not supported",
            Fault.Dirty => "Cowfile is dirty",
            Fault.Packed => "Cowfile is packed",
            Fault.NotPacked => "Cowfile is not packed",
            Fault.OtherEncoding => "Cowfile is packed in another encoding",
            Fault.Damaged => "Cowfile is damaged",
            Fault.ReadHeader or Fault.ReadBitmap or Fault.ReadData when isCompressed && !isPacking => $"{step} : {ZlibText(packing, exception)}",
            _ => $"{step}: {exception.Errno.Text()}",
        };
    }

    /// <summary>What zlib answered: it knew its file only by number. Nothing when the data ended well, but too early.</summary>
    private static string ZlibText(CowfilePacking packing, CowloopException exception)
    {
        string? text = packing.Damage ?? (exception.Errno == Errno.None ? null : exception.Errno.Text());
        return text is null ? "" : $"<fd:3>: {text}";
    }

    private static string Opening(bool isPacking, bool isSourceOpen) => (isPacking, isSourceOpen) switch
    {
        (true, false) or (false, true) => "Opening cowfile",
        (true, true) => "Opening outputfile",
        (false, false) => "Opening inputfile",
    };

    private static string Usage(string program) => $"""
        Usage: {program} [-z] <-p | -u> <source> <dest>
         where: -z indicates GZipped input (with -u) or output (with -p)
                -p indicates packing source (a cow file) to dest
                -u indicates unpacking source to dest (a cow file)
        NOTE: -p and -u are mutually exclusive

        """;

    private const string Help = """

        A packed cowfile has no holes, so it can be sent and kept anywhere; it is unpacked before it is used.
           --zstd      in place of -z: Zstandard, which is faster and packs better; the original does not read it

        dest gets its name when it is complete and durable; until then a file of that name stays as it is.
        Of a symbolic link the file behind it is replaced.

        Example:
           cowpack -zp my.cow my.cow.gz
           cowpack -zu my.cow.gz my.cow

        """;
}
