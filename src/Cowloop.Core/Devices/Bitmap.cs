using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Core.Format;

namespace Cowloop.Core.Devices;

/// <summary>
/// Which blocks lie in the cowfile: one bit per block, as on disk (specification 1.5). While a device is active the
/// bitmap only ever gains bits, so a torn write of it is harmless and needs no journal.
/// </summary>
/// <remarks>
/// Two images are kept: the live one, which readers and writers use, and the published one, whose changed blocks are what
/// the disk may show. A flush copies live to published first, then makes the data durable, and only then writes the published image:
/// a bit set meanwhile is not in the copy, so it never reaches the disk before its data.
/// <para>
/// Thread safety: reading and <see cref="Set"/> are lock-free; <see cref="CopyChanged"/> and <see cref="WriteCopied"/>
/// belong to the one flush that runs.
/// </para>
/// </remarks>
public sealed class Bitmap : IDisposable
{
    /// <summary>Bits that are read and written together.</summary>
    internal const int BitsPerWord = 64;
    private const int WordsPerBitmapBlock = CowLayout.BlockSize / sizeof(ulong);
    private const int LoadChunkBytes = 64 * 1024;
    // What memory that costs nothing until touched is made of.
    private const int LoadPageBytes = 4096;

    private readonly CowLayout _layout;
    private readonly IMemoryOwner<ulong> _memory;
    private readonly Memory<ulong> _live;
    private readonly Memory<ulong> _published;

    // One bit per bitmap block: live bits not copied yet; copied but not yet written.
    private readonly ulong[] _changed;
    private readonly ulong[] _copied;

    private long _setCount;
    private long _highestBlock = -1;

