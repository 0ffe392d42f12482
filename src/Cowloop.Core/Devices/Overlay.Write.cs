using Cowloop.Core.Format;

namespace Cowloop.Core.Devices;

public sealed partial class Overlay
{
    // A range of zeros is punched in pieces, so that one huge discard does not keep all other writers waiting until it ends.
    private const long MaxPunchBlocks = 1L << 20;

    private static readonly byte[] Zeros = new byte[64 * 1024];

    // The smallest range that covers all blocks a failed write may have left data in without a bit, and that could not be
    // punched out; empty when the end is 0. Changed under the stripes of the blocks, hence the lock.
    private readonly Lock _leftoverLock = new();
    private long _leftoverFirstBlock;
    private long _leftoverEndBlock;

    // Times that bits were set which are kept nowhere, and how many of them flushes have published.
    private long _unkeptMarkCount;
    private long _publishedMarkCount;

    /// <inheritdoc/>
    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua)
    {
        if (!IsWithin(offsetBytes, source.Length))
        {
            return Errno.EINVAL;
        }
        if (!source.IsEmpty)
        {
            long block = offsetBytes / CowLayout.BlockSize;
            long count = (offsetBytes + source.Length - 1) / CowLayout.BlockSize - block + 1;
            Errno errno = EnterForChange(block, count, out ulong stripes);
            if (errno == Errno.None)
            {
                try
                {
                    errno = _bitmap.AreAllSet(block, count) ? StoreAt(offsetBytes, source) : WriteLocked(offsetBytes, source);
                }
                finally
                {
                    _stripes.Exit(stripes);
                }
            }
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return fua || HasUnkeptBits ? Flush() : Errno.None;
    }

    /// <inheritdoc/>
    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua)
    {
        if (!IsWithin(offsetBytes, lengthBytes))
        {
            return Errno.EINVAL;
        }
        while (lengthBytes > 0)
        {
            long pieceBytes = PieceToZero(offsetBytes, lengthBytes);
            Errno errno = ZeroPiece(offsetBytes, pieceBytes, mayUnmap);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += pieceBytes;
            lengthBytes -= pieceBytes;
        }
        return fua || HasUnkeptBits ? Flush() : Errno.None;
    }

    /// <summary>
    /// From now on refuses changes with <see cref="Errno.EROFS"/>: the device is the base of another one. Changes under way are finished on return.
    /// </summary>
    public void Freeze() => SetFrozen(true);

    /// <summary>Takes changes again.</summary>
    public void Thaw() => SetFrozen(false);

    private void SetFrozen(bool isFrozen)
    {
        _stripes.Enter(BlockStripes.All);
        _isFrozen = isFrozen;
        _stripes.Exit(BlockStripes.All);
    }

    /// <summary>
    /// Takes the stripes of the blocks and sees to it that the header durably has its next generation before one of them changes, and is dirty
    /// before the first of them gets its bit.
    /// </summary>
    /// <param name="block">First block.</param>
    /// <param name="count">Number of blocks.</param>
    /// <param name="stripes">What the caller must give back on success; nothing is held after an error.</param>
    private Errno EnterForChange(long block, long count, out ulong stripes)
    {
        stripes = BlockStripes.MaskOf(block, count);
        _stripes.Enter(stripes);
        Errno errno = Changeable();
        if (errno == Errno.None && !IsReadyFor(block, count))
        {
            // The header concerns all writers, so it takes all stripes; and keeps them: the state can't change back meanwhile.
            _stripes.Exit(stripes);
            stripes = BlockStripes.All;
            _stripes.Enter(stripes);
            errno = Changeable();
            if (errno == Errno.None && !IsReadyFor(block, count))
            {
                errno = _bitmap.AreAllSet(block, count) ? RaiseGeneration() : BecomeDirty();
            }
        }
        if (errno != Errno.None)
        {
            _stripes.Exit(stripes);
        }
        return errno;
    }

    /// <summary>
    /// True while there are bits that would be lost with the process. Nothing is acknowledged then before a flush has published them: whoever writes to a
    /// block again needs its bit as much as the one that set it.
    /// </summary>
    private bool HasUnkeptBits => Interlocked.Read(ref _unkeptMarkCount) != Interlocked.Read(ref _publishedMarkCount);

    /// <summary>True when the header on disk says what it must say before blocks of this range are changed.</summary>
    private bool IsReadyFor(long block, long count) =>
        (_isDirty && !_isHeaderInDoubt)
        || ((_cowfile.Record is null || (_isGenerationRaised && !_isHeaderInDoubt)) && _bitmap.AreAllSet(block, count));

    private void Mark(long block, long count)
    {
        if (_bitmap.Set(block, count) && _live is not null)
        {
            _live.Keep(_bitmap, block, count);
            if (!_live.IsKept)
            {
                Interlocked.Increment(ref _unkeptMarkCount);
            }
        }
    }

    private Errno Changeable()
    {
        if (_isRetired)
        {
            return Retired;
        }
        if (_access != CowfileAccess.ReadWrite)
        {
            return Errno.EIO;
        }
        return _isFrozen || Failure != Errno.None ? Errno.EROFS : Errno.None;
    }

    /// <summary>Head, body and tail: what does not cover its blocks is merged with the base, the body goes out as it is.</summary>
    private Errno WriteLocked(long offsetBytes, ReadOnlySpan<byte> source)
    {
        int headBytes = BytesToBlockStart(offsetBytes, source.Length);
        if (headBytes > 0)
        {
            Errno errno = WritePartialBlock(offsetBytes, source[..headBytes]);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += headBytes;
            source = source[headBytes..];
        }

        int bodyBytes = source.Length - source.Length % CowLayout.BlockSize;
        if (bodyBytes > 0)
        {
            Errno errno = WriteBlocks(offsetBytes / CowLayout.BlockSize, source[..bodyBytes]);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += bodyBytes;
            source = source[bodyBytes..];
        }

        return source.IsEmpty ? Errno.None : WritePartialBlock(offsetBytes, source);
    }

    /// <summary>Writes whole blocks and then sets their bits.</summary>
    private Errno WriteBlocks(long block, ReadOnlySpan<byte> source)
    {
        Errno errno = StoreAt(block * CowLayout.BlockSize, source);
        long count = source.Length / CowLayout.BlockSize;
        if (errno == Errno.None)
        {
            Mark(block, count);
        }
        else
        {
            PunchUnmarked(block, count);
        }
        return errno;
    }

    private Errno WritePartialBlock(long offsetBytes, ReadOnlySpan<byte> source)
    {
        Span<byte> merged = stackalloc byte[CowLayout.BlockSize];
        long block = offsetBytes / CowLayout.BlockSize;
        if (_bitmap.AreAllSet(block, 1))
        {
            return StoreAt(offsetBytes, source);
        }
        long blockOffsetBytes = block * CowLayout.BlockSize;
        Errno errno = _base.ReadAt(blockOffsetBytes, merged);
        if (errno != Errno.None)
        {
            return errno;
        }
        source.CopyTo(merged[(int)(offsetBytes - blockOffsetBytes)..]);
        return WriteBlocks(block, merged);
    }

    private Errno StoreAt(long deviceOffsetBytes, ReadOnlySpan<byte> source)
    {
        Errno errno = _store.WriteAt(_layout.DataOffsetBytes + deviceOffsetBytes, source);
        Volatile.Write(ref _hasUnsyncedData, true);
        return errno;
    }

    /// <summary>The part of a range to be zeroed that is either inside one block or a run of whole ones.</summary>
    private static long PieceToZero(long offsetBytes, long lengthBytes)
    {
        int headBytes = BytesToBlockStart(offsetBytes, lengthBytes);
        if (headBytes > 0)
        {
            return headBytes;
        }
        long bodyBytes = lengthBytes - lengthBytes % CowLayout.BlockSize;
        return bodyBytes > 0 ? Math.Min(bodyBytes, MaxPunchBlocks * CowLayout.BlockSize) : lengthBytes;
    }

    private Errno ZeroPiece(long offsetBytes, long lengthBytes, bool mayUnmap)
    {
        long block = offsetBytes / CowLayout.BlockSize;
        long count = Math.Max(1, lengthBytes / CowLayout.BlockSize);
        Errno errno = EnterForChange(block, count, out ulong stripes);
        if (errno != Errno.None)
        {
            return errno;
        }
        try
        {
            return lengthBytes % CowLayout.BlockSize != 0
                ? WritePartialBlock(offsetBytes, Zeros.AsSpan(0, (int)lengthBytes))
                : ZeroBlocks(block, count, mayUnmap);
        }
        finally
        {
            _stripes.Exit(stripes);
        }
    }

    /// <summary>
    /// Punches the blocks out and then sets their bits: a zeroed block is a block of the cowfile, else the base would
    /// show through. The bit is never cleared while the device is active.
    /// </summary>
    private Errno ZeroBlocks(long block, long count, bool mayUnmap)
    {
        long storeOffsetBytes = _layout.DataOffsetBytes + block * CowLayout.BlockSize;
        long lengthBytes = count * CowLayout.BlockSize;
        Errno errno = _store.Zero(storeOffsetBytes, lengthBytes, mayUnmap, out long doneBytes);
        Volatile.Write(ref _hasUnsyncedData, true);
        if (errno == Errno.EOPNOTSUPP)
        {
            return WriteZeroBlocks(block, count);
        }
        if (doneBytes > 0)
        {
            Mark(block, doneBytes / CowLayout.BlockSize);
        }
        return errno;
    }

    private Errno WriteZeroBlocks(long block, long count)
    {
        while (count > 0)
        {
            long part = Math.Min(count, Zeros.Length / CowLayout.BlockSize);
            Errno errno = WriteBlocks(block, Zeros.AsSpan(0, (int)part * CowLayout.BlockSize));
            if (errno != Errno.None)
            {
                return errno;
            }
            block += part;
            count -= part;
        }
        return Errno.None;
    }

    /// <summary>
    /// After a failed write: takes out what it may have left in blocks without a bit, for such a block must read as zeros
    /// in the file (specification 7.1, W7). What can't be punched now is tried again before the file is called clean.
    /// </summary>
    private void PunchUnmarked(long block, long count)
    {
        Errno errno = TryPunchUnmarked(block, count);
        if (errno == Errno.None)
        {
            return;
        }
        lock (_leftoverLock)
        {
            _leftoverFirstBlock = _leftoverEndBlock == 0 ? block : Math.Min(_leftoverFirstBlock, block);
            _leftoverEndBlock = Math.Max(_leftoverEndBlock, block + count);
        }
    }

    private Errno TryPunchUnmarked(long block, long count)
    {
        long end = block + count;
        while (block < end)
        {
            long run = _bitmap.RunLength(block, end - block, out bool isCow);
            if (!isCow)
            {
                Errno errno = _store.Punch(_layout.DataOffsetBytes + block * CowLayout.BlockSize, run * CowLayout.BlockSize);
                Volatile.Write(ref _hasUnsyncedData, true);
                if (errno == Errno.EOPNOTSUPP)
                {
                    errno = OverwriteWithZeros(block, run);
                }
                if (errno != Errno.None)
                {
                    return errno;
                }
            }
            block += run;
        }
        return Errno.None;
    }

    /// <summary>Where holes can't be punched. Only blocks that hold something are written, so it takes no space that a full disk does not have.</summary>
    private Errno OverwriteWithZeros(long block, long count)
    {
        Span<byte> content = stackalloc byte[CowLayout.BlockSize];
        for (long end = block + count; block < end; block++)
        {
            long offsetBytes = block * CowLayout.BlockSize;
            Errno errno = _store.ReadAt(_layout.DataOffsetBytes + offsetBytes, content);
            if (errno == Errno.None && content.ContainsAnyExcept((byte)0))
            {
                errno = StoreAt(offsetBytes, Zeros.AsSpan(0, CowLayout.BlockSize));
            }
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return Errno.None;
    }

    /// <summary>Bytes from the offset to the next block, as far as the length goes; 0 when the offset starts a block.</summary>
    private static int BytesToBlockStart(long offsetBytes, long lengthBytes)
    {
        int within = (int)(offsetBytes % CowLayout.BlockSize);
        return within == 0 ? 0 : (int)Math.Min(CowLayout.BlockSize - within, lengthBytes);
    }
}
