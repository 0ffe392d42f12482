using Cowloop.Core.Devices;

namespace Cowloop.Core.Files;

/// <summary>An active device seen as a read-only file, so that it can be the base of another device in the same process.</summary>
/// <param name="device">The device below; not owned.</param>
public sealed class DeviceFile(IBlockDevice device) : IBlockFile
{
    /// <inheritdoc/>
    public long LengthBytes => device.Info.LengthBytes;

    /// <inheritdoc/>
    public Errno ReadAt(long offsetBytes, Span<byte> target) => device.Read(offsetBytes, target);

    /// <inheritdoc/>
    public Errno NextData(long offsetBytes, out long dataOffsetBytes)
    {
        dataOffsetBytes = offsetBytes;
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno SetLength(long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Sync() => Errno.None;

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
