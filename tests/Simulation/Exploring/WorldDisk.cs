using Cowloop.Core.Devices;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Scheduling;

namespace Cowloop.Simulation.Exploring;

/// <summary>What the devices of a world have in common: the disk that their files are on, what has happened on it, and which numbers are taken.</summary>
/// <param name="geometry">How large everything is.</param>
/// <param name="plant">A bug, or null.</param>
internal sealed class WorldDisk(Geometry geometry, Plant? plant)
{
    private readonly List<Life> _lives = [new Life()];
    private readonly int[] _versions = new int[geometry.UnitCount];
    private int _lastId;
    private int _cowfileCount;
    private int _baseCount;

    /// <summary>How large everything is.</summary>
    public Geometry Geometry => geometry;

    /// <summary>Decides which thread goes on.</summary>
    public Scheduler Scheduler { get; } = new();

    /// <summary>What has happened, from loss of power to loss of power.</summary>
    public IReadOnlyList<Life> Lives => _lives;

    /// <summary>What happens now.</summary>
    public Life Life => _lives[^1];

    /// <summary>The devices, in the order in which they were made.</summary>
    public List<WorldDevice> Devices { get; } = [];

    /// <summary>What is being done; of several operations at the same time the one that began last.</summary>
    public OperationKind Doing { get; set; }

    /// <summary>What distinguishes a change or a flush from all others.</summary>
    public int NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>What distinguishes a cowfile from all others.</summary>
    public int NextCowfile() => Interlocked.Increment(ref _cowfileCount);

    /// <summary>What distinguishes a write of a unit from all others, of either device.</summary>
    public int NextVersion(int unit) => Interlocked.Increment(ref _versions[unit]);

    /// <summary>Makes a base that is another one than all before.</summary>
    public WorldFile NewBase() => NewFile(FileRole.Base, geometry.NewBase(_baseCount++), () => null);

    /// <summary>Adds a file.</summary>
    /// <param name="role">What it is to the programs.</param>
    /// <param name="memory">What it holds, durably.</param>
    /// <param name="open">Gives the cowfile that is open, of the device that it is for.</param>
    public WorldFile NewFile(FileRole role, MemoryFile memory, Func<Cowfile?> open)
    {
        int id = Life.Add(memory, isInMemory: role == FileRole.LiveBits);
        // Below the recorder too: what happens during a sync comes between its beginning and its end.
        var recorded = new RecordingFile(new ScheduledFile(memory, Scheduler, syncsOnly: true), Life.Log, id);
        var site = new PlantSite(role, open, () => Doing);
        return new WorldFile(id, role, memory, new ScheduledFile(plant?.Invoke(recorded, site) ?? recorded, Scheduler));
    }

    /// <summary>Says what somebody knows that the disk does not.</summary>
    public void Mark(DeviceEvent what) => Life.Log.Mark(what);

    /// <summary>Says what the files of all devices are from now on.</summary>
    public void MarkPhases() => Mark(new DeviceEvent.PhasesBegan([.. Devices.Select(device => device.Phase)]));

    /// <summary>The power fails: a new life begins, with what is found then.</summary>
    /// <param name="luck">Decides about what landed.</param>
    public void LosePower(int luck)
    {
        DiskReplay replay = Life.Replay();
        replay.AdvanceTo(int.MaxValue);
        int[] choice = new int[replay.Options().Length];
        CrashChoices.Choose(replay.Options(), choice, new Random(luck));
        _lives.Add(new Life());
        var found = new Dictionary<int, WorldFile>();
        foreach (WorldDevice device in Devices)
        {
            device.LosePower((file, open) =>
            {
                if (!found.TryGetValue(file.Id, out WorldFile left))
                {
                    left = NewFile(file.Role, Life.Found(replay, file.Id, choice), open);
                    found.Add(file.Id, left);
                }
                return left;
            });
        }
        MarkPhases();
    }
}
