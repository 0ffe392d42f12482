using System.Runtime.InteropServices;
using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

public sealed partial class CompactFile
{
    private const int BitsPerWord = 64;
    private const int BitsPerBitmapBlock = CowLayout.BlocksPerBitmapBlock;
    private const int WordsPerBitmapBlock = BitsPerBitmapBlock / BitsPerWord;

    /// <summary>True when the cowfile's header says that its bitmap may not show all blocks.</summary>
    private bool IsDirty => CowHeader.Decode(_headerBlock)?.Flags.HasFlag(CowFlags.Dirty) == true;

    /// <summary>True when a merge into it was interrupted: no service has promised what lies without a bit, and the merge takes it for zeros.</summary>
    private bool IsBeingMerged =>
        ExtensionRecord.TryDecode(_headerBlock, out ExtensionRecord? record) == RecordState.Present && record!.Merged is { IsComplete: false };

    private ReadOnlySpan<byte> ValidBytes => MemoryMarshal.AsBytes(_valid.Words);

    /// <inheritdoc/>
    /// <remarks>
    /// A store takes no space for a length: all that matters is whether it holds a cowfile. <see cref="Errno.EINVAL"/> when what it holds would be cut off.
    /// </remarks>
    public Errno SetLength(long lengthBytes)
    {
        if (lengthBytes > _device.FullLengthBytes)
        {
            return Errno.EFBIG;
        }
        if (lengthBytes == 0 && UsedChunkCount == 0 && _valid.NextSet(0, _device.BlockCount) == _device.BlockCount)
        {
            return WriteHeader(0, stackalloc byte[CowLayout.BlockSize]);
        }
        long endBlock = Math.Max(0, (lengthBytes - _device.DataOffsetBytes + CowLayout.BlockSize - 1) / CowLayout.BlockSize);
        if (lengthBytes < _device.EmptyLengthBytes || _valid.NextSet(endBlock, _device.BlockCount) < _device.BlockCount)
        {
            return Errno.EINVAL;
        }
        for (long block = _held.NextSet(endBlock, _device.BlockCount); block < _device.BlockCount; block = _held.NextSet(block, _device.BlockCount))
        {
            _held.Set(block, _held.RunLength(block, _device.BlockCount - block, out _), isSet: false);
        }
        _hasLength = true;
        return Errno.None;
    }

    /// <inheritdoc/>
    /// <remarks>What has been written so far is found from now on. A table that finds no space is written by the next call.</remarks>
    public Errno Sync()
    {
        Errno errno = SyncAll();
        return errno.IsLackOfSpace() ? Errno.EAGAIN : errno;
    }

    /// <summary>As <see cref="Sync"/>, for a write that depends on it.</summary>
    private Errno SyncAll()
    {
        Errno failure = (Errno)Volatile.Read(ref _failure);
        if (failure != Errno.None)
        {
            return failure;
        }
        Errno errno = _table.Sync();
        return errno == Errno.None || errno.IsLackOfSpace() ? errno : Fail(errno);
    }

    /// <summary>Makes durable what was written to the store.</summary>
    /// <remarks>
    /// One at a time, for rounds, new groups and limits, and none after a failure: the kernel tells of a failed write only once, and another sync would take
    /// itself for a success.
    /// </remarks>
    private Errno SyncStore()
    {
        lock (_storeSyncLock)
        {
            Errno failure = (Errno)Volatile.Read(ref _failure);
            if (failure != Errno.None)
            {
                return failure;
            }
            Errno errno = _file.Sync();
            return errno == Errno.None ? Errno.None : Fail(errno);
        }
    }

    /// <summary>What can't be made durable now may be gone from memory: no later sync makes it good, and no later opening must count on it.</summary>
    private Errno Fail(Errno errno)
    {
        Interlocked.CompareExchange(ref _failure, (int)errno, (int)Errno.None);
        _ = _file.WriteAt(CompactLayout.BootMarkOffsetBytes, stackalloc byte[BootMark.LengthBytes]);
        return errno;
    }

