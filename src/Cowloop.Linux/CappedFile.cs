using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Linux;

/// <summary>A file that takes no more than so much space: a write that needs more finds none, as on a full disk. What it has it can overwrite.</summary>
/// <param name="file">The file; owned.</param>
/// <param name="limitBytes">How much it may take.</param>
public sealed class CappedFile(PosixFile file, long limitBytes) : IBlockFile
{
    // Near the limit one write at a time, so that two that fit alone do not pass it together; what goes on far from it needs no order.
    private const long NearBytes = 64L << 20;

    private readonly Lock _nearLock = new();

    /// <inheritdoc/>
    public long LengthBytes => file.LengthBytes;

    /// <inheritdoc/>
    public Errno ReadAt(long offsetBytes, Span<byte> target) => file.ReadAt(offsetBytes, target);

    /// <inheritdoc/>
    public Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return target.Take(file, offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        if (file.AllocatedBytes <= limitBytes - NearBytes)
        {
            return file.WriteAt(offsetBytes, source);
        }
        lock (_nearLock)
        {
            Errno errno = Room(offsetBytes, source.Length);
            return errno == Errno.None ? file.WriteAt(offsetBytes, source) : errno;
        }
    }

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes)
    {
        lock (_nearLock)
        {
            Errno errno = Room(offsetBytes, lengthBytes);
            return errno == Errno.None ? file.Allocate(offsetBytes, lengthBytes) : errno;
        }
    }

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) => file.Punch(offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public Errno SetLength(long lengthBytes) => file.SetLength(lengthBytes);

    /// <inheritdoc/>
    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes) => file.NextData(offsetBytes, out startBytes, out endBytes);

    /// <inheritdoc/>
    public Errno Sync() => file.Sync();

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>Sees whether the holes of a range may be filled.</summary>
    private Errno Room(long offsetBytes, long lengthBytes)
    {
        long roomBytes = limitBytes - file.AllocatedBytes;
        long endBytes = offsetBytes + lengthBytes;
        for (long position = offsetBytes; position < endBytes && roomBytes >= 0;)
        {
            Errno errno = file.NextData(position, out long dataBytes, out long dataEndBytes);
            if (errno != Errno.None)
            {
                return errno;
            }
            long holeEndBytes = dataEndBytes > dataBytes ? Math.Min(dataBytes, endBytes) : endBytes;
            roomBytes -= holeEndBytes - position;
            position = Math.Max(holeEndBytes, dataEndBytes);
        }
        return roomBytes < 0 ? Errno.ENOSPC : Errno.None;
    }
}
