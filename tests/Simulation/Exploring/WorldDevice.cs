using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Live;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>
/// A device of a world and its files: a base, layers and a cowfile. This part activates it, sends it requests and lets it die; WorldDevice.Exchange.cs
/// changes what it is made of while it is active, WorldDevice.Rest.cs does what is done to the files of an inactive one.
/// </summary>
internal sealed partial class WorldDevice : IDisposable
{
    private readonly WorldDisk _disk;
    private readonly int _number;
    private readonly int _liveWriteCount;
    private readonly List<WorldFile> _layers;
    private readonly List<Action> _followUps = [];
    private WorldFile _base;
    private WorldFile _cowfile;
    private WorldFile? _live;
    private bool _isExchanging;
    private Cowfile? _open;
    private BaseImage? _below;
    private StackDevice? _device;
    private Death? _death;

    /// <summary>Makes a device with a cowfile that is empty yet; its phase is still to be marked.</summary>
    /// <param name="disk">Where the files are.</param>
    /// <param name="liveWriteCount">How many writes of live bits find space on the tmpfs.</param>
    /// <param name="baseFile">The base.</param>
    /// <param name="layers">The layers on it, bottom to top.</param>
    public WorldDevice(WorldDisk disk, int liveWriteCount, WorldFile baseFile, IEnumerable<WorldFile> layers)
    {
        _disk = disk;
        _number = disk.Devices.Count;
        _liveWriteCount = liveWriteCount;
        _base = baseFile;
        _layers = [.. layers];
        _cowfile = NewFile(FileRole.Cowfile, _disk.Geometry.NewCowfile());
        disk.Devices.Add(this);
        Phase = PhaseOf(PhaseKind.AtRest);
    }

    /// <summary>What its files are now.</summary>
    public Phase Phase { get; private set; }

    /// <summary>True when something else was merged into one of its layers: it can't be used any more.</summary>
    public bool IsOrphaned => Phase.Kind == PhaseKind.Orphaned;

    /// <summary>Activates it if it is not active.</summary>
    public StackDevice Active()
    {
        if (_device is not null)
        {
            return _device;
        }
        if (Stores.View(_cowfile.Memory).LengthBytes == 0)
        {
            EnterPhase(PhaseKind.InUse);
        }
        Try("activate", () =>
        {
            _below = Recovery.OpenBelow(_base.File, _base.Memory.Inode, [.. _layers.Select(layer => layer.File)]);
            _open = Recovery.Open(_below, _cowfile.File, _disk.NextCowfile(), _live?.File);
        });
        _live = NewFile(FileRole.LiveBits, new MemoryFile());
        _device = new StackDevice(NewOverlay(_below!, _open!, _live.Value));
        BeRecovered(() => DeviceView.Of(_device.Read, _disk.Geometry));
        EnterPhase(PhaseKind.InUse);
        return _device;
    }

    /// <summary>Writes, zeroes or discards.</summary>
    public void Change(Operation operation)
    {
        StackDevice device = Active();
        int unit = _disk.Geometry.UnitOf(operation.Sector);
        ulong[] stamps = operation.Kind switch
        {
            OperationKind.Write or OperationKind.WriteFua => NewStamps(unit, operation.SectorCount),
            OperationKind.Rewrite => DeviceView.Of(device.Read, _disk.Geometry)[unit..(unit + operation.SectorCount)],
            _ => new ulong[operation.SectorCount],
        };
        int id = _disk.NextId();
        if (operation.IsFua)
        {
            _disk.Mark(new DeviceEvent.FlushBegan(_number, id));
        }
        _disk.Mark(new DeviceEvent.WriteBegan(_number, id, unit, stamps));
        long offsetBytes = (long)operation.Sector * UnsettledFile.SectorBytes;
        long lengthBytes = (long)operation.SectorCount * UnsettledFile.SectorBytes;
        Errno errno = operation.Kind switch
        {
            OperationKind.Write or OperationKind.WriteFua or OperationKind.Rewrite => device.Write(offsetBytes, Geometry.Fill(stamps), operation.IsFua),
            OperationKind.Zero or OperationKind.ZeroFua => device.Zero(offsetBytes, lengthBytes, mayUnmap: false, operation.IsFua),
            _ => device.Zero(offsetBytes, lengthBytes, mayUnmap: true, operation.IsFua),
        };
        MustBeDone(operation.ToString(), errno);
        _disk.Mark(new DeviceEvent.WriteEnded(_number, id, operation.IsFua));
        if (operation.IsFua)
        {
            _disk.Mark(new DeviceEvent.FlushEnded(_number, id));
        }
    }

