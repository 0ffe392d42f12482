using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Applets;

/// <summary>cowlist: show the header of a cowfile (specification 5.6). Reading is all it needs.</summary>
internal static class Cowlist
{
    private const int FailureExitCode = 1;

    public static int Run(string program, string[] arguments)
    {
        switch (arguments)
        {
            case []:
                Console.Error.WriteLine($"Usage: {program} cowfile");
                return FailureExitCode;
            case ["--version"]:
                Console.WriteLine($"cowlist {ProgramVersion.Text}");
                return 0;
            case ["--help"]:
                Console.WriteLine($"Usage: {program} cowfile\n\nShows the header of a cowfile; it may be in use.\n\nExample:\n\tcowlist my.cow");
                return 0;
        }
        string name = arguments[0];
        try
        {
            using StoredFile file = FileOpener.OpenToLook(name);
            CowHeader header = CowfileChecks.ReadHeader(new CheckedFile(file, name), new byte[CowLayout.BlockSize]);
            if (header.MapUnit != 0)
            {
                Console.Write(Format(name, header));
            }
            _ = CowfileChecks.RequireLayout(header, name);
            return 0;
        }
        catch (CowloopException exception)
        {
            Console.Error.WriteLine(exception.Fault switch
            {
                Fault.ReadHeader => $"error during read of cowheader: {exception.Errno.Text()}",
                Fault.WrongMagic => $"{name} is not a valid cowfile (wrong magic)",
                _ => $"{name}: {exception.Errno.Text()}",
            });
            ErrorReport.Write(program, exception);
            return FailureExitCode;
        }
    }

    private static string Format(string name, CowHeader header)
    {
        string state = header.Flags.HasFlag(CowFlags.Dirty) ? "dirty" : "clean";
        string packed = header.Flags.HasFlag(CowFlags.Packed) ? " packed" : "";
        return $"""

            Info about cowfile {name}:
            {"state cowfile",18}: {state,9}{packed}
            {"header-version",18}: {header.Version,9}
            {"data offset",18}: {header.DataOffset,9}
            {"mapunit",18}: {header.MapUnit,9}
            {"bitmap-blocks",18}: {header.MapSize / header.MapUnit,9} (of {header.MapUnit} bytes)
            {"cowblocks in use",18}: {header.UsedBlocks,9} (of {header.MapUnit} bytes)
            {"size rdofile",18}: {header.BlockCount,9} (of {header.MapUnit} bytes)

            """;
    }
}
