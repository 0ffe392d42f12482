using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>An active device: an overlay with its block device. Its life ends when the kernel has let go of the block device.</summary>
internal sealed class CowDevice
{
    private readonly CountedFile _base;
    private volatile DeviceTop _top;

    private readonly Lock _exchangeLock = new();
    private volatile bool _isEnding;
    private volatile MergeProgress? _merge;
    private readonly Lock _followUpLock = new();
    private Task _followUp = Task.CompletedTask;

    // What former tops were read and written.
    private long _formerReads;
    private long _formerWrites;
    private readonly TaskCompletionSource<Errno> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Lock _policyLock = new();
    private volatile SpacePolicy _policy;

    // Guards the next three, and freezing with them: who comes to depend on a device, whether a detach is being tried, and
    // whether the block device is gone.
    private readonly object _dependentsGate = new();
    private int _dependentCount;
    private bool _isLeaving;
    private bool _isGone;

    public CowDevice(
        int number,
        StackDevice disk,
        DeviceTop top,
        CountedFile baseFile,
        LoopAttachment attachment,
        CowDevice? lower,
        SpacePolicy policy)
    {
        Number = number;
        Disk = disk;
        Attachment = attachment;
        Lower = lower;
        _top = top;
        _base = baseFile;
        Space = new SpaceWatch(number, top.Files.Cowfile, top.File, Closed);
        _policy = policy;
        Check = new SpaceCheck(this);
    }

    /// <summary>Device number.</summary>
    public int Number { get; }

    /// <summary>The disk itself.</summary>
    public StackDevice Disk { get; }

    /// <summary>What takes its changes now.</summary>
    public DeviceTop Top => _top;

    public DeviceFiles Files => _top.Files;

    public Overlay Overlay => Disk.Top;

    /// <summary>True when its changes are kept in a cowfile.</summary>
    public bool HasCowfile => Files.Mode == DeviceMode.Writable;

    public LoopAttachment Attachment { get; }

    /// <summary>The device that is the base of this one, or null.</summary>
    public CowDevice? Lower { get; }

    /// <summary>Serialises what opens the block device: detaching and looking for partitions. So our own look is never the opener that makes it busy.</summary>
    public Lock OpenLock { get; } = new();

    /// <summary>False once the kernel has let go of the block device: its number may be somebody else's by now.</summary>
    public bool IsAttached => !Attachment.Released.IsCompleted;

    /// <summary>Number of devices that have this one as their base.</summary>
    public int DependentCount => Volatile.Read(ref _dependentCount);

    /// <summary>Space on the filesystem that holds the cowfile.</summary>
    public SpaceWatch Space { get; }

    /// <summary>What has changed there.</summary>
    public SpaceCheck Check { get; }

    /// <summary>How it behaves when that space runs short.</summary>
    public SpacePolicy Policy => _policy;

    public long BaseReads => _base.ReadCount;

    public long CowfileReads => Volatile.Read(ref _formerReads) + _top.Counted.ReadCount;

    public long CowfileWrites => Volatile.Read(ref _formerWrites) + _top.Counted.WriteCount;

    /// <summary>Bitmap length in KiB.</summary>
    public int BitmapBlocks => Overlay.Layout.BitmapBlockCount;

    /// <summary>Completes when the device is gone, with the result of closing its cowfile.</summary>
    public Task<Errno> Closed => _closed.Task;

    /// <summary>Changes how it behaves when space runs short. Changes that wait for space do what is said now.</summary>
    /// <exception cref="CowloopException">A setting makes no sense; nothing has changed.</exception>
    public void Configure(SettingsRequest settings)
    {
        if (settings.Hook is string hook)
        {
            SpacePolicy.RequireHook(hook);
        }
        lock (_policyLock)
        {
            _policy = _policy.With(settings);
            Attachment.SpaceWaitTime = _policy.OnFull.WaitTime;
        }
    }

    /// <summary>The device becomes the base of another one: it takes no changes until <see cref="RemoveDependent"/>.</summary>
    /// <returns>False when it is just being deactivated.</returns>
    public bool TryAddDependent()
    {
        lock (_dependentsGate)
        {
            if (_isLeaving || _isGone)
            {
                return false;
            }
            if (_dependentCount++ == 0)
            {
                Overlay.Freeze();
            }
            return true;
        }
    }

    public void RemoveDependent()
    {
        lock (_dependentsGate)
        {
            if (--_dependentCount == 0)
            {
                Overlay.Thaw();
                Monitor.PulseAll(_dependentsGate);
            }
        }
    }

    /// <summary>Makes the cowfile durable and clean; nothing to do once the device is closed.</summary>
    public Errno Clean()
    {
        lock (OpenLock)
        {
            return Closed.IsCompleted ? Errno.None : Overlay.Clean();
        }
    }

