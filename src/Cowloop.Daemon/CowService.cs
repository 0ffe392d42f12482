using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Daemon;

/// <summary>
/// The service: what the control API, signals and the load parameters ask for. Devices end by themselves when the kernel
/// lets go of them, whoever caused it; everything that detaches only causes that.
/// </summary>
internal sealed partial class CowService : IDisposable
{
    // A device manager or a probe opens a block device for moments after every change; a user's own use does not pass so fast.
    private static readonly TimeSpan BusyRetryTime = TimeSpan.FromMilliseconds(20);
    private const int BusyRetries = 25;
    private static readonly TimeSpan FailedActivationTime = TimeSpan.FromSeconds(10);

    private readonly CowloopPaths _paths;
    private readonly SavedDevices _saved;
    private readonly IReadOnlyList<SavedDevice> _leftDevices;
    private readonly UnrecoveredDevices _unrecovered;
    private readonly DeadDevices _dead;
    private readonly DeviceTable _table;
    private readonly NodeDirectory _nodes;
    private readonly DeviceOpeners _openers;
    private readonly StatusView _status;
    private readonly LoopTransport _transport;
    private readonly PartitionWatcher _watcher;
    private readonly CowfileExchange _exchange;
    private readonly LiveLayerMerge _merge;
    private readonly DeviceActivation _activation;
    private readonly SpaceMonitor _monitor;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isDraining;

    /// <summary>Sets everything up, and clears out what a service that died has left; no device is active yet.</summary>
    /// <param name="paths">Where things are; locked by the caller.</param>
    /// <param name="maxDevices">Most devices at once; more when those of a killed service need it.</param>
    /// <exception cref="CowloopException">The kernel refuses something that is needed.</exception>
    public CowService(CowloopPaths paths, int maxDevices)
    {
        _paths = paths;
        _saved = new SavedDevices(paths.SavedDevices, HostProcess.BootId());
        _leftDevices = _saved.Load();
        _unrecovered = new UnrecoveredDevices(paths);
        _openers = new DeviceOpeners(paths.DeviceDirectory);
        _dead = new DeadDevices(paths, _openers);
        _table = new DeviceTable(_leftDevices.Select(device => device.Number + 1).Append(maxDevices).Max());
        _transport = new LoopTransport(ServiceLog.Error);
        _nodes = new NodeDirectory(paths);
        _status = new StatusView(paths, _table, _nodes, _openers);
        _watcher = new PartitionWatcher(_table, _nodes, paths.DeviceDirectory);
        LiveDirectory? live = LiveDirectory.TryMake(out string why);
        if (live is null)
        {
            ServiceLog.Warning($"no place for live bits, so every new block is made durable before it is acknowledged, which is slow ({why})");
        }
        var tops = new TopOpener(_table, live, _dead);
        _exchange = new CowfileExchange(tops, _saved);
        _merge = new LiveLayerMerge(_saved);
        _activation = new DeviceActivation(_table, _transport, paths, tops, _unrecovered, _dead);
        Events = new ServiceEvents(_status.DescribeSpaces);
        _monitor = new SpaceMonitor(_table, Events, _status.DescribeSpace);
    }

    /// <summary>What happens to devices.</summary>
    public ServiceEvents Events { get; }

    /// <summary>Completes when the service is to end: no device is left after <see cref="Drain"/> or <see cref="Unload"/>.</summary>
    public Task Ended => _drained.Task;

    public ServiceStatus Describe() =>
        new(
            ProgramVersion.Text,
            Environment.ProcessId,
            _table.Capacity,
            _isDraining,
            _status.DescribeAll(),
            _unrecovered.DescribeAll(),
            _dead.DescribeUses(_table.IsActive));

    public DeviceStatus Describe(int number) => _status.Describe(_table.Get(number));

    /// <summary>Activates a device.</summary>
    /// <exception cref="CowloopException">Refused; nothing is left behind.</exception>
    public AttachReply Attach(AttachRequest request)
    {
        if (_unrecovered.FindFormer(request) is SavedDevice former)
        {
            // Its cowfile is that of a device that could not be recovered: now it is.
            request = request with
            {
                Number = request.Number ?? former.Number,
                Settings = former.ToSettings(request.Settings),
            };
        }
        try
        {
            return Attach(request, null);
        }
        catch (CowloopException exception)
        {
            ServiceLog.Error(exception.Message);
            EndIfDrained();
            throw;
        }
    }

