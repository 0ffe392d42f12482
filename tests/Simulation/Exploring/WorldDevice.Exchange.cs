using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Layers;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

internal sealed partial class WorldDevice
{
    // For the sake of time.
    private const int MaxLayers = 3;

    /// <summary>As the service does it; whoever recovers knows of the new cowfile before the old one is sealed.</summary>
    /// <returns>False when that is refused, and nothing done.</returns>
    public bool Snapshot()
    {
        StackDevice device = Active();
        // A packed file has lost the record that could say so. One at a time: so does the service.
        if (_open!.Record is null || _layers.Count == MaxLayers || Interlocked.Exchange(ref _isExchanging, true))
        {
            return false;
        }
        int id = _disk.NextId();
        _disk.Mark(new DeviceEvent.FlushBegan(_number, id));
        WorldFile former = _cowfile;
        Overlay formerOverlay = device.Top;
        WorldFile next = NewFile(FileRole.Cowfile, _disk.Geometry.NewCowfile());
        WorldFile live = NewFile(FileRole.LiveBits, new MemoryFile());
        BaseImage? below = null;
        Cowfile? open = null;
        Errno errno = device.Snapshot(
            Recovery.CowfileName,
            _below!,
            lower =>
            {
                below = lower;
                open = Recovery.Open(lower, next.File, _disk.NextCowfile(), kept: null);
                EnterPhase(PhaseOf(PhaseKind.InUse) with { Next = new PhaseTop(next.Id, live.Id) });
                return NewOverlay(lower, open, live);
            },
            onPause: null);
        // Somebody else has made the cowfile clean in between; the service lets nobody.
        if (errno == Errno.EAGAIN)
        {
            EnterPhase(PhaseKind.InUse);
            _isExchanging = false;
            return false;
        }
        MustBeDone("a snapshot", errno);
        var stack = (LayerStack)below!.File;
        _layers.Add(former);
        _cowfile = next;
        _live = live;
        _open = open;
        _below = below;
        EnterPhase(PhaseKind.InUse);
        _disk.Mark(new DeviceEvent.FlushEnded(_number, id));
        _followUps.Add(() => device.Settle(stack, formerOverlay, HeapWords.Allocate));
        _isExchanging = false;
        return true;
    }

    /// <summary>A change of everything to what lies below, that is durable at once.</summary>
    public void Rollback()
    {
        StackDevice device = Active();
        int id = _disk.NextId();
        _disk.Mark(new DeviceEvent.WriteBegan(_number, id, 0, DeviceView.Of(_below!.File.ReadAt, _disk.Geometry)));
        Overlay former = device.Top;
        WorldFile next = NewFile(FileRole.Cowfile, _disk.Geometry.NewCowfile());
        WorldFile live = NewFile(FileRole.LiveBits, new MemoryFile());
        Cowfile? open = null;
        Try("roll back", () => open = Recovery.Open(_below, next.File, _disk.NextCowfile(), kept: null));
        MustBeDone("a rollback", device.Replace(NewOverlay(_below, open!, live), () =>
        {
            // It gets the name of the other one.
            _cowfile = next;
            _live = live;
            _open = open;
            EnterPhase(PhaseKind.InUse);
            return Errno.None;
        }));
        _disk.Mark(new DeviceEvent.WriteEnded(_number, id, IsDurable: true));
        device.Discard(former);
    }

    /// <summary>Makes a second device of what this one holds: both get a new cowfile on the layers. Where that is refused nothing is done.</summary>
    public void Fork()
    {
        StackDevice device = Active();
        if ((device.Top.UsedBlocks > 0 || _layers.Count == 0) && !Snapshot())
        {
            return;
        }
        FollowUp();
        var fork = new WorldDevice(_disk, _liveWriteCount, _base, _layers);
        _disk.Mark(new DeviceEvent.DeviceAdded(DeviceView.Of(device.Read, _disk.Geometry)));
        _disk.MarkPhases();
        fork.Active();
    }

    /// <summary>As the service does it. Whoever recovers asks the records what lies below the cowfile.</summary>
    public void MergeLive()
    {
        StackDevice device = Active();
        // Layers that are still to be put in order are not merged.
        if (_layers.Count < 2 || _followUps.Count > 0 || Interlocked.Exchange(ref _isExchanging, true))
        {
            return;
        }
        Action? release = null;
        MergeLayers(PhaseKind.MergingLive, _layers[^1], _layers[^2], () =>
        {
            (release, bool isNew) = Recovery.MergeLive(device, (LayerStack)_below!.File);
            return isNew;
        });
        _layers.RemoveAt(_layers.Count - 1);
        EnterPhase(PhaseKind.InUse);
        _followUps.Add(() => device.Release(release!));
        _isExchanging = false;
    }

    /// <summary>What is left to do when no request runs any more.</summary>
    private void FollowUp()
    {
        foreach (Action followUp in _followUps)
        {
            followUp();
        }
        _followUps.Clear();
    }

    /// <summary>
    /// Merges into a layer. Others that lie on it are not in use meanwhile; those that do not lie on what is merged are lost, for with what is new in the
    /// layer they would read something else.
    /// </summary>
    /// <param name="kind">What the files of this device are meanwhile.</param>
    /// <param name="upper">What is merged.</param>
    /// <param name="lower">The layer.</param>
    /// <param name="merge">Merges; says whether anything was left to do.</param>
    private void MergeLayers(PhaseKind kind, WorldFile upper, WorldFile lower, Func<bool> merge)
    {
        List<WorldDevice> others = CloseOthersOn([lower]);
        others.RemoveAll(other => other._layers.Contains(upper));
        SetChanging(others, isChanging: true);
        EnterPhase(kind);
        bool isNew = false;
        Try("merge into a layer", () => isNew = merge());
        SetChanging(others, isChanging: false);
        if (isNew)
        {
            others.ForEach(other => other.Phase = other.PhaseOf(PhaseKind.Orphaned));
        }
    }

    /// <summary>Closes the other devices that lie on one of some layers.</summary>
    private List<WorldDevice> CloseOthersOn(IEnumerable<WorldFile> layers)
    {
        List<WorldDevice> others = _disk.Devices.FindAll(other => other != this && other._layers.Intersect(layers).Any());
        others.ForEach(other => other.Deactivate());
        return others;
    }

    private static void SetChanging(List<WorldDevice> devices, bool isChanging) =>
        devices.ForEach(device => device.Phase = device.Phase with { IsBeingChangedBelow = isChanging });
}
