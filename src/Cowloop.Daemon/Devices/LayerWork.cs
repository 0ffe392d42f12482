using Cowloop.Control;
using Cowloop.Core.Maintenance;

namespace Cowloop.Daemon.Devices;

/// <summary>Work on the layers of a device: the device shows how far it is. It ends early with the device, or when nobody wants it any more.</summary>
/// <param name="device">The device.</param>
/// <param name="aborted">Nobody wants it any more.</param>
internal sealed class LayerWork(CowDevice device, CancellationToken aborted) : IWorkObserver, IDisposable
{
    private MergeProgress _progress = new(0, 0);

    /// <inheritdoc/>
    public void Begin(string what, long totalBytes) => device.Merge = _progress = new MergeProgress(0, totalBytes);

    /// <inheritdoc/>
    public void Advance(long bytes)
    {
        aborted.ThrowIfCancellationRequested();
        if (device.IsEnding)
        {
            throw new OperationCanceledException();
        }
        device.Merge = _progress = _progress with { DoneBytes = _progress.DoneBytes + bytes };
    }

    /// <summary>It goes on no more.</summary>
    public void Dispose() => device.Merge = null;
}
