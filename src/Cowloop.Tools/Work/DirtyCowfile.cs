using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>A cowfile that work on it may have left dirty.</summary>
internal static class DirtyCowfile
{
    /// <summary>
    /// Repairs a dirty cowfile that says itself what is valid in it, as an activation does: also one of the original's kind that a crash has left in the
    /// middle of such work. Any other is left alone, to be refused.
    /// </summary>
    /// <exception cref="Core.CowloopException">It can't be opened or repaired.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the next repair does the rest.</exception>
    public static void Settle(string name)
    {
        if (IsToBeRepaired(name))
        {
            _ = CowfileRepair.Run(name, force: false, modify: true, onCorrection: null);
            Console.Error.WriteLine($"cowloop: {name} was dirty and is repaired");
        }
    }

    private static bool IsToBeRepaired(string name)
    {
        using StoredFile file = FileOpener.OpenToRead(name);
        CowHeader header = CowfileChecks.ReadHeader(new CheckedFile(file, name), new byte[CowLayout.BlockSize]);
        const CowFlags Wanted = CowFlags.Dirty | CowFlags.BitmapDecides;
        return header.HasKnownVersion && (header.Flags & (Wanted | CowFlags.Packed)) == Wanted;
    }
}
