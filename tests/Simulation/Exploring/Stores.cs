using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>Opens what cowfiles are kept in, whatever it is.</summary>
internal static class Stores
{
    private const int BootIdOffset = 8;

    /// <summary>A file seen as the cowfile that it holds.</summary>
    /// <param name="file">The file, or a compact store.</param>
    /// <param name="isSameBoot">True when it is opened in the boot that wrote to it last.</param>
    public static IBlockFile View(IBlockFile file, bool isSameBoot = false) => CompactFile.IsCompact(file)
        ? CompactFile.Open(file, "store", new CompactOptions { AllocateZeroedWords = HeapWords.Allocate, BootId = BootIdFor(file, isSameBoot) })
        : file;

    /// <summary>The cowfile as it would be without a compact store.</summary>
    /// <param name="file">The file, or a compact store.</param>
    /// <param name="isSameBoot">As for <see cref="View"/>.</param>
    public static MemoryFile PlainCopy(MemoryFile file, bool isSameBoot)
    {
        if (!CompactFile.IsCompact(file))
        {
            return file;
        }
        MemoryFile copy = Geometry.NewFile();
        SparseCopy.Copy(View(file, isSameBoot), copy);
        return copy;
    }

    /// <summary>Boots are numbered. As nobody counts them here, one after another is the next one.</summary>
    private static Guid BootIdFor(IBlockFile file, bool isSameBoot)
    {
        byte[] last = new byte[16];
        file.ReadAt(CompactLayout.BootMarkOffsetBytes + BootIdOffset, last).MustBeNone();
        int number = BitConverter.ToInt32(last, 12);
        return new Guid([.. last[..12], .. BitConverter.GetBytes(isSameBoot ? number : number + 1)], bigEndian: true);
    }
}