    /// <summary>Deactivates a device; its cowfile is clean and durable on return.</summary>
    /// <exception cref="CowloopException">Not active, in use, or the cowfile could not be made clean.</exception>
    /// <remarks>A device that could not be recovered is forgotten; its cowfile stays as it is.</remarks>
    public void Detach(int number)
    {
        if (_unrecovered.TryForget(number))
        {
            _saved.Remove(number);
            ServiceLog.Notice($"cowdevice {number} forgotten: it will not be recovered");
            return;
        }
        Detach(_table.Get(number));
    }

    /// <summary>Changes how a device behaves when space runs short.</summary>
    /// <exception cref="CowloopException">Not active, or a setting makes no sense.</exception>
    public DeviceStatus Configure(int number, SettingsRequest settings)
    {
        CowDevice device = _table.Get(number);
        device.Configure(settings);
        SaveChange(device, saved => saved with { Settings = device.Policy.Settings });
        _monitor.Check(device);
        return _status.Describe(device);
    }

    /// <summary>Makes more room for the changes of a device. Those that wait for space are tried again soon.</summary>
    /// <exception cref="CowloopException">Not active, or it can't be done; nothing has changed.</exception>
    public GrowReply Grow(int number, GrowRequest request)
    {
        StoreGrowth growth = GrowthRequest.Read(request);
        CowDevice device = GetWithCowfile(number);
        StoreSize size = device.Grow(growth);
        _monitor.Check(device);
        string path = device.Files.CowfilePath;
        bool isOnDevice = device.Files.CowfileIdentity.Kind == FileKind.BlockDevice;
        string limit = size.Bytes is long bytes ? HumanSize.Format(bytes) : "no limit";
        ServiceLog.Notice($"cowfile {path} of cowdevice {number} has {limit} {(isOnDevice ? "on its block device" : "for its file")}");
        return new GrowReply(path, _paths.Node(number), isOnDevice, size.FormerBytes, size.Bytes, device.Space.Look());
    }

    /// <summary>Makes all cowfiles durable and clean.</summary>
    /// <exception cref="CowloopException">One of them can't be; the others are.</exception>
    public void Sync()
    {
        CowloopException? first = null;
        foreach (CowDevice device in _table.List())
        {
            Errno errno = device.Clean();
            if (errno != Errno.None)
            {
                first ??= NotClean(device, errno);
            }
        }
        if (first is not null)
        {
            throw first;
        }
    }

    /// <summary>Makes the cowfile of a device clean and leaves less access to it, whether or not the device is in use.</summary>
    /// <exception cref="CowloopException">Not active, no less than before, or the cowfile could not be made clean or reopened; nothing has changed.</exception>
    public void Restrict(int number, CowfileAccess access)
    {
        // JSON's reader takes a list of words for their sum.
        if (!Enum.IsDefined(access))
        {
            throw new CowloopException(Errno.EINVAL, "no such access to a cowfile", "access is readOnly or closed");
        }
        CowDevice device = GetWithCowfile(number);
        CowfileAccess before = device.Overlay.Access;
        // First: what is given away must not be taken again, whenever this service is killed.
        SaveChange(device, saved => saved with { Access = access });
        try
        {
            Restrict(device, access);
        }
        catch
        {
            SaveChange(device, saved => saved with { Access = before });
            throw;
        }
        ServiceLog.Notice($"cowfile {device.Files.CowfilePath} of cowdevice {number} {(access == CowfileAccess.Closed ? "closed" : "reopened read-only")}");
    }

    /// <summary>The space for the cowfile of a device.</summary>
    /// <exception cref="CowloopException">Not active, or the filesystem does not tell.</exception>
    public CowfileSpace GetSpace(int number) => GetWithCowfile(number).Space.Look();

    /// <summary>The same as soon as no more than the threshold is available, or when the device is deactivated.</summary>
    /// <exception cref="CowloopException">Not active, somebody waits already, or the filesystem does not tell.</exception>
    public Task<CowfileSpace> WaitForSpaceAsync(int number, ulong thresholdKiB, CancellationToken cancellation) =>
        GetWithCowfile(number).Space.WaitAsync(thresholdKiB, cancellation);

