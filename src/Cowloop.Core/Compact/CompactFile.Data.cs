using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

public sealed partial class CompactFile
{
    private const int MaxZeroBytes = 64 * 1024;

    private static readonly byte[] Zeros = new byte[MaxZeroBytes];

    /// <inheritdoc/>
    public Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes < 0 || offsetBytes > LengthBytes - target.Length)
        {
            return Errno.EIO;
        }
        int headBytes = (int)Math.Clamp(_device.DataOffsetBytes - offsetBytes, 0, target.Length);
        ReadHead(offsetBytes, target[..headBytes]);
        offsetBytes += headBytes - _device.DataOffsetBytes;
        target = target[headBytes..];
        while (!target.IsEmpty)
        {
            Errno errno = ReadRun(offsetBytes, target, out int length);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += length;
            target = target[length..];
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        int headBytes = (int)Math.Clamp(_device.DataOffsetBytes - offsetBytes, 0, source.Length);
        if (offsetBytes < 0 || offsetBytes > _device.FullLengthBytes - source.Length)
        {
            return Errno.EFBIG;
        }
        Errno errno = headBytes == 0 ? Errno.None : WriteHead(offsetBytes, source[..headBytes]);
        if (errno != Errno.None)
        {
            return errno;
        }
        offsetBytes += headBytes - _device.DataOffsetBytes;
        source = source[headBytes..];
        while (!source.IsEmpty)
        {
            errno = WriteRun(offsetBytes, source, out int length);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += length;
            source = source[length..];
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    /// <remarks>Whole chunks that become zeros belong to the cowfile at once, and so does that they are zeros.</remarks>
    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, out long doneBytes)
    {
        if (mayUnmap)
        {
            return Clear(offsetBytes, lengthBytes, areZerosValid: true, out doneBytes);
        }
        Errno errno = WriteZeros(offsetBytes, lengthBytes);
        doneBytes = errno == Errno.None ? lengthBytes : 0;
        return errno;
    }

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) => Clear(offsetBytes, lengthBytes, areZerosValid: false, out _);

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes)
    {
        long endBytes = Math.Min(offsetBytes + lengthBytes, _device.FullLengthBytes) - _device.DataOffsetBytes;
        for (long chunk = Math.Max(0, offsetBytes - _device.DataOffsetBytes) / ChunkBytes; chunk * ChunkBytes < endBytes; chunk++)
        {
            Errno errno = Claim(chunk, out int place);
            if (errno == Errno.None)
            {
                errno = _file.Allocate(_layout.ChunkOffsetBytes(place), ChunkBytes);
                errno = errno == Errno.EOPNOTSUPP ? Errno.None : errno;
            }
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    /// <remarks>What a block without a bit holds is no data.</remarks>
    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        long lengthBytes = LengthBytes;
        startBytes = endBytes = Math.Max(offsetBytes, lengthBytes);
        if (offsetBytes < 0 || offsetBytes >= lengthBytes)
        {
            return Errno.None;
        }
        if (offsetBytes < _device.DataOffsetBytes && NextHeadData(offsetBytes, ref startBytes, ref endBytes))
        {
            return Errno.None;
        }
        long fromBytes = Math.Max(0, offsetBytes - _device.DataOffsetBytes);
        long block = _held.NextSet(fromBytes / CowLayout.BlockSize, _device.BlockCount);
        if (block < _device.BlockCount)
        {
            long count = _held.RunLength(block, _device.BlockCount - block, out _);
            startBytes = Math.Max(offsetBytes, _device.DataOffsetBytes + block * CowLayout.BlockSize);
            endBytes = _device.DataOffsetBytes + (block + count) * CowLayout.BlockSize;
        }
        return Errno.None;
    }

    /// <summary>Reads a part of a range of the device that lies in one piece, or is zeros.</summary>
    /// <param name="offsetBytes">Offset on the device.</param>
    /// <param name="target">Gets it.</param>
    /// <param name="length">How much was read.</param>
    private Errno ReadRun(long offsetBytes, Span<byte> target, out int length)
    {
        long chunk = offsetBytes / ChunkBytes;
        while (true)
        {
            ChunkPlace place = _table.Find(chunk);
            length = RunLength(offsetBytes, target.Length, place, out bool isHeld, out ulong stamp);
            if (!isHeld)
            {
                target[..length].Clear();
                return Errno.None;
            }
            Errno errno = _file.ReadAt(_layout.ChunkOffsetBytes(place.Chunk) + offsetBytes % ChunkBytes, target[..length]);
            // A chunk may have been given up meanwhile, and hold something else: a discard comes to its end while others read.
            for (long index = chunk; index * ChunkBytes < offsetBytes + length; index++)
            {
                stamp -= _table.Find(index).Raw;
            }
            if (stamp == 0)
            {
                return errno;
            }
        }
    }

    /// <summary>How far a range of the device lies in one piece in the store, or is zeros.</summary>
    /// <param name="offsetBytes">Offset on the device.</param>
    /// <param name="maxBytes">The answer is at most this.</param>
    /// <param name="place">Where its first chunk is.</param>
    /// <param name="isHeld">True when it is in the store.</param>
    /// <param name="stamp">The sum of the places, which contain counters of their changes.</param>
    private int RunLength(long offsetBytes, int maxBytes, ChunkPlace place, out bool isHeld, out ulong stamp)
    {
        long chunk = offsetBytes / ChunkBytes;
        long block = offsetBytes / CowLayout.BlockSize;
        long endBytes = (chunk + 1) * ChunkBytes;
        isHeld = false;
        stamp = place.Raw;
        if (place.HoldsData)
        {
            long run = _held.RunLength(block, endBytes / CowLayout.BlockSize - block, out isHeld);
            endBytes = (block + run) * CowLayout.BlockSize;
        }
        while (endBytes < offsetBytes + maxBytes && endBytes % ChunkBytes == 0)
        {
            long next = endBytes / ChunkBytes;
            ChunkPlace behind = _table.Find(next);
            if (isHeld ? !IsBehind(behind, place, next - chunk) : behind.HoldsData)
            {
                break;
            }
            long run = _layout.BlocksPerChunk;
            if (isHeld)
            {
                run = _held.RunLength(next * run, run, out bool goesOn);
                if (!goesOn)
                {
                    break;
                }
                stamp += behind.Raw;
            }
            endBytes += run * CowLayout.BlockSize;
        }
        return (int)Math.Min(endBytes - offsetBytes, maxBytes);
    }

    /// <summary>True when a chunk lies so many chunks behind another one, in the same group.</summary>
    private bool IsBehind(ChunkPlace place, ChunkPlace first, long distance) =>
        place.HoldsData
        && place.Chunk == first.Chunk + distance
        && place.Chunk / _layout.ChunksPerGroup == first.Chunk / _layout.ChunksPerGroup;

    /// <summary>Writes a part of a range of the device that lies in one piece.</summary>
    private Errno WriteRun(long offsetBytes, ReadOnlySpan<byte> source, out int length)
    {
        length = 0;
        long chunk = offsetBytes / ChunkBytes;
        Errno errno = EnsureBootMark();
        if (errno != Errno.None)
        {
            return errno;
        }
        errno = Claim(chunk, out int first);
        if (errno != Errno.None)
        {
            return errno;
        }
        long endBytes = (chunk + 1) * ChunkBytes;
        for (int next = 1; endBytes < offsetBytes + source.Length; next++, endBytes += ChunkBytes)
        {
            if (_table.Claim(chunk + next, out int behind) != Errno.None
                || behind != first + next
                || behind / _layout.ChunksPerGroup != first / _layout.ChunksPerGroup)
            {
                break;
            }
        }
        length = (int)(Math.Min(endBytes, offsetBytes + source.Length) - offsetBytes);
        long storeOffsetBytes = _layout.ChunkOffsetBytes(first) + offsetBytes % ChunkBytes;
        long block = offsetBytes / CowLayout.BlockSize;
        long count = (offsetBytes + length - 1) / CowLayout.BlockSize - block + 1;
        bool isEndPartial = (offsetBytes + length) % CowLayout.BlockSize != 0;
        bool isFirstPartial = offsetBytes % CowLayout.BlockSize != 0 || (count == 1 && isEndPartial);
        errno = CompleteEdge(block, storeOffsetBytes - offsetBytes % CowLayout.BlockSize, isFirstPartial);
        if (errno == Errno.None && count > 1)
        {
            long lastBlock = block + count - 1;
            errno = CompleteEdge(lastBlock, storeOffsetBytes + lastBlock * CowLayout.BlockSize - offsetBytes, isEndPartial);
        }
        if (errno == Errno.None)
        {
            errno = _file.WriteAt(storeOffsetBytes, source[..length]);
        }
        if (errno == Errno.None)
        {
            _held.Set(block, count, isSet: true);
        }
        return errno;
    }

    /// <summary>
    /// Gives a chunk of the device its place. When the store is full, it is made durable first that chunks have been given up: they are free then.
    /// </summary>
    /// <remarks>
    /// A sync on the data path, but only where a change would fail else: a filesystem on the device may wait for it before it makes anything durable.
    /// </remarks>
    private Errno Claim(long chunk, out int place)
    {
        Errno errno = _table.Claim(chunk, out place);
        if (errno.IsLackOfSpace() && _table.HasGivenUp)
        {
            errno = SyncAll();
            if (errno == Errno.None)
            {
                errno = _table.Claim(chunk, out place);
            }
        }
        return errno;
    }

    /// <summary>A block that is written in part, and is not there yet, is zeros else.</summary>
    private Errno CompleteEdge(long block, long storeOffsetBytes, bool isPartial) => isPartial && !_held.IsAnySet(block, 1)
        ? _file.WriteAt(storeOffsetBytes, Zeros.AsSpan(0, CowLayout.BlockSize))
        : Errno.None;

    /// <summary>Makes a range zeros.</summary>
    /// <param name="offsetBytes">Start of the range.</param>
    /// <param name="lengthBytes">Length of the range.</param>
    /// <param name="areZerosValid">True: whole chunks belong to the cowfile from now on.</param>
    /// <param name="doneBytes">How much of it is zeros, from its start.</param>
    private Errno Clear(long offsetBytes, long lengthBytes, bool areZerosValid, out long doneBytes)
    {
        doneBytes = 0;
        long startBytes = offsetBytes - _device.DataOffsetBytes;
        long endBytes = Math.Min(offsetBytes + lengthBytes, _device.FullLengthBytes) - _device.DataOffsetBytes;
        if (startBytes < 0 || startBytes % CowLayout.BlockSize != 0 || endBytes % CowLayout.BlockSize != 0)
        {
            return Errno.EOPNOTSUPP;
        }
        // The last chunk may reach behind the end of the device: it is whole all the same.
        long firstChunk = (startBytes + ChunkBytes - 1) / ChunkBytes;
        long endChunk = endBytes == _device.DeviceBytes ? _layout.DeviceChunkCount : endBytes / ChunkBytes;
        Errno errno;
        if (firstChunk >= endChunk)
        {
            errno = ClearBlocks(startBytes, endBytes, areZerosValid);
            doneBytes = errno == Errno.None ? lengthBytes : 0;
            return errno;
        }
        // The ends first: they may find no space, and then nothing must have become valid.
        errno = ClearBlocks(startBytes, firstChunk * ChunkBytes, areZerosValid);
        if (errno == Errno.None)
        {
            errno = ClearBlocks(endChunk * ChunkBytes, endBytes, areZerosValid);
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        long doneChunk = firstChunk;
        errno = areZerosValid ? ZeroChunks(ref doneChunk, endChunk) : DropChunks(firstChunk, endChunk - firstChunk);
        if (errno == Errno.None)
        {
            doneBytes = lengthBytes;
            return Errno.None;
        }
        doneBytes = doneChunk > firstChunk ? doneChunk * ChunkBytes - startBytes : 0;
        return errno.IsLackOfSpace() ? errno : Fail(errno);
    }

    private Errno ClearBlocks(long startBytes, long endBytes, bool areZerosValid)
    {
        if (startBytes >= endBytes)
        {
            return Errno.None;
        }
        long block = startBytes / CowLayout.BlockSize;
        long count = (endBytes - startBytes) / CowLayout.BlockSize;
        return areZerosValid ? ZeroBlocks(block, count) : DropBlocks(block, count);
    }

    private Errno WriteZeros(long offsetBytes, long lengthBytes)
    {
        while (lengthBytes > 0)
        {
            int part = (int)Math.Min(lengthBytes, Zeros.Length);
            Errno errno = WriteAt(offsetBytes, Zeros.AsSpan(0, part));
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += part;
            lengthBytes -= part;
        }
        return Errno.None;
    }

    /// <summary>Makes chunks zeros, and valid.</summary>
    /// <param name="chunk">The first one; behind an error the one that it happened to.</param>
    /// <param name="endChunk">The first one behind them.</param>
    private Errno ZeroChunks(ref long chunk, long endChunk)
    {
        while (chunk < endChunk)
        {
            long run = 0;
            while (chunk + run < endChunk && _table.Find(chunk + run).IsNone)
            {
                run++;
            }
            Errno errno;
            long doneCount;
            if (run > 0)
            {
                errno = _zeros.Add(chunk, run, out doneCount);
            }
            else
            {
                errno = _table.Drop(chunk, areZerosValid: true);
                doneCount = errno == Errno.None ? 1 : 0;
            }
            chunk += doneCount;
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return Errno.None;
    }

    private Errno ZeroBlocks(long block, long count)
    {
        while (count > 0)
        {
            long part = Math.Min(count, _layout.BlocksPerChunk - block % _layout.BlocksPerChunk);
            bool isZero = !_table.Find(block / _layout.BlocksPerChunk).HoldsData && _valid.AreAllSet(block, part);
            Errno errno = isZero
                ? Errno.None
                : WriteZeros(_device.DataOffsetBytes + block * CowLayout.BlockSize, part * CowLayout.BlockSize);
            if (errno != Errno.None)
            {
                return errno;
            }
            block += part;
            count -= part;
        }
        return Errno.None;
    }

    private Errno DropChunks(long chunk, long count)
    {
        for (long end = chunk + count; chunk < end; chunk++)
        {
            Errno errno = _table.Drop(chunk, areZerosValid: false);
            if (errno != Errno.None)
            {
                return errno;
            }
        }
        return Errno.None;
    }

    /// <summary>What has no bit is gone without more; what has one is overwritten.</summary>
    private Errno DropBlocks(long block, long count)
    {
        for (long end = block + count; block < end;)
        {
            long run = _valid.RunLength(block, end - block, out bool isValid);
            Errno errno = Errno.None;
            if (isValid)
            {
                errno = ZeroBlocks(block, run);
            }
            else
            {
                _held.Set(block, run, isSet: false);
            }
            if (errno != Errno.None)
            {
                return errno;
            }
            block += run;
        }
        return Errno.None;
    }
}
