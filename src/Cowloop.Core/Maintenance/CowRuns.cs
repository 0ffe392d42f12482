using System.Numerics;
using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>Which blocks a cowfile holds, read from its bitmap in pieces.</summary>
public static class CowRuns
{
    private const int BitsPerWord = 64;

    /// <summary>Yields the runs of 1-bits in ascending order, as long as they go; also those beyond the base's last block, which are a defect.</summary>
    /// <exception cref="CowloopException">The bitmap can't be read (<see cref="Fault.ReadBitmap"/>).</exception>
    public static IEnumerable<BlockRun> Read(CheckedFile file, CowLayout layout)
    {
        BlockRun pending = default;
        foreach ((long firstBlock, ReadOnlyMemory<ulong> words) in BitmapWords.Read(file, layout))
        {
            int bitCount = words.Length * BitsPerWord;
            for (int bit = NextBit(words.Span, 0, bitCount, isSet: true); bit < bitCount;)
            {
                int end = NextBit(words.Span, bit, bitCount, isSet: false);
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
                bit = NextBit(words.Span, end, bitCount, isSet: true);
            }
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
