using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>Makes one layer of the two topmost ones of an active device.</summary>
/// <param name="saved">Where the devices are written down.</param>
internal sealed class LiveLayerMerge(SavedDevices saved)
{
    private static readonly TimeSpan MaxSettleTime = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Merges the topmost layer of a device into the one below it, while the device is in use. What is read is the same all the time, and whenever it is
    /// cut short.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="observer">Can end it; the same merge does the rest another time.</param>
    /// <returns>The files before, and how many blocks were written.</returns>
    /// <exception cref="CowloopException">It can't be done; the device goes on, with the same layers.</exception>
    public (DeviceFiles Former, long BlockCount) Merge(CowDevice device, IWorkObserver observer)
    {
        DeviceTop top = device.Top;
        if (top.Files.Mode == DeviceMode.ReadOnly)
        {
            device.RequireCowfile();
        }
        device.RequireSealed();
        if (top.Files.Layers.Count < 2)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowdevice {device.Number} has {(top.Files.Layers.Count == 0 ? "no layers" : "one layer")}, and two are needed: one is merged into the other",
                "into the base itself a cowfile is merged when nothing is active: cowmerge");
        }
        DeviceLayer[] layers = [.. top.Files.Layers];
        var stack = (LayerStack)top.Below.File;
        if (!device.TryFinishFollowUps(MaxSettleTime) || stack.Layers.Count < layers.Length)
        {
            throw new CowloopException(
                Errno.EBUSY,
                $"the layers of cowdevice {device.Number} are still being put in order after a snapshot, which waits for requests that began before it",
                "try again in a moment");
        }
        Layer upper = stack.Layers[^1];
        Layer lower = stack.Layers[^2];
        PosixFile lowerFile = layers[^2].File;
        Errno errno = lowerFile.TryReopenReadWrite();
        if (errno != Errno.None)
        {
            throw errno == Errno.EAGAIN
                ? new CowloopException(
                    Errno.EBUSY,
                    $"layer {layers[^2].Path} is in use by another device or program, which would see it change",
                    "end that use, or make a new cowfile of both: cowloop merge LOWER UPPER --into NEW.cow")
                : new CowloopException(errno, $"layer {layers[^2].Path} cannot be opened for writing: {errno.Text()}") { Path = layers[^2].Path };
        }
        LayerMerger merger;
        try
        {
            merger = LayerMerger.Prepare(new CheckedFile(upper.File, layers[^1].Path), new CheckedFile(lower.File, layers[^2].Path));
            merger.Run(observer);
        }
        finally
        {
            // Where that fails the layer stays this device's alone, and is as good for it.
            _ = lowerFile.TryReopenReadOnly();
        }
        lock (device.OpenLock)
        {
            var merged = new Layer(lower.File, lower.Name, lower.Layout, merger.Record);
            // Until the cowfile names its new parent, and this is written down, its records alone say what lies below it.
            _ = saved.TryChange(device.Number, entry => entry with { Layers = [] });
            string directory = Path.GetDirectoryName(top.Files.CowfilePath.Length > 0 ? top.Files.CowfilePath : "/")!;
            string lowerPath = Path.GetRelativePath(directory, layers[^2].Path);
            errno = device.Disk.DropLayer(stack, merged, lowerPath, words => new NativeWords(words), out Action? release);
            if (errno != Errno.None)
            {
                throw new CowloopException(
                    errno,
                    $"{layers[^1].Path} is merged into {layers[^2].Path}, but cowfile {top.Files.CowfilePath} cannot be tied to that: {errno.Text()}",
                    "the device goes on with all of them; cowloop status shows how it stands");
            }
            device.Rename(top.Files with { Layers = layers[..^1] });
            _ = saved.TryChange(device.Number, entry => entry with { Layers = [.. layers[..^1].Select(layer => layer.Path)] });
            device.FollowUp(() => device.Disk.Release(release!));
        }
        return (top.Files, merger.BlockCount);
    }
}
