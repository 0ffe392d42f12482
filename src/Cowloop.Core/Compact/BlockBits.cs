using System.Numerics;

namespace Cowloop.Core.Compact;

/// <summary>
/// One bit per block of a device, in memory. Words change atomically; a word's 64 blocks belong to one stripe, so who writes to blocks has its bits alone.
/// </summary>
/// <param name="words">Zeroed memory; not owned.</param>
internal readonly struct BlockBits(Memory<ulong> words)
{
    private const int BitsPerWord = 64;

    /// <summary>The bits, least significant first.</summary>
    public Span<ulong> Words => words.Span;

    /// <summary>Measures the run of equal bits from a block on.</summary>
    /// <param name="words">The bits.</param>
    /// <param name="block">First block.</param>
    /// <param name="maxCount">The answer is at most this; at least 1.</param>
    /// <param name="isSet">The value of the bits.</param>
    public static long RunLength(ReadOnlySpan<ulong> words, long block, long maxCount, out bool isSet)
    {
        int index = (int)(block / BitsPerWord);
        int bit = (int)(block % BitsPerWord);
        ulong word = Volatile.Read(in words[index]);
        isSet = (word >> bit & 1) != 0;
        ulong flip = isSet ? ulong.MaxValue : 0;

        // After the flip the run is zeros, and the first 1 ends it.
        ulong rest = (word ^ flip) >> bit;
        if (rest != 0)
        {
            return Math.Min(maxCount, BitOperations.TrailingZeroCount(rest));
        }
        long count = BitsPerWord - bit;
        while (count < maxCount)
        {
            rest = Volatile.Read(in words[++index]) ^ flip;
            if (rest != 0)
            {
                count += BitOperations.TrailingZeroCount(rest);
                break;
            }
            count += BitsPerWord;
        }
        return Math.Min(maxCount, count);
    }

    /// <summary>Measures the run of equal bits from a block on.</summary>
    public long RunLength(long block, long maxCount, out bool isSet) => RunLength(Words, block, maxCount, out isSet);

    /// <summary>True when all bits of a range are 1.</summary>
    public bool AreAllSet(long block, long count) => RunLength(block, count, out bool isSet) == count && isSet;

    /// <summary>True when one bit of a range is 1.</summary>
    public bool IsAnySet(long block, long count) => RunLength(block, count, out bool isSet) < count || isSet;

    /// <summary>Gives all bits of a range a value.</summary>
    public void Set(long block, long count, bool isSet)
    {
        Span<ulong> words = Words;
        for (long end = block + count; block < end;)
        {
            int bit = (int)(block % BitsPerWord);
            int length = (int)Math.Min(BitsPerWord - bit, end - block);
            ulong mask = ulong.MaxValue >> (BitsPerWord - length) << bit;
            ref ulong word = ref words[(int)(block / BitsPerWord)];
            _ = isSet ? Interlocked.Or(ref word, mask) : Interlocked.And(ref word, ~mask);
            block += length;
        }
    }

    /// <summary>The first block at or after another one whose bit is 1.</summary>
    /// <param name="block">Where to look from.</param>
    /// <param name="blockCount">What to answer when there is none.</param>
    public long NextSet(long block, long blockCount)
    {
        if (block >= blockCount)
        {
            return blockCount;
        }
        ReadOnlySpan<ulong> words = Words;
        int index = (int)(block / BitsPerWord);
        ulong word = words[index] >> (int)(block % BitsPerWord);
        if (word != 0)
        {
            return Math.Min(blockCount, block + BitOperations.TrailingZeroCount(word));
        }
        int skipped = words[++index..].IndexOfAnyExcept(0UL);
        return skipped < 0
            ? blockCount
            : Math.Min(blockCount, (long)(index + skipped) * BitsPerWord + BitOperations.TrailingZeroCount(words[index + skipped]));
    }
}
