using Cowloop.Core;
using Cowloop.Linux;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse;

/// <summary>A mounted flat tree with its workers.</summary>
public sealed class FuseConnection : IDisposable
{
    // Two per CPU keep the CPUs busy while others wait for the disk; more bring nothing with a warm cache.
    // When devices wait for each other, each of them has one for certain, and one is left to take requests and park them.
    private const int MostDevices = 1022;
    private static readonly int MinWorkers = Math.Clamp(2 * Environment.ProcessorCount, 4, 32);
    private static readonly FuseWorkerPool.Bounds DataBounds = new(MinWorkers, SharedWorkers.DefaultCount + MostDevices + 1, LockedBuffers: MinWorkers);
    private static readonly FuseWorkerPool.Bounds TextBounds = new(1, 4);

    private readonly FuseDevice _device;
    private readonly FuseWorkerPool _pool;
    private readonly SafeFileHandle? _detachedMount;
    private readonly string? _path;
    private FuseGuard? _guard;

    private FuseConnection(FuseDevice device, FlatTree tree, FuseWorkerPool.Bounds bounds, Action<string> log, SafeFileHandle? detachedMount, string? path)
    {
        _device = device;
        _detachedMount = detachedMount;
        _path = path;
        _pool = new FuseWorkerPool(device, new FuseDispatcher(tree), bounds, log);
    }

    /// <summary>Mounts device files where only <see cref="Open"/> reaches them.</summary>
    /// <param name="tree">The files.</param>
    /// <param name="log">Takes what has no request to answer; called by any thread.</param>
    /// <exception cref="CowloopException">FUSE can't be had.</exception>
    public static FuseConnection MountDetached(FlatTree tree, Action<string> log)
    {
        FuseDevice device = FuseDevice.Open();
        try
        {
            SafeFileHandle mount = Mounts.MountFuseDetached(device.Handle, FuseDispatcher.MaxTransferBytes);
            return new FuseConnection(device, tree, DataBounds, log, mount, null) { _guard = TryGuard(mount, log) };
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Mounts text files where everybody can read them.</summary>
    /// <param name="tree">The files.</param>
    /// <param name="path">An existing directory.</param>
    /// <param name="log">As for <see cref="MountDetached"/>.</param>
    /// <exception cref="CowloopException">FUSE can't be had.</exception>
    public static FuseConnection MountReadable(FlatTree tree, string path, Action<string> log)
    {
        FuseDevice device = FuseDevice.Open();
        try
        {
            Mounts.MountFuseReadOnly(device.Handle, path, "cowloop");
            return new FuseConnection(device, tree, TextBounds, log, null, path);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file of a detached mount.</summary>
    /// <exception cref="CowloopException">There is no such file, or this mount has a path.</exception>
    public SafeFileHandle Open(string name) => Mounts.OpenBelow(
        _detachedMount ?? throw new InvalidOperationException("only a detached mount is opened by name"),
        name);

    /// <summary>Unmounts and ends the workers. No file may be open any more.</summary>
    public void Dispose()
    {
        // First, for its thread has the mount open too.
        _guard?.Dispose();
        _detachedMount?.Dispose();
        if (_path is not null)
        {
            _ = Mounts.Detach(_path);
        }
        _pool.Dispose();
        _device.Dispose();
    }

    private static FuseGuard? TryGuard(SafeFileHandle mount, Action<string> log)
    {
        try
        {
            return FuseGuard.Start(mount);
        }
        catch (CowloopException exception)
        {
            log($"if this process is killed, devices may hang instead of failing: {exception.Message}");
            return null;
        }
    }
}
