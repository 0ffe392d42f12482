using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>Copies blocks from one file to another; holes of the source become holes of the target, as far as that knows them.</summary>
/// <param name="source">Where they come from; longer than the last of them.</param>
/// <param name="sourceOffsetBytes">Where block 0 lies in it.</param>
/// <param name="target">Where they go.</param>
/// <param name="targetOffsetBytes">Where block 0 lies in it; a multiple of the unit of holes.</param>
internal sealed class BlockCopier(CheckedFile source, long sourceOffsetBytes, CheckedFile target, long targetOffsetBytes)
{
    private const int BufferBytes = 1 << 20;

    // Zeros in pieces smaller than this are not worth a hole.
    private const int HoleUnitBlocks = 4;

    private readonly byte[] _buffer = new byte[BufferBytes];

    /// <summary>Copies blocks; the caller makes them durable.</summary>
    /// <param name="block">The first one.</param>
    /// <param name="endBlock">The one behind the last; where it is not greater than the first there is nothing to do.</param>
    /// <param name="observer">Hears of every byte.</param>
    /// <exception cref="CowloopException">The source can't be read, or the target not written.</exception>
    public void Copy(long block, long endBlock, IWorkObserver observer)
    {
        while (block < endBlock)
        {
            long startBytes = sourceOffsetBytes + block * CowLayout.BlockSize;
            (long dataBytes, long endBytes) = source.NextData(startBytes, Fault.ReadData);
            long holeBlocks = endBytes <= dataBytes ? endBlock - block : (dataBytes - startBytes) / CowLayout.BlockSize;
            long count;
            if (holeBlocks > 0)
            {
                count = Math.Min(holeBlocks, endBlock - block);
                Clear(block, count, observer);
            }
            else
            {
                long dataBlocks = (endBytes - startBytes + CowLayout.BlockSize - 1) / CowLayout.BlockSize;
                count = Math.Min(Math.Min(dataBlocks, BufferBytes / CowLayout.BlockSize), endBlock - block);
                Span<byte> data = _buffer.AsSpan(0, (int)count * CowLayout.BlockSize);
                source.Read(startBytes, data, Fault.ReadData);
                Store(block, data);
                observer.Advance(data.Length);
            }
            block += count;
        }
    }

    /// <summary>Writes data; zeros in it leave a hole that is there a hole.</summary>
    private void Store(long block, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            int length = UnitLength(block, data);
            bool isZero = IsZero(data[..length]);
            while (length < data.Length)
            {
                int next = UnitLength(block + length / CowLayout.BlockSize, data[length..]);
                if (IsZero(data.Slice(length, next)) != isZero)
                {
                    break;
                }
                length += next;
            }
            if (!isZero || !IsHole(block, length))
            {
                target.Write(targetOffsetBytes + block * CowLayout.BlockSize, data[..length], Fault.WriteData);
            }
            block += length / CowLayout.BlockSize;
            data = data[length..];
        }
    }

    /// <summary>Makes blocks zero that are a hole in the source.</summary>
    private void Clear(long block, long count, IWorkObserver observer)
    {
        long lengthBytes = count * CowLayout.BlockSize;
        long startBytes = targetOffsetBytes + block * CowLayout.BlockSize;
        if (IsHole(block, lengthBytes) || target.TryPunch(startBytes, lengthBytes, Fault.WriteData))
        {
            observer.Advance(lengthBytes);
            return;
        }
        _buffer.AsSpan().Clear();
        for (long doneBytes = 0; doneBytes < lengthBytes;)
        {
            int partBytes = (int)Math.Min(BufferBytes, lengthBytes - doneBytes);
            target.Write(startBytes + doneBytes, _buffer.AsSpan(0, partBytes), Fault.WriteData);
            doneBytes += partBytes;
            observer.Advance(partBytes);
        }
    }

    private bool IsHole(long block, long lengthBytes)
    {
        long startBytes = targetOffsetBytes + block * CowLayout.BlockSize;
        (long dataBytes, long endBytes) = target.NextData(startBytes, Fault.WriteData);
        return endBytes <= dataBytes || dataBytes >= startBytes + lengthBytes;
    }

    /// <summary>The bytes up to the next multiple of the hole unit.</summary>
    private static int UnitLength(long block, ReadOnlySpan<byte> data) =>
        Math.Min(data.Length, (int)(HoleUnitBlocks - block % HoleUnitBlocks) * CowLayout.BlockSize);

    private static bool IsZero(ReadOnlySpan<byte> data) => !data.ContainsAnyExcept((byte)0);
}
