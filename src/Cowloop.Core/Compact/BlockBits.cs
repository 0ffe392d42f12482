using System.Numerics;

namespace Cowloop.Core.Compact;

/// <summary>
/// One bit per block of a device, in memory. Words change atomically; a word's 64 blocks belong to one stripe, so who writes to blocks has its bits alone.
/// Memory that never had a bit is not looked at, so what is searched is as large as what was changed, not as the device.
/// </summary>
/// <param name="words">Zeroed memory; not owned.</param>
internal readonly struct BlockBits(Memory<ulong> words)
{
    private const int BitsPerWord = 64;

    // A page of memory.
    private const int WordsPerPage = 512;

    // One bit per page that may have a bit.
    private readonly ulong[] _usedPages = new ulong[(words.Length + WordsPerPage * BitsPerWord - 1) / (WordsPerPage * BitsPerWord)];

    /// <summary>The bits, least significant first.</summary>
    public ReadOnlySpan<ulong> Words => words.Span;

    /// <summary>Words whose bits are about to be changed.</summary>
    /// <param name="firstWord">The first one.</param>
    /// <param name="count">How many; fewer where there are no more.</param>
    public Span<ulong> WordsToChange(int firstWord, int count)
    {
        count = Math.Min(count, words.Length - firstWord);
        for (int page = firstWord / WordsPerPage; page <= (firstWord + count - 1) / WordsPerPage; page++)
        {
            NoteUsed(page);
        }
        return words.Span.Slice(firstWord, count);
    }

    /// <summary>The first word at or after another one that is not 0; the number of words when there is none.</summary>
    public int NextWord(int word)
    {
        ReadOnlySpan<ulong> all = Words;
        while (word < all.Length)
        {
            int page = NextUsedPage(word / WordsPerPage);
            if (page < 0)
            {
                break;
            }
            word = Math.Max(word, page * WordsPerPage);
            int end = Math.Min(all.Length, (page + 1) * WordsPerPage);
            int skipped = all[word..end].IndexOfAnyExcept(0UL);
            if (skipped >= 0)
            {
                return word + skipped;
            }
            word = end;
        }
        return all.Length;
    }

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
        Span<ulong> all = words.Span;
        for (long end = block + count; block < end;)
        {
            int bit = (int)(block % BitsPerWord);
            int length = (int)Math.Min(BitsPerWord - bit, end - block);
            ulong mask = ulong.MaxValue >> (BitsPerWord - length) << bit;
            int index = (int)(block / BitsPerWord);
            if (isSet)
            {
                NoteUsed(index / WordsPerPage);
            }
            ref ulong word = ref all[index];
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
        ReadOnlySpan<ulong> all = Words;
        int index = (int)(block / BitsPerWord);
        ulong word = all[index] >> (int)(block % BitsPerWord);
        if (word != 0)
        {
            return Math.Min(blockCount, block + BitOperations.TrailingZeroCount(word));
        }
        index = NextWord(index + 1);
        return index == all.Length ? blockCount : Math.Min(blockCount, (long)index * BitsPerWord + BitOperations.TrailingZeroCount(all[index]));
    }

    private int NextUsedPage(int page)
    {
        for (int index = page / BitsPerWord; index < _usedPages.Length; index++, page = 0)
        {
            ulong rest = Volatile.Read(ref _usedPages[index]) >> (page % BitsPerWord) << (page % BitsPerWord);
            if (rest != 0)
            {
                return index * BitsPerWord + BitOperations.TrailingZeroCount(rest);
            }
        }
        return -1;
    }

    private void NoteUsed(int page)
    {
        ref ulong pages = ref _usedPages[page / BitsPerWord];
        ulong mask = 1UL << (page % BitsPerWord);
        if ((Volatile.Read(ref pages) & mask) == 0)
        {
            Interlocked.Or(ref pages, mask);
        }
    }
}
