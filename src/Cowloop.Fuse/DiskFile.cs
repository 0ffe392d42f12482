using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;

namespace Cowloop.Fuse;

/// <summary>A device as a file: what the loop device is bound to.</summary>
/// <param name="device">The device behind it; not owned.</param>
/// <param name="shared">What it shares with the other devices of the connection.</param>
internal sealed class DiskFile(IBlockDevice device, SharedWorkers shared) : FuseFile
{
    // A third of the shared workers: enough to keep a disk busy, and several devices may hang before others feel it.
    private const int LaneWidth = 16;

    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _openLock = new();
    private int _openCount;
    private volatile bool _isReadToMemory;

    /// <summary>Completes when the last opening is gone: no request for the device will come any more.</summary>
    public Task Released => _released.Task;

    /// <inheritdoc/>
    public override long LengthBytes => device.Info.LengthBytes;

    /// <inheritdoc/>
    public override uint Permissions => 0x180; // 0600

    // No flush at close: nothing is cached here, and a killed service, whose files are closed one after the other, would wait for its own answer.
    internal override uint OpenFlags => FuseAbi.FOPEN_DIRECT_IO | FuseAbi.FOPEN_PARALLEL_DIRECT_WRITES | FuseAbi.FOPEN_NOFLUSH;

    internal override RequestLane Lane { get; } = new(LaneWidth, shared);

    internal override Errno Open(out ulong handle)
    {
        handle = 0;
        lock (_openLock)
        {
            if (_released.Task.IsCompleted)
            {
                return Errno.ENODEV;
            }
            _openCount++;
            return Errno.None;
        }
    }

    internal override Errno Read(ulong handle, long offsetBytes, Span<byte> target, out int lengthBytes)
    {
        lengthBytes = (int)Math.Clamp(LengthBytes - offsetBytes, 0, target.Length);
        return lengthBytes == 0 ? Errno.None : device.Read(offsetBytes, target[..lengthBytes]);
    }

    // What one of its files has no way for it will not have next time.
    internal override bool MayReadTo => !_isReadToMemory;

    internal override Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        Errno errno = device.ReadTo(offsetBytes, lengthBytes, target);
        if (errno == Errno.EOPNOTSUPP)
        {
            _isReadToMemory = true;
        }
        return errno;
    }

    internal override Errno Write(long offsetBytes, ReadOnlySpan<byte> source) =>
        device.Write(offsetBytes, source, fua: false);

    /// <inheritdoc/>
    /// <remarks>
    /// Zeros need no space where holes can be punched, only to reserve it does. Where changes wait for space, this is better done without the
    /// reserve than later: the loop device hands on no other request while it waits for this one, and what is written there can wait in its turn.
    /// </remarks>
    internal override Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap)
    {
        Errno errno = device.Zero(offsetBytes, lengthBytes, mayUnmap, fua: false);
        return errno.IsLackOfSpace() && !mayUnmap && Lane.Space.MayWait
            ? device.Zero(offsetBytes, lengthBytes, mayUnmap: true, fua: false)
            : errno;
    }

    internal override Errno Sync() => device.Flush();

    internal override void Release(ulong handle)
    {
        lock (_openLock)
        {
            if (--_openCount == 0)
            {
                _released.SetResult();
            }
        }
    }
}
