using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Layers;
using Cowloop.Core.Live;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Model;
using Cowloop.Simulation.Scheduling;

namespace Cowloop.Simulation.Exploring;

/// <summary>
/// A base, its cowfile and the device made of them: does operations with the real engine and records what happens to the files. Writes, zeroes,
/// discards, flushes and cleanings of an active device may be done by several threads at a time.
/// </summary>
internal sealed class World : IDisposable
{
    private const int MaxLayers = 3;

    private readonly Geometry _geometry;
    private readonly Plant _plant;
    private readonly int _liveWriteCount;
    private readonly Scheduler _scheduler = new();
    private readonly List<Life> _lives = [];
    private readonly int[] _versions;
    private int _lastId;
    private WorldFile _base;
    private WorldFile _cowfile;
    private WorldFile? _live;
    private readonly List<WorldFile> _layers = [];
    private readonly List<Action> _followUps = [];
    private int _cowfileCount;
    private bool _isExchanging;
    private Cowfile? _open;
    private BaseImage? _below;
    private StackDevice? _device;
    private Death? _death;

    /// <param name="geometry">How large everything is.</param>
    /// <param name="liveWriteCount">How many writes of live bits find space on the tmpfs.</param>
    /// <param name="plant">A bug, or null.</param>
    public World(Geometry geometry, int liveWriteCount, Plant? plant)
    {
        _geometry = geometry;
        _liveWriteCount = liveWriteCount;
        _plant = plant ?? ((_, file, _) => file);
        _versions = new int[geometry.UnitCount];
        Begin(geometry.NewBase(), Geometry.NewFile(), []);
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>What has happened, from loss of power to loss of power.</summary>
    public IReadOnlyList<Life> Lives => _lives;

    private Life Life => _lives[^1];

    /// <summary>Does operations one after the other.</summary>
    /// <exception cref="ViolationException">One is not done as it must be.</exception>
    public void Do(IEnumerable<Operation> operations)
    {
        foreach (Operation operation in operations)
        {
            Life.OperationStarts.Add(Life.Log.Count);
            Do(operation);
            Look();
        }
    }

    /// <summary>Does lists of operations at the same time, on a device that is active.</summary>
    /// <param name="lists">Writes, zeroes, discards, flushes and cleanings.</param>
    /// <param name="schedule">Decides who goes on.</param>
    /// <exception cref="ViolationException">One is not done as it must be.</exception>
    public void DoTogether(IReadOnlyList<IReadOnlyList<Operation>> lists, Schedule schedule)
    {
        Active();
        Life.OperationStarts.Add(Life.Log.Count);
        var actions = new List<Action>();
        foreach (IReadOnlyList<Operation> list in lists)
        {
            actions.Add(() =>
            {
                foreach (Operation operation in list)
                {
                    Do(operation);
                }
            });
        }
        _scheduler.Run(actions, schedule);
        Look();
    }

    /// <summary>Drops the device as it is.</summary>
    public void Dispose()
    {
        _device?.Dispose();
        _device = null;
        _open = null;
        _followUps.Clear();
    }

    private void Do(Operation operation)
    {
        _scheduler.SwitchPoint();
        if (operation.HasRange)
        {
            Change(operation);
            return;
        }
        switch (operation.Kind)
        {
            case OperationKind.Flush:
                Flush(() => Active().Flush());
                break;
            case OperationKind.Clean:
                Flush(() => Active().Top.Clean());
                break;
            case OperationKind.Activate:
                Active();
                break;
            case OperationKind.Deactivate:
                Deactivate();
                break;
            case OperationKind.Kill:
                Die(Death.Service);
                break;
            case OperationKind.PowerLoss:
                LosePower(operation.Sector);
                break;
            case OperationKind.Repair:
                Deactivate();
                Repair();
                break;
            case OperationKind.Pack:
                Pack();
                break;
            case OperationKind.Snapshot:
                Snapshot(Active());
                break;
            case OperationKind.Rollback:
                Rollback(Active());
                break;
            default:
                Merge();
                break;
        }
    }

    private void Change(Operation operation)
    {
        StackDevice device = Active();
        int unit = _geometry.UnitOf(operation.Sector);
        ulong[] stamps = new ulong[operation.SectorCount];
        if (operation.Kind is OperationKind.Write or OperationKind.WriteFua)
        {
            for (int index = 0; index < stamps.Length; index++)
            {
                stamps[index] = Geometry.StampOf(unit + index, Interlocked.Increment(ref _versions[unit + index]));
            }
        }
        int id = Interlocked.Increment(ref _lastId);
        if (operation.IsFua)
        {
            Mark(new DeviceEvent.FlushBegan(id));
        }
        Mark(new DeviceEvent.WriteBegan(id, unit, stamps));
        long offsetBytes = (long)operation.Sector * UnsettledFile.SectorBytes;
        long lengthBytes = (long)operation.SectorCount * UnsettledFile.SectorBytes;
        Errno errno = operation.Kind switch
        {
            OperationKind.Write or OperationKind.WriteFua => device.Write(offsetBytes, Geometry.Fill(stamps), operation.IsFua),
            OperationKind.Zero or OperationKind.ZeroFua => device.Zero(offsetBytes, lengthBytes, mayUnmap: false, operation.IsFua),
            _ => device.Zero(offsetBytes, lengthBytes, mayUnmap: true, operation.IsFua),
        };
        MustBeDone(operation.ToString(), errno);
        Mark(new DeviceEvent.WriteEnded(id, operation.IsFua));
        if (operation.IsFua)
        {
            Mark(new DeviceEvent.FlushEnded(id));
        }
    }

    private void Flush(Func<Errno> flush)
    {
        int id = Interlocked.Increment(ref _lastId);
        Mark(new DeviceEvent.FlushBegan(id));
        MustBeDone("a flush", flush());
        Mark(new DeviceEvent.FlushEnded(id));
    }

    /// <summary>Says what the device shows now, if it is active.</summary>
    private void Look()
    {
        FollowUp();
        if (_device is not null)
        {
            Mark(new DeviceEvent.Seen(DeviceView.Of(_device.Read, _geometry)));
        }
    }

    private StackDevice Active()
    {
        if (_device is not null)
        {
            return _device;
        }
        if (_cowfile.Memory.LengthBytes == 0)
        {
            EnterPhase(PhaseKind.InUse);
        }
        Try("activate", () =>
        {
            _below = Recovery.OpenBelow(_base.File, [.. _layers.Select(layer => layer.File)]);
            _open = Recovery.Open(_below, _cowfile.File, ++_cowfileCount, _live?.File);
        });
        _live = NewFile(FileRole.LiveBits, new MemoryFile());
        _device = new StackDevice(NewOverlay(_below!, _open!, _live.Value));
        BeRecovered(() => DeviceView.Of(_device.Read, _geometry));
        EnterPhase(PhaseKind.InUse);
        return _device;
    }

    private Overlay NewOverlay(BaseImage below, Cowfile cowfile, WorldFile live) =>
        new(below.File, cowfile, UnsettledFile.SectorBytes, new LiveBits(new FillingFile(live.File, _liveWriteCount), Recovery.LiveKey));

    /// <summary>As the service does it; whoever recovers knows of the new cowfile before the old one is sealed.</summary>
    private void Snapshot(StackDevice device)
    {
        // A packed file has lost the record that could say so; and a device has few layers here, for the sake of time. One at a time: so does the service.
        if (_open!.Record is null || _layers.Count == MaxLayers || Interlocked.Exchange(ref _isExchanging, true))
        {
            return;
        }
        int id = Interlocked.Increment(ref _lastId);
        Mark(new DeviceEvent.FlushBegan(id));
        WorldFile former = _cowfile;
        Overlay formerOverlay = device.Top;
        WorldFile next = NewFile(FileRole.Cowfile, Geometry.NewFile());
        WorldFile live = NewFile(FileRole.LiveBits, new MemoryFile());
        BaseImage? below = null;
        Cowfile? open = null;
        Errno errno = device.Snapshot(
            Recovery.CowfileName,
            _below!,
            lower =>
            {
                below = lower;
                open = Recovery.Open(lower, next.File, ++_cowfileCount, kept: null);
                EnterPhase(PhaseKind.InUse, new PhaseTop(next.Id, live.Id));
                return NewOverlay(lower, open, live);
            },
            onPause: null);
        // Somebody else has made the cowfile clean in between; the service lets nobody.
        if (errno == Errno.EAGAIN)
        {
            EnterPhase(PhaseKind.InUse);
            _isExchanging = false;
            return;
        }
        MustBeDone("a snapshot", errno);
        var stack = (LayerStack)below!.File;
        _layers.Add(former);
        _cowfile = next;
        _live = live;
        _open = open;
        _below = below;
        EnterPhase(PhaseKind.InUse);
        Mark(new DeviceEvent.FlushEnded(id));
        _isExchanging = false;
        _followUps.Add(() => device.Settle(stack, formerOverlay, HeapWords.Allocate));
    }

    /// <summary>A change of everything to what lies below, that is durable at once.</summary>
    private void Rollback(StackDevice device)
    {
        int id = Interlocked.Increment(ref _lastId);
        Mark(new DeviceEvent.WriteBegan(id, 0, DeviceView.Of(_below!.File.ReadAt, _geometry)));
        Overlay former = device.Top;
        WorldFile next = NewFile(FileRole.Cowfile, Geometry.NewFile());
        WorldFile live = NewFile(FileRole.LiveBits, new MemoryFile());
        Cowfile? open = null;
        Try("roll back", () => open = Recovery.Open(_below, next.File, ++_cowfileCount, kept: null));
        MustBeDone("a rollback", device.Replace(NewOverlay(_below, open!, live), () =>
        {
            // It gets the name of the other one.
            _cowfile = next;
            _live = live;
            _open = open;
            EnterPhase(PhaseKind.InUse);
            return Errno.None;
        }));
        Mark(new DeviceEvent.WriteEnded(id, IsDurable: true));
        device.Discard(former);
    }

    /// <summary>What is left to do of snapshots when no request runs any more.</summary>
    private void FollowUp()
    {
        foreach (Action followUp in _followUps)
        {
            followUp();
        }
        _followUps.Clear();
    }

    private void Deactivate()
    {
        if (_device is null)
        {
            return;
        }
        Flush(() => _device.Close(() => _live = null));
        Dispose();
        EnterPhase(PhaseKind.AtRest);
    }

    private void Die(Death death)
    {
        if (_device is not null)
        {
            Dispose();
            _death = death;
        }
    }

    private void LosePower(int luck)
    {
        DiskReplay replay = Life.Replay();
        replay.AdvanceTo(int.MaxValue);
        int[] choice = new int[replay.Options().Length];
        CrashChoices.Choose(replay.Options(), choice, new Random(luck));
        MemoryFile[] layers = [.. _layers.Select(layer => Life.Found(replay, layer.Id, choice))];
        Begin(Life.Found(replay, _base.Id, choice), Life.Found(replay, _cowfile.Id, choice), layers);
        Dispose();
        _live = null;
        _death = Death.Power;
        EnterPhase(PhaseKind.InUse);
    }

    private void Repair()
    {
        if (_cowfile.Memory.LengthBytes == 0)
        {
            return;
        }
        Try("repair", () => Recovery.Repair(_cowfile.File, _live?.File));
        _live = null;
        BeRecovered(() =>
        {
            BaseImage below = Recovery.OpenBelow(_base.Memory, [.. _layers.Select(layer => layer.Memory)]);
            Cowfile cowfile = Recovery.Open(below, _cowfile.Memory.Copy(), number: 0, kept: null);
            using var overlay = new Overlay(below.File, cowfile, UnsettledFile.SectorBytes);
            return DeviceView.Of(overlay.Read, _geometry);
        });
        EnterPhase(PhaseKind.AtRest);
    }

    private void Pack()
    {
        if (!CloseFor() || _layers.Count > 0)
        {
            return;
        }
        WorldFile packed = NewFile(FileRole.Packed, Geometry.NewFile());
        Try("pack", () => Recovery.Pack(_cowfile.File, packed.File));
        // The tools give a finished file its name; until then nobody knows of it.
        Mark(new DeviceEvent.PhaseBegan(new Phase(PhaseKind.Packed, _base.Id, LayerIds, new PhaseTop(packed.Id, LiveId: null), Next: null)));
        WorldFile unpacked = NewFile(FileRole.Cowfile, Geometry.NewFile());
        Try("unpack", () => Recovery.Unpack(packed.File, unpacked.File));
        _cowfile = unpacked;
        EnterPhase(PhaseKind.AtRest);
    }

    private void Merge()
    {
        if (!CloseFor() || _layers.Count > 0)
        {
            return;
        }
        EnterPhase(PhaseKind.Merging);
        Try("merge", () => Recovery.Merge(_base.File, _cowfile.File, resume: false));
        _cowfile = NewFile(FileRole.Cowfile, Geometry.NewFile());
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>Closes or recovers the cowfile.</summary>
    /// <returns>False when there is none.</returns>
    private bool CloseFor()
    {
        if (_death is not null)
        {
            Repair();
        }
        Deactivate();
        return _cowfile.Memory.LengthBytes > 0;
    }

    /// <summary>Whatever death there was is over.</summary>
    private void BeRecovered(Func<ulong[]> look)
    {
        if (_death is not null)
        {
            ulong[] found = look();
            Mark(new DeviceEvent.Recovered(found, _death.Value));
            _death = null;
        }
    }

    private void Begin(MemoryFile baseFile, MemoryFile cowfile, IReadOnlyList<MemoryFile> layers)
    {
        _lives.Add(new Life());
        _base = NewFile(FileRole.Base, baseFile);
        _cowfile = NewFile(FileRole.Cowfile, cowfile);
        _layers.Clear();
        _layers.AddRange(layers.Select(layer => NewFile(FileRole.Cowfile, layer)));
    }

    private WorldFile NewFile(FileRole role, MemoryFile memory)
    {
        int id = Life.Add(memory, isInMemory: role == FileRole.LiveBits);
        // Below the recorder too: what happens during a sync comes between its beginning and its end.
        var recorded = new RecordingFile(new ScheduledFile(memory, _scheduler, syncsOnly: true), Life.Log, id);
        return new WorldFile(id, memory, new ScheduledFile(_plant(role, recorded, () => _open), _scheduler));
    }

    private int[] LayerIds => [.. _layers.Select(layer => layer.Id)];

    private void EnterPhase(PhaseKind kind, PhaseTop? next = null) =>
        Mark(new DeviceEvent.PhaseBegan(new Phase(kind, _base.Id, LayerIds, new PhaseTop(_cowfile.Id, _live?.Id), next)));

    private void Mark(DeviceEvent what) => Life.Log.Mark(what);

    private static void MustBeDone(string what, Errno errno)
    {
        if (errno != Errno.None)
        {
            throw new ViolationException($"{what} is answered {errno.Text()}");
        }
    }

    private static void Try(string what, Action action)
    {
        try
        {
            action();
        }
        catch (CowloopException exception)
        {
            throw new ViolationException($"{what} is refused: {exception.Message}");
        }
    }

    /// <param name="Id">What it is called in the log.</param>
    /// <param name="Memory">What it holds now, as the processes see it.</param>
    /// <param name="File">What the programs get.</param>
    private readonly record struct WorldFile(int Id, MemoryFile Memory, IBlockFile File);
}