    /// <summary>Another top does the requests from now on. Under <see cref="OpenLock"/>.</summary>
    public void Follow(DeviceTop top)
    {
        DeviceTop former = _top;
        Interlocked.Add(ref _formerReads, former.Counted.ReadCount);
        Interlocked.Add(ref _formerWrites, former.Counted.WriteCount);
        _top = top;
        Space.Follow(top.Files.Cowfile, top.File);
    }

    /// <summary>The same top, and other layers below it, through which the same is read. Under <see cref="OpenLock"/>.</summary>
    public void Rename(DeviceFiles files) => _top = _top with { Files = files };

    /// <summary>True when the block device is gone and the files are about to be closed.</summary>
    public bool IsEnding => _isEnding;

    /// <summary>How far the merge of its layers is; null when none goes on.</summary>
    public MergeProgress? Merge
    {
        get => _merge;
        set => _merge = value;
    }

    /// <summary>Does work on the layers, which nothing else may exchange meanwhile; ends it early when the device goes.</summary>
    /// <param name="work">The work; it ends early when <see cref="IsEnding"/>.</param>
    /// <exception cref="CowloopException">Something like that is being done, or the device has gone.</exception>
    public T Exclusively<T>(Func<T> work)
    {
        if (!_exchangeLock.TryEnter())
        {
            throw new CowloopException(Errno.EBUSY, $"the layers of cowdevice {Number} are just being changed", "wait until that is done");
        }
        try
        {
            return _isEnding
                ? throw new CowloopException(Errno.ENODEV, $"cowdevice {Number} has just been deactivated")
                : work();
        }
        finally
        {
            _exchangeLock.Exit();
        }
    }

    /// <summary>
    /// Does what is left of an exchange when requests that began before it have ended, which may take as long as a file does not answer. One after the other.
    /// </summary>
    public void FollowUp(Action work)
    {
        lock (_followUpLock)
        {
            _followUp = _followUp.ContinueWith(_ => Try(work), TaskScheduler.Default);
        }

        void Try(Action action)
        {
            try
            {
                action();
            }
            catch (CowloopException exception)
            {
                ServiceLog.Error($"cowdevice {Number}: its layers could not be put in order, and it goes on without that: {exception.Message}");
            }
        }
    }

    /// <summary>Waits until what was left of exchanges is done.</summary>
    /// <returns>False when the time was too short.</returns>
    public bool TryFinishFollowUps(TimeSpan maxTime)
    {
        Task last;
        lock (_followUpLock)
        {
            last = _followUp;
        }
        return last.Wait(maxTime);
    }

    /// <summary>The former top, as long as its cowfile could not be sealed; or null. Under <see cref="OpenLock"/>.</summary>
    public DeviceTop? Unsealed { get; set; }

    /// <summary>Refuses what needs layers that nothing changes any more.</summary>
    /// <exception cref="CowloopException">A snapshot is not complete.</exception>
    public void RequireSealed()
    {
        if (Unsealed is DeviceTop former)
        {
            throw new CowloopException(
                Errno.EBUSY,
                $"cowfile {former.Files.Cowfile}, the topmost layer of cowdevice {Number}, could not be sealed yet",
                "make space where it lies, and try again in a moment")
            {
                Path = former.Files.CowfilePath,
            };
        }
    }