    /// <summary>Makes an empty bitmap.</summary>
    /// <param name="layout">Layout of the cowfile.</param>
    /// <param name="allocateZeroedWords">
    /// Gives zeroed memory for a number of words; owned and disposed by the bitmap. Memory that costs nothing until touched keeps a
    /// large, mostly empty bitmap small.
    /// </param>
    public Bitmap(CowLayout layout, Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        ArgumentNullException.ThrowIfNull(allocateZeroedWords);
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("the bitmap's words are the bytes of the file only on a little-endian machine");
        }
        _layout = layout;
        int wordCount = (int)(layout.BitmapBytes / sizeof(ulong));
        _memory = allocateZeroedWords(2 * wordCount);
        _live = _memory.Memory[..wordCount];
        _published = _memory.Memory[wordCount..(2 * wordCount)];
        int flagWords = (layout.BitmapBlockCount + BitsPerWord - 1) / BitsPerWord;
        _changed = new ulong[flagWords];
        _copied = new ulong[flagWords];
    }

    /// <summary>Number of 1-bits (cowblocks in use).</summary>
    public long SetCount => Interlocked.Read(ref _setCount);

    /// <summary>The highest block whose bit is 1; -1 when there is none.</summary>
    public long HighestBlock => Interlocked.Read(ref _highestBlock);

    /// <summary>True when the disk may not show all bits yet.</summary>
    public bool HasUnpublishedBits => _changed.AsSpan().ContainsAnyExcept(0UL) || _copied.AsSpan().ContainsAnyExcept(0UL);

    /// <summary>
    /// Reads the bitmap area of a cowfile. Holes are not read, and zeros that are read take no memory, whatever the size of the base. To be called once, on
    /// an empty bitmap.
    /// </summary>
    public Errno Load(IBlockFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        Span<byte> live = MemoryMarshal.AsBytes(_live.Span);
        byte[] chunk = new byte[Math.Min(LoadChunkBytes, live.Length)];
        var pieces = new DataPieces(file, CowLayout.BitmapOffsetBytes, live.Length, sizeof(ulong), chunk.Length);
        while (true)
        {
            Errno errno = pieces.Next(out long position, out int length);
            if (errno == Errno.None && length > 0)
            {
                errno = file.ReadAt(CowLayout.BitmapOffsetBytes + position, chunk.AsSpan(0, length));
            }
            if (errno != Errno.None || length == 0)
            {
                return errno;
            }
            for (int done = 0; done < length;)
            {
                int offset = (int)position + done;
                int pageLength = Math.Min(length - done, LoadPageBytes - offset % LoadPageBytes);
                Span<byte> page = chunk.AsSpan(done, pageLength);
                if (page.ContainsAnyExcept((byte)0))
                {
                    page.CopyTo(live[offset..]);
                    CountLoaded(offset / sizeof(ulong), pageLength / sizeof(ulong));
                }
                done += pageLength;
            }
        }
    }

    /// <summary>Measures the run of equal bits that starts at <paramref name="block"/>.</summary>
    /// <param name="block">First block.</param>
    /// <param name="maxCount">The answer is at most this; at least 1.</param>
    /// <param name="isSet">The value of the bits.</param>
    /// <returns>Number of blocks in the run, 1..<paramref name="maxCount"/>.</returns>
    public long RunLength(long block, long maxCount, out bool isSet) => BlockBits.RunLength(_live.Span, block, maxCount, out isSet);

    /// <summary>True when all bits of the range are 1.</summary>
    public bool AreAllSet(long block, long count) => RunLength(block, count, out bool isSet) == count && isSet;

    /// <summary>
    /// Sets the bits of a range. The caller holds the range's stripes and its data has been written completely.
    /// </summary>
    /// <returns>True when one of them was 0.</returns>
    public bool Set(long block, long count)
    {
        Span<ulong> words = _live.Span;
        long end = block + count;
        long added = 0;
        for (long position = block; position < end;)
        {
            int bit = (int)(position % BitsPerWord);
            int length = (int)Math.Min(BitsPerWord - bit, end - position);
            ulong mask = ulong.MaxValue >> (BitsPerWord - length) << bit;
            ref ulong word = ref words[(int)(position / BitsPerWord)];
            // A word is a run of one stripe (BlockStripes), so nobody else changes it now; readers and flushes look at it at any time.
            if ((word & mask) != mask)
            {
                added += BitOperations.PopCount(mask & ~word);
                Volatile.Write(ref word, word | mask);
            }
            position += length;
        }
        if (added == 0)
        {
            return false;
        }

        Interlocked.Add(ref _setCount, added);
        RaiseHighestBlock(end - 1);
        // After the bits: a flush that takes the mark finds them.
        long lastBitmapBlock = (end - 1) / CowLayout.BlocksPerBitmapBlock;
        for (long bitmapBlock = block / CowLayout.BlocksPerBitmapBlock; bitmapBlock <= lastBitmapBlock; bitmapBlock++)
        {
            Interlocked.Or(ref _changed[bitmapBlock / BitsPerWord], 1UL << (int)(bitmapBlock % BitsPerWord));
        }
        return true;
    }

    /// <summary>The bits as they are, 64 blocks a word.</summary>
    internal Memory<ulong> LiveWords => _live;

    /// <summary>Where the word of a block lies in the bitmap.</summary>
    internal static long WordOffsetBytes(long block) => block / BitsPerWord * sizeof(ulong);

    /// <summary>The words of a range of blocks as they are now. While the caller holds the stripes of the blocks, nobody changes them.</summary>
    internal ReadOnlySpan<byte> WordsOf(long block, long count)
    {
        int first = (int)(block / BitsPerWord);
        int last = (int)((block + count - 1) / BitsPerWord);
        return MemoryMarshal.AsBytes(_live.Span[first..(last + 1)]);
    }

    /// <summary>Copies the bitmap blocks that changed into the published image. The first step of a flush.</summary>
    /// <returns>True when there is something to write once the data is durable.</returns>
    public bool CopyChanged()
    {
        ReadOnlySpan<ulong> live = _live.Span;
        Span<ulong> published = _published.Span;
        bool any = false;
        for (int flagWord = 0; flagWord < _changed.Length; flagWord++)
        {
            if (Volatile.Read(ref _changed[flagWord]) != 0)
            {
                ulong taken = Interlocked.Exchange(ref _changed[flagWord], 0);
                _copied[flagWord] |= taken;
                for (; taken != 0; taken &= taken - 1)
                {
                    int start = (flagWord * BitsPerWord + BitOperations.TrailingZeroCount(taken)) * WordsPerBitmapBlock;
                    live.Slice(start, WordsPerBitmapBlock).CopyTo(published[start..]);
                }
            }
            any |= _copied[flagWord] != 0;
        }
        return any;
    }

    /// <summary>Writes what <see cref="CopyChanged"/> copied, adjacent blocks in one piece. What fails is written again next time.</summary>
    public Errno WriteCopied(IBlockFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        ReadOnlySpan<byte> published = MemoryMarshal.AsBytes(_published.Span);
        for (int first = NextCopied(0); first >= 0;)
        {
            int end = first + 1;
            while (end < _layout.BitmapBlockCount && IsCopied(end))
            {
                end++;
            }
            long offsetBytes = (long)first * CowLayout.BlockSize;
            ReadOnlySpan<byte> run = published.Slice((int)offsetBytes, (end - first) * CowLayout.BlockSize);
            Errno errno = file.WriteAt(CowLayout.BitmapOffsetBytes + offsetBytes, run);
            if (errno != Errno.None)
            {
                return errno;
            }
            for (int bitmapBlock = first; bitmapBlock < end; bitmapBlock++)
            {
                _copied[bitmapBlock / BitsPerWord] &= ~(1UL << (bitmapBlock % BitsPerWord));
            }
            first = NextCopied(end);
        }
        return Errno.None;
    }

    /// <summary>Gives the memory back. No other call may be running or follow.</summary>
    public void Dispose() => _memory.Dispose();

    private bool IsCopied(int bitmapBlock) => (_copied[bitmapBlock / BitsPerWord] >> (bitmapBlock % BitsPerWord) & 1) != 0;

    private int NextCopied(int bitmapBlock)
    {
        for (int flagWord = bitmapBlock / BitsPerWord; flagWord < _copied.Length; flagWord++)
        {
            ulong flags = _copied[flagWord];
            if (flagWord == bitmapBlock / BitsPerWord)
            {
                flags &= ulong.MaxValue << (bitmapBlock % BitsPerWord);
            }
            if (flags != 0)
            {
                return flagWord * BitsPerWord + BitOperations.TrailingZeroCount(flags);
            }
        }
        return -1;
    }

    private void CountLoaded(int firstWord, int wordCount)
    {
        ReadOnlySpan<ulong> words = _live.Span.Slice(firstWord, wordCount);
        for (int index = 0; index < words.Length; index++)
        {
            if (words[index] != 0)
            {
                _setCount += BitOperations.PopCount(words[index]);
                _highestBlock = (long)(firstWord + index) * BitsPerWord + BitOperations.Log2(words[index]);
            }
        }
    }

    private void RaiseHighestBlock(long block)
    {
        long highest = Interlocked.Read(ref _highestBlock);
        while (block > highest)
        {
            long seen = Interlocked.CompareExchange(ref _highestBlock, block, highest);
            if (seen == highest)
            {
                return;
            }
            highest = seen;
        }
    }
}
