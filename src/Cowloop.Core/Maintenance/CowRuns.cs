using System.Numerics;
using System.Runtime.InteropServices;
using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Which blocks a cowfile holds, read from its bitmap in pieces: memory does not grow with the base, and holes of the bitmap cost nothing.
/// </summary>
public static class CowRuns
{
    private const int BitsPerWord = 64;
    private const int ChunkBytes = 64 * 1024;

    /// <summary>Yields the runs of 1-bits in ascending order, as long as they go; also those beyond the base's last block, which are a defect.</summary>
    /// <exception cref="CowloopException">The bitmap can't be read (<see cref="Fault.ReadBitmap"/>).</exception>
    public static IEnumerable<BlockRun> Read(CheckedFile file, CowLayout layout)
    {
        ArgumentNullException.ThrowIfNull(file);
        ulong[] words = new ulong[Math.Min(ChunkBytes, layout.BitmapBytes) / sizeof(ulong)];
        long bitmapEndBytes = CowLayout.BitmapOffsetBytes + layout.BitmapBytes;
        BlockRun pending = default;
        for (long offsetBytes = CowLayout.BitmapOffsetBytes; offsetBytes < bitmapEndBytes;)
        {
            (long dataBytes, _) = file.NextData(offsetBytes, Fault.ReadBitmap);
            offsetBytes = Math.Max(offsetBytes, dataBytes / sizeof(ulong) * sizeof(ulong));
            if (offsetBytes >= bitmapEndBytes)
            {
                break;
            }
            int lengthBytes = (int)Math.Min(ChunkBytes, bitmapEndBytes - offsetBytes);
            file.Read(offsetBytes, MemoryMarshal.AsBytes(words.AsSpan())[..lengthBytes], Fault.ReadBitmap);

            long firstBlock = (offsetBytes - CowLayout.BitmapOffsetBytes) * 8;
            int bitCount = lengthBytes * 8;
            for (int bit = NextBit(words, 0, bitCount, isSet: true); bit < bitCount;)
            {
                int end = NextBit(words, bit, bitCount, isSet: false);
                var run = new BlockRun(firstBlock + bit, end - bit);
                if (pending.EndBlock == run.FirstBlock && pending.BlockCount > 0)
                {
                    pending = pending with { BlockCount = pending.BlockCount + run.BlockCount };
                }
                else
                {
                    if (pending.BlockCount > 0)
                    {
                        yield return pending;
                    }
                    pending = run;
                }
                bit = NextBit(words, end, bitCount, isSet: true);
            }
            offsetBytes += lengthBytes;
        }
        if (pending.BlockCount > 0)
        {
            yield return pending;
        }
    }

    /// <summary>Finds the next bit of a value.</summary>
    /// <param name="words">Bits, least significant first.</param>
    /// <param name="bit">Where to start.</param>
    /// <param name="bitCount">Where the bits end; whole words.</param>
    /// <param name="isSet">Which value is looked for.</param>
    /// <returns><paramref name="bitCount"/> when there is none.</returns>
    internal static int NextBit(ReadOnlySpan<ulong> words, int bit, int bitCount, bool isSet)
    {
        if (bit >= bitCount)
        {
            return bitCount;
        }
        ulong flip = isSet ? 0 : ulong.MaxValue;
        int index = bit / BitsPerWord;
        ulong word = (words[index] ^ flip) >> (bit % BitsPerWord);
        if (word != 0)
        {
            return bit + BitOperations.TrailingZeroCount(word);
        }
        int skipped = words[(index + 1)..(bitCount / BitsPerWord)].IndexOfAnyExcept(flip);
        if (skipped < 0)
        {
            return bitCount;
        }
        index += 1 + skipped;
        return index * BitsPerWord + BitOperations.TrailingZeroCount(words[index] ^ flip);
    }
}