    private void ReadHead(long offsetBytes, Span<byte> target)
    {
        int length = (int)Math.Clamp(CowLayout.BitmapOffsetBytes - offsetBytes, 0, target.Length);
        if (length > 0)
        {
            lock (_syncLock)
            {
                _headerBlock.AsSpan((int)offsetBytes, length).CopyTo(target);
            }
            offsetBytes += length;
            target = target[length..];
        }
        offsetBytes -= CowLayout.BitmapOffsetBytes;
        length = (int)Math.Clamp(_device.BitmapBytes - offsetBytes, 0, target.Length);
        if (length > 0)
        {
            ValidBytes.Slice((int)offsetBytes, length).CopyTo(target);
        }
        target[length..].Clear();
    }

    private bool NextHeadData(long offsetBytes, ref long startBytes, ref long endBytes)
    {
        if (offsetBytes < CowLayout.BlockSize)
        {
            startBytes = offsetBytes;
            endBytes = CowLayout.BlockSize;
            return true;
        }
        ReadOnlySpan<ulong> words = _valid.Words;
        int from = (int)Math.Min(words.Length, (offsetBytes - CowLayout.BitmapOffsetBytes) / sizeof(ulong));
        int first = _valid.NextWord(from);
        if (first == words.Length)
        {
            return false;
        }
        int length = words[first..].IndexOf(0UL);
        startBytes = Math.Max(offsetBytes, CowLayout.BitmapOffsetBytes + first * (long)sizeof(ulong));
        endBytes = CowLayout.BitmapOffsetBytes + (length < 0 ? words.Length : first + length) * (long)sizeof(ulong);
        return true;
    }

    /// <summary>Writes a part of the header block, and of the bitmap.</summary>
    private Errno WriteHead(long offsetBytes, ReadOnlySpan<byte> source)
    {
        int length = (int)Math.Clamp(CowLayout.BitmapOffsetBytes - offsetBytes, 0, source.Length);
        Errno errno = length == 0 ? Errno.None : WriteHeader((int)offsetBytes, source[..length]);
        offsetBytes += length - CowLayout.BitmapOffsetBytes;
        source = source[length..];
        // Nothing lies between the bitmap and the data.
        length = (int)Math.Clamp(_device.BitmapBytes - offsetBytes, 0, source.Length);
        if (errno == Errno.None && source[length..].ContainsAnyExcept((byte)0))
        {
            errno = Errno.EINVAL;
        }
        for (int done = 0; done < length && errno == Errno.None;)
        {
            long blockOffsetBytes = (offsetBytes + done) / CowLayout.BlockSize * CowLayout.BlockSize;
            int within = (int)(offsetBytes + done - blockOffsetBytes);
            int part = Math.Min(CowLayout.BlockSize - within, length - done);
            errno = WriteBitmapBlock((int)(blockOffsetBytes / sizeof(ulong)), within, source.Slice(done, part));
            done += part;
        }
        return errno;
    }

    /// <summary>Writes a part of the header block.</summary>
    private Errno WriteHeader(int offsetBytes, ReadOnlySpan<byte> source)
    {
        lock (_syncLock)
        {
            Errno errno = EnsureBootMark();
            if (errno == Errno.None)
            {
                errno = _file.WriteAt(CompactLayout.HeaderOffsetBytes + offsetBytes, source);
            }
            if (errno == Errno.None)
            {
                source.CopyTo(_headerBlock.AsSpan(offsetBytes));
                TakeHeader();
            }
            return errno;
        }
    }

    /// <summary>
    /// Marks the store for this boot before anything is changed in it: what a killed service has written counts, also where no header was to be written
    /// for it. Before, what the tables owe the file: who finds the mark of this boot believes all that he finds.
    /// </summary>
    private Errno EnsureBootMark()
    {
        if (_isMarkedForBoot)
        {
            return Errno.None;
        }
        lock (_syncLock)
        {
            // After a failure no later opening is to count on anything.
            Errno errno = (Errno)Volatile.Read(ref _failure);
            if (errno == Errno.None && !_isMarkedForBoot)
            {
                errno = _table.WriteDirty();
            }
            if (errno == Errno.None && !_isMarkedForBoot)
            {
                Span<byte> mark = stackalloc byte[BootMark.LengthBytes];
                BootMark.Encode(mark, _bootId);
                errno = _file.WriteAt(CompactLayout.BootMarkOffsetBytes, mark);
                _isMarkedForBoot = errno == Errno.None;
            }
            return errno;
        }
    }

