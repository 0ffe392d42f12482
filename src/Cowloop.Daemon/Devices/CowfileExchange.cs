using System.Diagnostics;
using System.Globalization;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Layers;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// Gives an active device another cowfile: by a snapshot, on top of the one it has, or by a rollback, in its place. What is decided on disk in one step is
/// written down before, so that a kill leaves the device with the one or the other.
/// </summary>
/// <param name="tops">Makes the new cowfiles.</param>
/// <param name="saved">Where the devices are written down.</param>
internal sealed class CowfileExchange(TopOpener tops, SavedDevices saved)
{
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(1);

    /// <summary>Seals the cowfile of a device and lets a new one take the changes.</summary>
    /// <param name="device">The device; it may be in use.</param>
    /// <param name="name">The new cowfile as the user named it.</param>
    /// <param name="path">Its absolute path.</param>
    /// <returns>The former top, and how long changes waited.</returns>
    /// <exception cref="CowloopException">It can't be done; the device goes on with the cowfile it had, and no other is left behind.</exception>
    public (DeviceTop Former, TimeSpan Pause) Snapshot(CowDevice device, string name, string path)
    {
        lock (device.OpenLock)
        {
            DeviceTop former = device.Top;
            RequireExchangeable(device);
            if (former.Overlay.Record is null)
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"cowfile {former.Files.Cowfile} is a plain one, in which nothing says that it is sealed",
                    "detach the device, and copy the cowfile into one with a record: cowloop merge COWFILE --into NEW.cow");
            }
            LayerStack.RequireCount(former.Files.Layers.Count + 1);
            DeviceFiles files = former.Files with
            {
                Cowfile = name,
                CowfilePath = path,
                Layers = [.. former.Files.Layers, new DeviceLayer(former.Files.Cowfile, former.Files.CowfilePath, former.File.File, former.Counted)],
            };
            DeviceTop? top = null;
            Errno errno;
            var pause = new Stopwatch();
            try
            {
                errno = device.Disk.Snapshot(
                    former.Files.Cowfile,
                    former.Below,
                    below =>
                    {
                        top = tops.Open(device.Number, files, below, device.Disk.Info.SectorSize, new TopOptions { MustBeNew = true, Store = former.Store });
                        Save(device, top.Files, path);
                        return top.Overlay;
                    },
                    onPause: isPaused => Measure(pause, isPaused));
                if (device.Disk.Top == former.Overlay)
                {
                    string hint = errno.IsLackOfSpace() ? "free some space there and try again" : "cowloop status shows how the device stands";
                    throw CannotSeal(former, errno, hint);
                }
            }
            catch
            {
                top?.Discard();
                Forget(device);
                throw;
            }
            device.Follow(top!);
            if (errno != Errno.None)
            {
                device.Unsealed = former;
                device.FollowUp(() => SealLater(device, former));
                throw CannotSeal(former, errno, $"{path} takes the changes already; a sync that succeeds seals the former cowfile: cowsync");
            }
            Complete(device, former);
            return (former, pause.Elapsed);
        }
    }

    /// <summary>Throws the changes of a device away that are in its cowfile, or not even in one.</summary>
    /// <param name="device">The device; nobody uses it.</param>
    /// <returns>The former top.</returns>
    /// <exception cref="CowloopException">It can't be done; nothing is thrown away.</exception>
    public DeviceTop Rollback(CowDevice device)
    {
        lock (device.OpenLock)
        {
            DeviceTop former = device.Top;
            RequireExchangeable(device);
            return former.Files.Mode == DeviceMode.Volatile ? ResetVolatile(device, former) : Replace(device, former);
        }
    }

    private static void Measure(Stopwatch pause, bool isPaused)
    {
        if (isPaused)
        {
            pause.Start();
        }
        else
        {
            pause.Stop();
        }
    }

    /// <summary>Waits until a flush has sealed a cowfile that could not be sealed at once.</summary>
    private void SealLater(CowDevice device, DeviceTop former)
    {
        while (device.Disk.Flush() != Errno.None)
        {
            if (device.IsEnding || device.Overlay.Failure != Errno.None)
            {
                return;
            }
            Thread.Sleep(RetryTime);
        }
        // Who closes the device waits for this, and has the lock.
        while (!device.OpenLock.TryEnter(RetryTime))
        {
            if (device.IsEnding)
            {
                return;
            }
        }
        try
        {
            ServiceLog.Notice($"cowdevice {device.Number}: {former.Files.CowfilePath} is sealed now");
            device.Unsealed = null;
            Complete(device, former);
        }
        finally
        {
            device.OpenLock.Exit();
        }
    }

    /// <summary>What is to be done when the former cowfile is sealed. Under the device's <see cref="CowDevice.OpenLock"/>.</summary>
    private void Complete(CowDevice device, DeviceTop former)
    {
        Finish(device);
        former.LiveBits!.Discard();
        LetOthersRead(former);
        // Requests that are stuck in a hanging file keep the former arrangement, but nobody waiting for the snapshot.
        var stack = (LayerStack)device.Top.Below.File;
        device.FollowUp(() => device.Disk.Settle(stack, former.Overlay, words => new NativeWords(words)));
    }

    private static CowloopException CannotSeal(DeviceTop former, Errno errno, string hint) =>
        new(errno, $"cowfile {former.Files.Cowfile} cannot be sealed: {errno.Text()}", hint) { Path = former.Files.CowfilePath };

    private DeviceTop ResetVolatile(CowDevice device, DeviceTop former)
    {
        DeviceTop top = tops.MakeVolatile(former.Files, former.Below, device.Disk.Info.SectorSize, former.Volatile!, former.Overlay.Layout.DeviceBytes);
        Errno errno = device.Disk.Replace(top.Overlay, static () => Errno.None);
        Debug.Assert(errno == Errno.None, "nothing is done that could fail");
        device.Follow(top);
        return former;
    }

    private DeviceTop Replace(CowDevice device, DeviceTop former)
    {
        string path = former.Files.CowfilePath;
        if (former.File.Identity.Kind == FileKind.BlockDevice)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {former.Files.Cowfile} is a block device, which no new one can take the place of",
                $"detach the device, and make the store empty: cowloop create --store compact --force BASE {ShellWord.ForPath(path)}");
        }
        string madePath = string.Create(CultureInfo.InvariantCulture, $"{path}.rollback-{Random.Shared.Next():x8}");
        DeviceTop top = tops.Open(
            device.Number,
            former.Files with { CowfilePath = madePath },
            former.Below,
            device.Disk.Info.SectorSize,
            new TopOptions
            {
                MustBeNew = true,
                Plain = former.Overlay.Record is null,
                DeviceBytes = former.Overlay.Layout.DeviceBytes,
                Store = former.Store,
            });
        top = top with { Files = top.Files with { CowfilePath = path } };
        try
        {
            Save(device, top.Files, madePath);
            Errno errno = device.Disk.Replace(top.Overlay, () => TryRename(madePath, path, top.Files.CowfileIdentity));
            if (errno != Errno.None)
            {
                throw new CowloopException(errno, $"an empty cowfile cannot take the place of {former.Files.Cowfile}: {errno.Text()}") { Path = path };
            }
        }
        catch
        {
            (top with { Files = top.Files with { CowfilePath = madePath } }).Discard();
            Forget(device);
            throw;
        }
        device.Follow(top);
        Finish(device);
        former.LiveBits!.Discard();
        return former;
    }

    /// <summary>
    /// An error of making the name durable comes when the file has it: then the former one is gone, and only a loss of power could bring it back.
    /// </summary>
    private static Errno TryRename(string madePath, string path, FileIdentity made)
    {
        Errno errno = PosixFile.Rename(madePath, path);
        bool hasName = errno != Errno.None && FileIdentity.TryGet(path, out FileIdentity named) == Errno.None && named.IsSameAs(made);
        return hasName ? Errno.None : errno;
    }

    private static void RequireExchangeable(CowDevice device)
    {
        if (device.Files.Mode == DeviceMode.ReadOnly)
        {
            device.RequireCowfile();
        }
        device.RequireWritable();
        if (device.DependentCount > 0)
        {
            throw new CowloopException(Errno.EBUSY, $"cowdevice {device.Number} is the rdofile of another one", "deactivate that one first");
        }
        device.RequireSealed();
    }

    /// <summary>Other devices may have the sealed cowfile as a layer, too. If that can't be, this one has it all the same.</summary>
    private static void LetOthersRead(DeviceTop former)
    {
        Errno errno = former.File.File.TryReopenReadOnly();
        if (errno != Errno.None)
        {
            ServiceLog.Warning($"layer {former.Files.CowfilePath} stays locked for writing, so that no other device can use it: {errno.Text()}");
        }
    }

    private void Save(CowDevice device, DeviceFiles files, string madePath)
    {
        if (saved.TryChange(device.Number, entry => entry with { Exchange = SavedExchange.Of(files, madePath) }) is string why)
        {
            throw new CowloopException(
                Errno.EIO,
                $"the new cowfile of cowdevice {device.Number} cannot be written down, and a kill of the service would lose the device: {why}",
                "make space where the service keeps its state, and try again");
        }
    }

    private void Finish(CowDevice device)
    {
        if (saved.TryChange(device.Number, entry => entry.Exchange is SavedExchange exchange ? exchange.ApplyTo(entry) : entry) is string why)
        {
            // It says still what was about to happen, and what is found then says that it did.
            ServiceLog.Warning($"cowdevice {device.Number} is written down with its former cowfile still: {why}");
        }
    }

    private void Forget(CowDevice device) => _ = saved.TryChange(device.Number, entry => entry with { Exchange = null });
}
