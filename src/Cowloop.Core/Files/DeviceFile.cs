using Cowloop.Core.Devices;

namespace Cowloop.Core.Files;

/// <summary>
/// An active device, or one of its partitions, seen as a read-only file, so that it can be the base of another device in
/// the same process.
/// </summary>
/// <param name="device">The device below; not owned.</param>
/// <param name="startBytes">Where the file starts on the device.</param>
/// <param name="lengthBytes">Its length; both lie within the device.</param>
public sealed class DeviceFile(IBlockDevice device, long startBytes, long lengthBytes) : ReadOnlyFile
{
    /// <inheritdoc/>
    public override long LengthBytes => lengthBytes;

    /// <inheritdoc/>
    public override Errno ReadAt(long offsetBytes, Span<byte> target) => offsetBytes < 0 || offsetBytes > lengthBytes - target.Length
        ? Errno.EIO
        : device.Read(startBytes + offsetBytes, target);

    /// <inheritdoc/>
    public override Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target) =>
        offsetBytes < 0 || offsetBytes > LengthBytes - lengthBytes
            ? Errno.EIO
            : device.ReadTo(startBytes + offsetBytes, lengthBytes, target);

    /// <inheritdoc/>
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