    /// <summary>Deactivates all devices and ends the service, unless one is in use: then nothing is deactivated.</summary>
    /// <exception cref="CowloopException">Names the devices in use.</exception>
    public void Unload()
    {
        _table.Close();
        try
        {
            IReadOnlyList<CowDevice> devices = _table.List();
            DeviceUsers users = LookAtUsers();
            string[] inUse = [.. devices
                .Where(device => device.IsAttached)
                .Select(device => (device.Number, by: DescribeUse(device, users)))
                .Where(pair => pair.by is not null)
                .Select(pair => $"{_paths.Node(pair.Number)} is {pair.by}")];
            if (inUse.Length > 0)
            {
                throw new CowloopException(Errno.EBUSY, string.Join("; ", inUse), "unmount or close it, or wait for that with cowloop unload --wait");
            }
            // A device that is another one's base goes after it.
            foreach (CowDevice device in devices.OrderByDescending(Depth))
            {
                Detach(device);
            }
            if (!_table.IsEmpty)
            {
                throw new CowloopException(Errno.EBUSY, "a device is just being activated", "try again");
            }
        }
        catch
        {
            _table.Reopen();
            throw;
        }
        _drained.TrySetResult();
    }

    /// <summary>Takes no new devices, flushes all, deactivates each as soon as nobody uses it, and ends the service with the last.</summary>
    public void Drain()
    {
        _table.Close();
        _isDraining = true;
        foreach (CowDevice device in _table.List())
        {
            Errno errno = device.Clean();
            if (errno != Errno.None)
            {
                ServiceLog.Error(NotClean(device, errno).Message);
            }
            DetachWhenUnused(device);
        }
        EndIfDrained();
    }

    /// <summary>Ends everything; all devices are gone already.</summary>
    public void Dispose()
    {
        _watcher.Dispose();
        _monitor.Dispose();
        _status.Dispose();
        _transport.Dispose();
    }

    private CowDevice GetWithCowfile(int number)
    {
        CowDevice device = _table.Get(number);
        device.RequireCowfile();
        return device;
    }

    private AttachReply Attach(AttachRequest request, SavedDevice? former)
    {
        CowDevice device = _activation.Activate(request, former, out IReadOnlyList<string> warnings);
        try
        {
            if (former is { Access: CowfileAccess.ReadOnly, Mode: DeviceMode.Writable })
            {
                Restrict(device, CowfileAccess.ReadOnly);
            }
            if (device.Files.Mode != DeviceMode.Volatile && _saved.TryWrite(SavedDevice.Of(device, request.Directory)) is string why)
            {
                warnings = [.. warnings, NotSaved(device.Number, why)];
            }
            _nodes.Update(device);
            _status.Add(device);
            _table.Publish(device);
        }
        catch
        {
            // While it is locked: later it could be somebody else's.
            if (device.Files.IsNewCowfile)
            {
                _ = PosixFile.Unlink(device.Files.CowfilePath);
            }
            Task closing = CloseWhenReleasedAsync(device);
            if (device.DetachOnLastClose() == Errno.None)
            {
                closing.Wait(FailedActivationTime);
            }
            throw;
        }
        foreach (string warning in warnings)
        {
            ServiceLog.Warning(warning);
        }
        foreach (int replaced in _unrecovered.Replace(device))
        {
            _saved.Remove(replaced);
        }
        _monitor.Add(device);
        Publish(ServiceEvents.Attached, device);
        // However it ends, it ends in one way: when the kernel lets go of it.
        _ = CloseWhenReleasedAsync(device);
        if (_isDraining)
        {
            DetachWhenUnused(device);
        }
        DeviceFiles files = device.Files;
        string done = former is null ? "activated" : "recovered";
        string with = files.Mode switch
        {
            DeviceMode.Volatile => "volatile changes",
            DeviceMode.ReadOnly => "no changes",
            _ => files.CowfilePath,
        };
        string layers = string.Concat(files.Layers.Select(layer => $"{layer.Path}, "));
        ServiceLog.Notice($"cowdevice {device.Number} {done}: {files.BasePath} with {layers}{with} as {device.Attachment.Loop.KernelName}");
        return new AttachReply(_status.DescribeNew(device), warnings);
    }

    private static void Restrict(CowDevice device, CowfileAccess access)
    {
        Errno errno = device.Restrict(access);
        if (errno != Errno.None)
        {
            throw NotClean(device, errno);
        }
    }