    private void TakeHeader()
    {
        _hasLength = _headerBlock.AsSpan(0, CompactLayout.SectorBytes).ContainsAnyExcept((byte)0);
        // A clean header says that every block has its bit.
        _hasUnmarkedBlocks &= IsDirty;
    }

    /// <summary>Writes a part of a block of the bitmap, which describes whole chunks.</summary>
    /// <param name="firstWord">The block's first word.</param>
    /// <param name="withinBytes">Where the part starts in it.</param>
    /// <param name="source">The part.</param>
    private Errno WriteBitmapBlock(int firstWord, int withinBytes, ReadOnlySpan<byte> source)
    {
        Span<ulong> wanted = stackalloc ulong[WordsPerBitmapBlock];
        ReadOnlySpan<ulong> now = _valid.Words.Slice(firstWord, WordsPerBitmapBlock);
        now.CopyTo(wanted);
        source.CopyTo(MemoryMarshal.AsBytes(wanted)[withinBytes..]);
        long firstBlock = (long)firstWord * BitsPerWord;
        long countThere = _device.BlockCount - firstBlock;
        if (countThere < BitsPerBitmapBlock && IsAnySet(wanted, (int)countThere, (int)(BitsPerBitmapBlock - countThere)))
        {
            return Errno.EINVAL;
        }
        Errno errno = HasRemovals(now, wanted) ? SettleRemovals(firstBlock, wanted) : Errno.None;
        for (int bit = 0; bit < BitsPerBitmapBlock && bit < countThere && errno == Errno.None;)
        {
            int word = bit / BitsPerWord;
            if (bit % BitsPerWord == 0 && now[word] == wanted[word] && _layout.BlocksPerChunk <= BitsPerWord)
            {
                bit += BitsPerWord;
                continue;
            }
            errno = ChangeBits((firstBlock + bit) / _layout.BlocksPerChunk, wanted, bit);
            bit += _layout.BlocksPerChunk;
        }
        return errno;
    }

    /// <summary>Gives the blocks of a chunk the bits that are wanted, after what these demand.</summary>
    /// <param name="chunk">The chunk of the device.</param>
    /// <param name="wanted">A block of the bitmap.</param>
    /// <param name="bit">Where the chunk's bits start in it.</param>
    private Errno ChangeBits(long chunk, ReadOnlySpan<ulong> wanted, int bit)
    {
        int count = _layout.BlockCountOf(chunk);
        bool areAdded = false;
        bool areTakenBack = false;
        Span<ulong> now = _valid.WordsToChange((int)(chunk * _layout.BlocksPerChunk / BitsPerWord), (count + BitsPerWord - 1) / BitsPerWord);
        for (int done = 0; done < count; done += BitsPerWord)
        {
            ulong mask = MaskOf(bit + done, count - done);
            ulong changed = (now[done / BitsPerWord] ^ wanted[(bit + done) / BitsPerWord]) & mask;
            areAdded |= (changed & wanted[(bit + done) / BitsPerWord]) != 0;
            areTakenBack |= (changed & now[done / BitsPerWord]) != 0;
        }
        Errno errno = areAdded ? Represent(chunk, wanted, bit, count) : Errno.None;
        if (errno != Errno.None || !(areAdded || areTakenBack))
        {
            return errno;
        }
        for (int done = 0; done < count; done += BitsPerWord)
        {
            ulong mask = MaskOf(bit + done, count - done);
            ref ulong word = ref now[done / BitsPerWord];
            Volatile.Write(ref word, (word & ~mask) | (wanted[(bit + done) / BitsPerWord] & mask));
        }
        _table.NoteBits(chunk, areTakenBack);
        return Errno.None;
    }

