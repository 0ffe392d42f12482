using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Linux;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse;

/// <summary>Makes block devices: each overlay is a file of one shared FUSE connection, with a loop device on top. Works on every kernel.</summary>
public sealed class LoopTransport : IDisposable
{
    private readonly FlatTree _tree = new();
    private readonly SharedWorkers _shared = new(SharedWorkers.DefaultCount);
    private readonly FuseConnection _connection;

    /// <summary>Mounts the connection.</summary>
    /// <param name="log">Takes what has no request to answer; called by any thread.</param>
    /// <exception cref="CowloopException">FUSE can't be had.</exception>
    public LoopTransport(Action<string> log) => _connection = FuseConnection.MountDetached(_tree, log);

    /// <summary>Makes a block device.</summary>
    /// <param name="name">Unique name among the attached ones; losetup shows it as the file.</param>
    /// <param name="label">What the loop device says of itself; see <see cref="LoopDevice.Attach"/>.</param>
    /// <param name="device">The overlay; must live until <see cref="LoopAttachment.Released"/>.</param>
    /// <param name="spaceWaitTime">As <see cref="LoopAttachment.SpaceWaitTime"/>.</param>
    /// <param name="isReadOnly">True: nobody can write to the block device.</param>
    /// <exception cref="CowloopException">There is no loop device to be had; nothing is left behind.</exception>
    public LoopAttachment Attach(string name, string label, IBlockDevice device, TimeSpan spaceWaitTime = default, bool isReadOnly = false)
    {
        var file = new DiskFile(device, _shared);
        file.Lane.Space.WaitTime = spaceWaitTime;
        _tree.Add(name, file);
        try
        {
            using SafeFileHandle handle = _connection.Open(name);
            var loop = LoopDevice.Attach(handle, device.Info.SectorSize, label, isReadOnly);
            return new LoopAttachment(loop, RemoveWhenReleasedAsync(name, file), file.Lane.Space);
        }
        catch
        {
            // The failed handle's release is on its way; the file must not be found by name again in any case.
            _tree.Remove(name);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connection.Dispose();

    private async Task RemoveWhenReleasedAsync(string name, DiskFile file)
    {
        await file.Released.ConfigureAwait(false);
        _tree.Remove(name);
    }
}

/// <summary>An attached block device.</summary>
public sealed class LoopAttachment
{
    private static readonly TimeSpan ReleaseTime = TimeSpan.FromSeconds(30);

    private readonly SpaceQueue _space;

    internal LoopAttachment(LoopDevice loop, Task released, SpaceQueue space)
    {
        Loop = loop;
        Released = released;
        _space = space;
    }

    /// <summary>The loop device.</summary>
    public LoopDevice Loop { get; }

    /// <summary>Completes when the kernel has let go of the device, whoever asked for it. No request comes after it, and its name is free.</summary>
    public Task Released { get; }

    /// <summary>
    /// How long a change that finds no space waits for it before it fails. <see cref="TimeSpan.Zero"/>: not at all.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: without an end. A change of this applies to those that wait already, soon.
    /// </summary>
    public TimeSpan SpaceWaitTime
    {
        get => _space.WaitTime;
        set => _space.WaitTime = value;
    }

    /// <summary>What the device's requests have met of full disks.</summary>
    public SpaceShortage Shortage => _space.Shortage;

    /// <summary>Takes the block device away unless it is in use, and waits until no request can come any more.</summary>
    /// <returns><see cref="Errno.EBUSY"/> when it is in use; then nothing has changed.</returns>
    public Errno TryDetach()
    {
        // Not even tried: a detach that is taken back waits for all requests of the device, and lets no read begin meanwhile.
        if (!_space.IsEmpty)
        {
            return Errno.EBUSY;
        }
        Errno errno = Loop.TryDetach();
        // ENXIO: somebody took the loop device away behind our back, and its release is on the way.
        if (errno is not (Errno.None or Errno.ENXIO))
        {
            return errno;
        }
        return Released.Wait(ReleaseTime) ? Errno.None : Errno.EBUSY;
    }
}