    private DeviceUsers LookAtUsers() => new(_openers);

    private static string? DescribeUse(CowDevice device, DeviceUsers users)
    {
        string? user = users.Describe(device.Attachment.Loop.Number);
        int waitingCount = device.Attachment.Shortage.WaitingCount;
        return waitingCount == 0 ? user : $"{user ?? "open"}, and {waitingCount} of its changes wait for space";
    }

    private static int Depth(CowDevice device) => device.Lower is null ? 0 : 1 + Depth(device.Lower);

    private void Detach(CowDevice device)
    {
        if (device.DependentCount > 0)
        {
            string users = string.Join(", ", _table.List().Where(other => other.Lower == device).Select(other => other.Number));
            throw new CowloopException(Errno.EBUSY, $"cowdevice {device.Number} is the rdofile of cowdevice {users}", "deactivate that one first");
        }
        DeviceNumber number = device.Attachment.Loop.Number;
        Errno errno = device.TryDetach();
        for (int retry = 0; errno == Errno.EBUSY && retry < BusyRetries && !LookAtUsers().IsHeld(number); retry++)
        {
            Thread.Sleep(BusyRetryTime);
            errno = device.TryDetach();
        }
        if (errno == Errno.EBUSY)
        {
            throw new CowloopException(
                Errno.EBUSY,
                $"cowdevice {device.Number} is {DescribeUse(device, LookAtUsers()) ?? "open"}",
                device.Attachment.Shortage.WaitingCount == 0
                    ? "unmount it, or close what has it open, and try again"
                    : $"make space, or let them fail: cowloop set {_paths.Node(device.Number)} --on-full error");
        }
        if (errno != Errno.None)
        {
            throw new CowloopException(errno, $"cowdevice {device.Number} cannot be detached: {errno.Text()}");
        }
        errno = device.Closed.GetAwaiter().GetResult();
        if (errno != Errno.None)
        {
            throw NotClean(device, errno);
        }
    }

    /// <summary>It goes with its last user; who waits for its space could wait for ever, and it with him.</summary>
    private static void DetachWhenUnused(CowDevice device)
    {
        device.Configure(new SettingsRequest(OnFull: OnFull.Error.ToString()));
        Errno errno = device.DetachOnLastClose();
        // A device that others depend on goes after them.
        if (errno is not (Errno.None or Errno.EBUSY))
        {
            ServiceLog.Error($"cowdevice {device.Number} cannot be detached: {errno.Text()}");
        }
    }

    private async Task CloseWhenReleasedAsync(CowDevice device)
    {
        await device.Attachment.Released.ConfigureAwait(false);
        Close(device);
    }

    /// <summary>The kernel has let go of the block device.</summary>
    private void Close(CowDevice device)
    {
        try
        {
            device.Close(release: () => Forget(device));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            ServiceLog.Error($"cowdevice {device.Number} leaves something behind: {exception.Message}");
        }
        Errno errno = device.Closed.Result;
        if (errno == Errno.None)
        {
            ServiceLog.Notice($"cowdevice {device.Number} deactivated");
        }
        else
        {
            ServiceLog.Error(NotClean(device, errno).Message);
        }
        if (_isDraining && device.Lower is CowDevice lower)
        {
            DetachWhenUnused(lower);
        }
        EndIfDrained();
    }

    private void Forget(CowDevice device)
    {
        Publish(ServiceEvents.Detached, device);
        try
        {
            _status.Remove(device);
            _nodes.Remove(device);
        }
        finally
        {
            _saved.Remove(device.Number);
            _table.Release(device.Number);
        }
    }

    private void Publish(string name, CowDevice device) =>
        Events.Publish(new ServiceEvent(name, DateTime.UtcNow, null, [_status.DescribeSpace(device)]));

    private void EndIfDrained()
    {
        if (_isDraining && _table.IsEmpty)
        {
            _drained.TrySetResult();
        }
    }

    private static CowloopException NotClean(CowDevice device, Errno errno) => new(
        errno,
        $"cowfile {device.Files.Cowfile} could not be made clean: {errno.Text()}",
        $"it keeps everything that was flushed before; run: cowrepair {ShellWord.ForPath(device.Files.CowfilePath)}")
    {
        Path = device.Files.CowfilePath,
    };
}