    public void Flush() => Flush(() => Active().Flush());

    /// <summary><c>cowsync</c></summary>
    public void Clean() => Flush(() => Active().Top.Clean());

    /// <summary>Says what it shows now, if it is active.</summary>
    public void Look()
    {
        FollowUp();
        if (_device is not null)
        {
            _disk.Mark(new DeviceEvent.Seen(_number, DeviceView.Of(_device.Read, _disk.Geometry)));
        }
    }

    /// <summary>Closes it, if it is active.</summary>
    public void Deactivate()
    {
        if (_device is null)
        {
            return;
        }
        FollowUp();
        Flush(() => _device.Close(() => _live = null));
        Dispose();
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>Its service dies.</summary>
    public void Die(Death death)
    {
        if (_device is not null)
        {
            Dispose();
            _death = death;
        }
    }

    /// <summary>The power fails; the caller marks what the files are then.</summary>
    /// <param name="find">Gives what is found of a file in the life after that.</param>
    public void LosePower(Func<WorldFile, Func<Cowfile?>, WorldFile> find)
    {
        Dispose();
        _live = null;
        _base = find(_base, () => _open);
        _cowfile = find(_cowfile, () => _open);
        for (int layer = 0; layer < _layers.Count; layer++)
        {
            _layers[layer] = find(_layers[layer], () => _open);
        }
        _death = Death.Power;
        Phase = PhaseOf(IsOrphaned ? PhaseKind.Orphaned : PhaseKind.InUse);
    }

    /// <summary>Drops the device as it is.</summary>
    public void Dispose()
    {
        _device?.Dispose();
        _device = null;
        _open = null;
        _followUps.Clear();
    }

    private ulong[] NewStamps(int unit, int count)
    {
        ulong[] stamps = new ulong[count];
        for (int index = 0; index < stamps.Length; index++)
        {
            stamps[index] = Geometry.StampOf(unit + index, _disk.NextVersion(unit + index));
        }
        return stamps;
    }

    private void Flush(Func<Errno> flush)
    {
        int id = _disk.NextId();
        _disk.Mark(new DeviceEvent.FlushBegan(_number, id));
        MustBeDone("a flush", flush());
        _disk.Mark(new DeviceEvent.FlushEnded(_number, id));
    }

    private Overlay NewOverlay(BaseImage below, Cowfile cowfile, WorldFile live) =>
        new(below.File, cowfile, UnsettledFile.SectorBytes, new LiveBits(new FillingFile(live.File, _liveWriteCount), Recovery.LiveKey));

    /// <summary>Whatever death there was is over.</summary>
    private void BeRecovered(Func<ulong[]> look)
    {
        if (_death is not null)
        {
            ulong[] found = look();
            _disk.Mark(new DeviceEvent.Recovered(_number, found, _death.Value));
            _death = null;
        }
    }

    private WorldFile NewFile(FileRole role, MemoryFile memory) => _disk.NewFile(role, memory, () => _open);

    private Phase PhaseOf(PhaseKind kind) => new(kind, _base.Id, [.. _layers.Select(layer => layer.Id)], new PhaseTop(_cowfile.Id, _live?.Id));

    private void EnterPhase(PhaseKind kind) => EnterPhase(PhaseOf(kind));

    private void EnterPhase(Phase phase)
    {
        Phase = phase;
        _disk.MarkPhases();
    }

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
}
