using Cowloop.Core.Files;

namespace Cowloop.Core.DeviceMapper;

/// <summary>What a device mapper snapshot reads as: its origin, and what the store has instead of it.</summary>
/// <param name="store">The store; not owned.</param>
/// <param name="table">Its exceptions.</param>
/// <param name="origin">The origin; not owned.</param>
/// <param name="lengthBytes">Length of the origin: whole sectors.</param>
internal sealed class DmView(IBlockFile store, ExceptionTable table, IBlockFile origin, long lengthBytes) : ReadOnlyFile
{
    /// <inheritdoc/>
    public override long LengthBytes => lengthBytes;

    /// <inheritdoc/>
    public override Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes < 0 || offsetBytes > lengthBytes - target.Length)
        {
            return Errno.EIO;
        }
        long chunkBytes = table.Geometry.ChunkBytes;
        while (!target.IsEmpty)
        {
            (long chunk, long within) = Math.DivRem(offsetBytes, chunkBytes);
            // No more chunks than the target may reach into.
            long chunkCount = Math.Min(table.Find(chunk, out long newChunk), target.Length / chunkBytes + 2);
            int length = (int)Math.Min(target.Length, chunkCount * chunkBytes - within);
            Errno errno = newChunk < 0
                ? origin.ReadAt(offsetBytes, target[..length])
                : store.ReadAt(newChunk * chunkBytes + within, target[..length]);
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
    /// <remarks>Its holes are not worth the search: what is read of it is what has changed.</remarks>
    public override Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = offsetBytes;
        endBytes = Math.Max(offsetBytes, lengthBytes);
        return Errno.None;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
