using Cowloop.Core.Files;

namespace Cowloop.Core.Format;

/// <summary>
/// The original's fingerprint of a base: byte sums of its first four blocks whose sum is not 0 mod 256
/// (specification 2.1). It is weak, and kept because the originals demand it.
/// </summary>
public static class BaseFingerprint
{
    // The four blocks are nearly always the first ones; only a base that begins with zeros is worth reading in large pieces.
    private const int SingleBlockReads = 8;
    // Small enough not to become one of the large objects, whose number makes the runtime collect all of its heap.
    private const int ChunkBytes = 64 * 1024;

    /// <summary>How many blocks the fingerprint is made of: a byte of it for each.</summary>
    public const int CountedBlocks = 4;

    /// <summary>
    /// Computes the fingerprint. Holes are skipped unread: their sum is 0. A read error ends the search, as it did in the original.
    /// </summary>
    /// <param name="file">The base.</param>
    /// <param name="blockCount">Whole blocks to look at.</param>
    public static uint Compute(IBlockFile file, long blockCount) => Compute(file, blockCount, out _);

    /// <inheritdoc cref="Compute(IBlockFile, long)"/>
    /// <param name="file">The base.</param>
    /// <param name="blockCount">Whole blocks to look at.</param>
    /// <param name="windowBlockCount">
    /// How many blocks at the start of the base decide about its fingerprint: up to and including the fourth one counted, or all of them.
    /// </param>
    public static uint Compute(IBlockFile file, long blockCount, out long windowBlockCount)
    {
        ArgumentNullException.ThrowIfNull(file);
        windowBlockCount = blockCount;
        uint fingerprint = 0;
        int counted = 0;
        byte[] chunk = new byte[CowLayout.BlockSize];
        for (long block = 0; block < blockCount && counted < CountedBlocks;)
        {
            if (file.NextData(block * CowLayout.BlockSize, out long dataOffsetBytes, out _) == Errno.None)
            {
                block = Math.Max(block, dataOffsetBytes / CowLayout.BlockSize);
                if (block >= blockCount)
                {
                    break;
                }
            }
            if (block >= SingleBlockReads && chunk.Length < ChunkBytes)
            {
                chunk = new byte[ChunkBytes];
            }

            Span<byte> target = chunk.AsSpan(0, (int)Math.Min(chunk.Length, (blockCount - block) * CowLayout.BlockSize));
            if (file.ReadAt(block * CowLayout.BlockSize, target) != Errno.None)
            {
                target = target[..CowLayout.BlockSize];
                if (file.ReadAt(block * CowLayout.BlockSize, target) != Errno.None)
                {
                    break;
                }
            }
            for (; !target.IsEmpty && counted < CountedBlocks; target = target[CowLayout.BlockSize..], block++)
            {
                byte sum = Sum(target[..CowLayout.BlockSize]);
                if (sum != 0)
                {
                    fingerprint |= (uint)sum << (8 * counted++);
                    windowBlockCount = counted == CountedBlocks ? block + 1 : blockCount;
                }
            }
        }
        return fingerprint;
    }

    /// <summary>What a block contributes: the sum of its bytes mod 256; one with 0 is not counted.</summary>
    public static byte Sum(ReadOnlySpan<byte> block)
    {
        uint sum = 0;
        foreach (byte value in block)
        {
            sum += value;
        }
        return (byte)sum;
    }
}
