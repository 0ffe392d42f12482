using System.Buffers.Binary;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.DeviceMapper;

/// <summary>The exceptions of a store: which chunks of the origin have changed, and where their content is. All of it is verified; memory holds runs.</summary>
internal sealed class ExceptionTable
{
    private const int BufferBytes = 64 * 1024;

    private readonly List<ExceptionRun> _runs;

    private ExceptionTable(DmGeometry geometry, List<ExceptionRun> runs, long exceptionCount)
    {
        Geometry = geometry;
        _runs = runs;
        ExceptionCount = exceptionCount;
    }

    /// <summary>Where things lie in the store.</summary>
    public DmGeometry Geometry { get; }

    /// <summary>Number of changed chunks.</summary>
    public long ExceptionCount { get; }

    /// <summary>The exceptions in the order of the origin; none overlap.</summary>
    public IReadOnlyList<ExceptionRun> Runs => _runs;

    /// <summary>Reads the table.</summary>
    /// <param name="store">The store.</param>
    /// <param name="originBytes">Length of the origin: whole sectors.</param>
    /// <exception cref="CowloopException">The store is damaged, incomplete or not of such an origin, or can't be read.</exception>
    public static ExceptionTable Read(CheckedFile store, long originBytes)
    {
        var geometry = new DmGeometry(DmHeader.Read(store).ChunkBytes);
        var runs = new List<ExceptionRun>();
        long count = 0;
        // More cannot be right, so a hostile table decides nothing about memory.
        long originChunks = geometry.ChunksOf(originBytes);
        foreach ((ulong oldChunk, ulong newChunk) in ReadExceptions(store, geometry))
        {
            RequireWithin(store, geometry, oldChunk, newChunk, originBytes);
            if (++count > originChunks)
            {
                throw DmHeader.Damaged(store, $"has more exceptions than its origin has chunks, {originChunks}");
            }
            if (runs.Count > 0 && runs[^1].IsFollowedBy((long)oldChunk, (long)newChunk))
            {
                runs[^1] = runs[^1] with { ChunkCount = runs[^1].ChunkCount + 1 };
            }
            else
            {
                runs.Add(new ExceptionRun((long)oldChunk, (long)newChunk, 1));
            }
        }
        runs.Sort((one, other) => one.NewChunk.CompareTo(other.NewChunk));
        for (int index = 1; index < runs.Count; index++)
        {
            if (runs[index].NewChunk < runs[index - 1].NewEnd)
            {
                throw DmHeader.Damaged(store, $"uses its chunk {runs[index].NewChunk} twice");
            }
        }
        runs.Sort((one, other) => one.OldChunk.CompareTo(other.OldChunk));
        for (int index = 1; index < runs.Count; index++)
        {
            if (runs[index].OldChunk < runs[index - 1].OldEnd)
            {
                throw DmHeader.Damaged(store, $"has chunk {runs[index].OldChunk} of the origin twice");
            }
        }
        return new ExceptionTable(geometry, runs, count);
    }

    /// <summary>Finds where the content of a chunk of the origin is.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="newChunk">The chunk of the store; -1 when it is unchanged.</param>
    /// <returns>How many chunks from there on go on alike.</returns>
    public long Find(long chunk, out long newChunk)
    {
        int low = 0;
        for (int high = _runs.Count; low < high;)
        {
            int middle = low + (high - low) / 2;
            if (_runs[middle].OldEnd <= chunk)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        newChunk = -1;
        if (low == _runs.Count)
        {
            return long.MaxValue - chunk;
        }
        ExceptionRun run = _runs[low];
        if (run.OldChunk > chunk)
        {
            return run.OldChunk - chunk;
        }
        newChunk = run.NewChunk + (chunk - run.OldChunk);
        return run.OldEnd - chunk;
    }

    /// <summary>Yields the exceptions in the order of the table, up to its end.</summary>
    private static IEnumerable<(ulong OldChunk, ulong NewChunk)> ReadExceptions(CheckedFile store, DmGeometry geometry)
    {
        byte[] buffer = new byte[(int)Math.Min(BufferBytes, geometry.ChunkBytes)];
        for (long area = 0; ; area++)
        {
            long startBytes = geometry.TableChunk(area) * geometry.ChunkBytes;
            for (long doneBytes = 0; doneBytes < geometry.ChunkBytes; doneBytes += buffer.Length)
            {
                store.Read(startBytes + doneBytes, buffer, Fault.ReadBitmap);
                for (int offset = 0; offset < buffer.Length; offset += DmGeometry.ExceptionBytes)
                {
                    ulong newChunk = BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(offset + sizeof(ulong)));
                    if (newChunk == 0)
                    {
                        yield break;
                    }
                    yield return (BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(offset)), newChunk);
                }
            }
        }
    }

    private static void RequireWithin(CheckedFile store, DmGeometry geometry, ulong oldChunk, ulong newChunk, long originBytes)
    {
        if (oldChunk >= (ulong)geometry.ChunksOf(originBytes))
        {
            throw DmHeader.Damaged(store, $"has chunk {oldChunk} of {geometry.ChunkBytes} bytes, but the base ends at byte {originBytes}");
        }
        if (newChunk >= (ulong)(store.LengthBytes / geometry.ChunkBytes))
        {
            throw DmHeader.Damaged(store, $"is incomplete: it has {store.LengthBytes} bytes, and needs its chunk {newChunk} of {geometry.ChunkBytes} bytes");
        }
        if (geometry.IsMetadata((long)newChunk))
        {
            throw DmHeader.Damaged(store, $"has content in its chunk {newChunk}, where its table goes");
        }
    }
}
