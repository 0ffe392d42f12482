using System.Runtime.InteropServices;
using Cowloop.Core.Files;

namespace Cowloop.Core.Live;

/// <summary>Live bits that a killed service has left for a dirty cowfile.</summary>
public sealed class KeptBits
{
    private readonly IBlockFile _file;

    private KeptBits(IBlockFile file) => _file = file;

    /// <summary>Looks whether a file holds live bits for a cowfile as it is now.</summary>
    /// <param name="file">The file of live bits; not owned.</param>
    /// <param name="key">This boot, and the cowfile.</param>
    /// <param name="headerBlock">The cowfile's header block, 1024 bytes.</param>
    /// <returns>Null when they belong to another boot, another file, or another state of it.</returns>
    public static KeptBits? Find(IBlockFile file, LiveKey key, ReadOnlySpan<byte> headerBlock)
    {
        ArgumentNullException.ThrowIfNull(file);
        Span<byte> wanted = stackalloc byte[LiveHeader.LengthBytes];
        Span<byte> found = stackalloc byte[LiveHeader.LengthBytes];
        LiveHeader.Encode(wanted, key, headerBlock);
        return file.LengthBytes >= LiveHeader.LengthBytes && file.ReadAt(0, found) == Errno.None && found.SequenceEqual(wanted)
            ? new KeptBits(file)
            : null;
    }

    /// <summary>The first block at or after another one that may have a bit.</summary>
    /// <param name="block">Where to look from.</param>
    /// <param name="blockCount">What to answer when there is none.</param>
    /// <exception cref="CowloopException">The file can't be read.</exception>
    public long NextBlock(long block, long blockCount)
    {
        long offsetBytes = LiveHeader.LengthBytes + block / 8;
        Check(_file.NextData(offsetBytes, out long startBytes, out long endBytes));
        return endBytes <= startBytes ? blockCount : Math.Min(blockCount, Math.Max(block, (startBytes - LiveHeader.LengthBytes) * 8));
    }

    /// <summary>Adds the bits of a range.</summary>
    /// <param name="firstBlock">First block; a multiple of 64.</param>
    /// <param name="words">The bitmap there; gets the bits.</param>
    /// <exception cref="CowloopException">The file can't be read.</exception>
    public void AddTo(long firstBlock, Span<ulong> words)
    {
        long startBytes = LiveHeader.LengthBytes + firstBlock / 8;
        int count = (int)Math.Clamp((_file.LengthBytes - startBytes) / sizeof(ulong), 0, words.Length);
        Span<ulong> kept = new ulong[count];
        Check(_file.ReadAt(startBytes, MemoryMarshal.AsBytes(kept)));
        for (int index = 0; index < kept.Length; index++)
        {
            words[index] |= kept[index];
        }
    }

    /// <summary>Makes them worthless. What they speak of may be lost; they must not be believed again.</summary>
    public void Abandon() => _ = _file.WriteAt(0, new byte[LiveHeader.LengthBytes]);

    private static void Check(Errno errno)
    {
        if (errno != Errno.None)
        {
            throw new CowloopException(errno, $"the live bits of the killed service cannot be read: {errno.Text()}") { Fault = Fault.ReadBitmap };
        }
    }
}