    /// <summary>Refuses what only a device with a cowfile can do.</summary>
    /// <exception cref="CowloopException">It has none.</exception>
    public void RequireCowfile()
    {
        if (!HasCowfile)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowdevice {Number} is {(Files.Mode == DeviceMode.Volatile ? "volatile" : "read-only")}: it has no cowfile",
                "a device with one is made by: cowloop attach BASE COWFILE");
        }
    }

    /// <summary>Refuses what writes to a cowfile that is not to be written to any more. Under <see cref="OpenLock"/>.</summary>
    /// <exception cref="CowloopException">The device is gone, its cowfile was reopened or closed, or could not be made durable.</exception>
    public void RequireWritable()
    {
        if (Closed.IsCompleted)
        {
            throw new CowloopException(Errno.ENODEV, $"cowdevice {Number} has just been deactivated");
        }
        if (Overlay.Access != CowfileAccess.ReadWrite)
        {
            throw new CowloopException(
                Errno.EROFS,
                $"cowfile {Files.Cowfile} of cowdevice {Number} is not open for writing any more",
                "deactivate the device and activate it again")
            {
                Path = Files.CowfilePath,
            };
        }
        if (Overlay.Failure != Errno.None)
        {
            throw new CowloopException(
                Errno.EROFS,
                $"cowdevice {Number} takes no more changes: cowfile {Files.Cowfile} could not be made durable: {Overlay.Failure.Text()}",
                $"deactivate it, then run: cowrepair {ShellWord.ForPath(Files.CowfilePath)}")
            {
                Path = Files.CowfilePath,
            };
        }
    }

    /// <summary>Makes more room for the changes, whoever uses the device.</summary>
    /// <exception cref="CowloopException">It can't be done; nothing has changed.</exception>
    public StoreSize Grow(StoreGrowth growth)
    {
        lock (OpenLock)
        {
            RequireWritable();
            return growth.Apply(_top.File, Files.CowfilePath);
        }
    }

    /// <summary>Makes the cowfile clean and gives access to it up, whoever uses the device (specification 4.12).</summary>
    /// <returns>The error of cleaning; then nothing has changed.</returns>
    /// <exception cref="CowloopException">It is no step down, or the file can't be reopened; nothing has changed.</exception>
    public Errno Restrict(CowfileAccess access)
    {
        RequireCowfile();
        lock (OpenLock)
        {
            if (Closed.IsCompleted)
            {
                throw new CowloopException(Errno.ENODEV, $"cowdevice {Number} has just been deactivated");
            }
            CowfileAccess before = Overlay.Access;
            if (access <= before && access != CowfileAccess.Closed)
            {
                string state = before switch
                {
                    CowfileAccess.ReadWrite => "open read-write",
                    CowfileAccess.ReadOnly => "open read-only",
                    _ => "closed",
                };
                throw new CowloopException(
                    Errno.EINVAL,
                    $"cowfile {Files.Cowfile} of cowdevice {Number} is {state} already",
                    "access can only become less; for read-write deactivate the device and activate it again");
            }
            if (access != CowfileAccess.Closed)
            {
                return Overlay.Restrict(access, () =>
                {
                    Replace(_top.File.File.TryReopenReadOnly);
                    _top.LiveBits?.Discard();
                });
            }
            Space.Stop();
            try
            {
                return Overlay.Restrict(access, () =>
                {
                    // It is clean already, and somebody else's as soon as it is let go.
                    _top.LiveBits?.Discard();
                    Replace(_top.File.File.TryLetGo);
                });
            }
            finally
            {
                if (Overlay.Access != CowfileAccess.Closed)
                {
                    Space.Resume();
                }
            }
        }
    }

    /// <summary>Takes the block device away unless it is in use.</summary>
    public Errno TryDetach() => Leave(Attachment.TryDetach);

    /// <summary>Lets the block device go with its last user; at once when there is none.</summary>
    public Errno DetachOnLastClose() => Leave(() =>
    {
        Errno errno = Attachment.Loop.DetachOnLastClose();
        // Gone already, and its release is on the way.
        return errno == Errno.ENXIO ? Errno.None : errno;
    });

    /// <summary>
    /// Closes the files. To be called once, after the block device is gone. If somebody else took it away, other devices may still
    /// read through this one: waits until they have ended.
    /// </summary>
    /// <param name="release">Frees what the device holds elsewhere, before anybody who waits hears of it.</param>
    public void Close(Action release)
    {
        lock (_dependentsGate)
        {
            _isGone = true;
            while (_dependentCount > 0)
            {
                Monitor.Wait(_dependentsGate);
            }
        }
        // Who works on the layers ends, and nobody begins.
        _isEnding = true;
        lock (_exchangeLock)
        {
        }
        lock (OpenLock)
        {
            Errno errno = Errno.EIO;
            try
            {
                Space.Stop();
                _followUp.Wait();
                errno = Disk.Close(() =>
                {
                    _top.LiveBits?.Discard();
                    Unsealed?.LiveBits?.Discard();
                });
                Lower?.RemoveDependent();
                release();
            }
            finally
            {
                _closed.SetResult(errno);
            }
        }
    }

    private void Replace(Func<Errno> replace)
    {
        Errno errno = replace();
        if (errno != Errno.None)
        {
            throw new CowloopException(Errno.EINVAL, $"failed to reopen cowfile {Files.Cowfile}: {errno.Text()}") { Path = Files.CowfilePath };
        }
    }

    /// <summary>No device may come to depend on one that is going.</summary>
    private Errno Leave(Func<Errno> detach)
    {
        lock (OpenLock)
        {
            if (Closed.IsCompleted)
            {
                return Errno.None;
            }
            lock (_dependentsGate)
            {
                if (_dependentCount > 0)
                {
                    return Errno.EBUSY;
                }
                _isLeaving = true;
            }
            Errno errno = detach();
            if (errno != Errno.None)
            {
                lock (_dependentsGate)
                {
                    _isLeaving = false;
                }
            }
            return errno;
        }
    }

    /// <summary>Sees whether the first sector ends as one with a partition table does, without opening the block device.</summary>
    public bool MayHavePartitionTable()
    {
        Span<byte> sector = stackalloc byte[512];
        return Disk.Info.LengthBytes >= CowLayout.BlockSize
            && Disk.Read(0, sector) == Errno.None
            && sector[510] == 0x55
            && sector[511] == 0xAA;
    }
}
