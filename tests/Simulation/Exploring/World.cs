using Cowloop.Simulation.Model;
using Cowloop.Simulation.Scheduling;

namespace Cowloop.Simulation.Exploring;

/// <summary>
/// A base, its cowfile and the device made of them, and perhaps a second device that shares layers with it: does operations with the real engine and records
/// what happens to the files. Writes, zeroes, discards, flushes, cleanings, snapshots and live merges of an active device may be done by several threads.
/// </summary>
internal sealed class World : IDisposable
{
    private const int MaxDevices = 2;

    private readonly WorldDisk _disk;
    private WorldDevice _device;

    /// <param name="geometry">How large everything is.</param>
    /// <param name="liveWriteCount">How many writes of live bits find space on the tmpfs.</param>
    /// <param name="plant">A bug, or null.</param>
    public World(Geometry geometry, int liveWriteCount, Plant? plant)
    {
        _disk = new WorldDisk(geometry, plant);
        _device = new WorldDevice(_disk, liveWriteCount, _disk.NewBase(), []);
        _disk.MarkPhases();
    }

    /// <summary>What has happened, from loss of power to loss of power.</summary>
    public IReadOnlyList<Life> Lives => _disk.Lives;

    /// <summary>Does operations one after the other.</summary>
    /// <exception cref="ViolationException">One is not done as it must be.</exception>
    public void Do(IEnumerable<Operation> operations)
    {
        foreach (Operation operation in operations)
        {
            _disk.Life.OperationStarts.Add(_disk.Life.Log.Count);
            Do(operation);
            Look();
        }
    }

    /// <summary>Does lists of operations at the same time, on a device that is active.</summary>
    /// <param name="lists">Writes, zeroes, discards, flushes, cleanings, snapshots and live merges.</param>
    /// <param name="schedule">Decides who goes on.</param>
    /// <exception cref="ViolationException">One is not done as it must be.</exception>
    public void DoTogether(IReadOnlyList<IReadOnlyList<Operation>> lists, Schedule schedule)
    {
        _device.Active();
        _disk.Life.OperationStarts.Add(_disk.Life.Log.Count);
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
        _disk.Scheduler.Run(actions, schedule);
        Look();
    }

    /// <summary>Drops the devices as they are.</summary>
    public void Dispose()
    {
        foreach (WorldDevice device in _disk.Devices)
        {
            device.Dispose();
        }
    }

    private void Do(Operation operation)
    {
        _disk.Scheduler.SwitchPoint();
        _disk.Doing = operation.Kind;
        switch (operation.Kind)
        {
            case OperationKind.Kill:
                _disk.Devices.ForEach(device => device.Die(Death.Service));
                break;
            case OperationKind.PowerLoss:
                _disk.LosePower(operation.Sector);
                break;
            case OperationKind.SwitchDevice:
                _device = _disk.Devices.Find(device => device != _device) ?? _device;
                break;
            default:
                // There is nothing that can be done with it any more.
                if (!_device.IsOrphaned)
                {
                    DoToDevice(operation);
                }
                break;
        }
    }

    private void DoToDevice(Operation operation)
    {
        if (operation.HasRange)
        {
            _device.Change(operation);
            return;
        }
        switch (operation.Kind)
        {
            case OperationKind.Flush:
                _device.Flush();
                break;
            case OperationKind.Clean:
                _device.Clean();
                break;
            case OperationKind.Activate:
                _device.Active();
                break;
            case OperationKind.Deactivate:
                _device.Deactivate();
                break;
            case OperationKind.Repair:
                _device.Deactivate();
                _device.Repair();
                break;
            case OperationKind.Pack:
                _device.Pack();
                break;
            case OperationKind.Snapshot:
                _device.Snapshot();
                break;
            case OperationKind.Rollback:
                _device.Rollback();
                break;
            case OperationKind.Fork:
                if (_disk.Devices.Count < MaxDevices)
                {
                    _device.Fork();
                }
                break;
            case OperationKind.MergeInto:
                _device.MergeInto();
                break;
            case OperationKind.MergeLive:
                _device.MergeLive();
                break;
            case OperationKind.Compact:
                _device.Compact();
                break;
            case OperationKind.Rebase:
                _device.Rebase();
                break;
            default:
                _device.Merge();
                break;
        }
    }

    private void Look() => _disk.Devices.ForEach(device => device.Look());
}