    /// <summary>
    /// Sees to it that there is something in the store that can say that blocks of a chunk belong to the cowfile, and that they are what they read as.
    /// </summary>
    private Errno Represent(long chunk, ReadOnlySpan<ulong> wanted, int bit, int count)
    {
        ChunkPlace place = _table.Find(chunk);
        if (place.HoldsData)
        {
            return HoldBlocks(chunk * _layout.BlocksPerChunk, wanted, bit, count);
        }
        if (!place.IsNone || _zeros.Has(chunk))
        {
            return Errno.None;
        }
        bool areAllWanted = BlockBits.RunLength(wanted, bit, count, out bool isSet) == count && isSet;
        return areAllWanted ? _zeros.Add(chunk, 1, out _) : _table.DescribeZeros(chunk);
    }

    /// <summary>
    /// Blocks that get a bit and are not in their chunk yet: a killed service has written them, or they are zeros, and must be zeros in the chunk before their
    /// bits can reach the disk.
    /// </summary>
    private Errno HoldBlocks(long firstBlock, ReadOnlySpan<ulong> wanted, int bit, int count)
    {
        bool mustSync = false;
        for (int done = 0; done < count;)
        {
            int run = (int)Math.Min(
                BlockBits.RunLength(wanted, bit + done, count - done, out bool isWanted),
                _held.RunLength(firstBlock + done, count - done, out bool isHeld));
            if (isWanted && !isHeld && _hasUnmarkedBlocks)
            {
                _held.Set(firstBlock + done, run, isSet: true);
            }
            else if (isWanted && !isHeld)
            {
                Errno errno = WriteZeros(_device.DataOffsetBytes + (firstBlock + done) * CowLayout.BlockSize, (long)run * CowLayout.BlockSize);
                if (errno != Errno.None)
                {
                    return errno;
                }
                mustSync = true;
            }
            done += run;
        }
        return mustSync ? SyncAll() : Errno.None;
    }

    /// <summary>
    /// Before bits are taken back: what the map of zeros says of their chunks moves to descriptors, durably, where the bits of a chunk change at once. A
    /// chunk that has no bit then needs none, and so no space.
    /// </summary>
    private Errno SettleRemovals(long firstBlock, ReadOnlySpan<ulong> wanted)
    {
        // What waits to go to the map goes there first, and comes back now.
        Errno errno = SyncAll();
        for (int pass = 0; pass < 2 && errno == Errno.None; pass++)
        {
            bool hasZeros = false;
            for (int bit = 0; bit < BitsPerBitmapBlock && firstBlock + bit < _device.BlockCount && errno == Errno.None; bit += _layout.BlocksPerChunk)
            {
                long chunk = (firstBlock + bit) / _layout.BlocksPerChunk;
                if (_zeros.Has(chunk) && IsAnyClear(wanted, bit, _layout.BlockCountOf(chunk)))
                {
                    hasZeros = true;
                    if (pass == 0 && IsAnySet(wanted, bit, _layout.BlockCountOf(chunk)))
                    {
                        errno = _table.DescribeZeros(chunk);
                    }
                    else if (pass == 1)
                    {
                        _zeros.Note(chunk, isSet: false);
                    }
                }
            }
            if (errno == Errno.None && (hasZeros || _zeros.IsDirty))
            {
                errno = SyncAll();
            }
        }
        return errno;
    }

    private static bool HasRemovals(ReadOnlySpan<ulong> now, ReadOnlySpan<ulong> wanted)
    {
        ulong removed = 0;
        for (int word = 0; word < wanted.Length; word++)
        {
            removed |= now[word] & ~wanted[word];
        }
        return removed != 0;
    }

    private static bool IsAnySet(ReadOnlySpan<ulong> words, int bit, int count) =>
        BlockBits.RunLength(words, bit, count, out bool isSet) < count || isSet;

    private static bool IsAnyClear(ReadOnlySpan<ulong> words, int bit, int count) =>
        BlockBits.RunLength(words, bit, count, out bool isSet) < count || !isSet;

    /// <summary>The bits of a word from one on, as many as asked for at most.</summary>
    private static ulong MaskOf(int bit, int maxCount)
    {
        int within = bit % BitsPerWord;
        int count = Math.Min(BitsPerWord - within, maxCount);
        return ulong.MaxValue >> (BitsPerWord - count) << within;
    }
}
