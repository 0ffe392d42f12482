using System.Globalization;

namespace Cowloop.Simulation.Exploring;

/// <summary>What has been looked at. Safe for concurrent use.</summary>
public sealed class Report
{
    private readonly Lock _lock = new();
    private readonly SortedSet<int> _seeds = [];
    private long _listCount;
    private long _interleavingCount;
    private long _positionCount;
    private long _crashCount;
    private long _sectorCount;

    /// <summary>Lists of operations.</summary>
    public long ListCount => Interlocked.Read(ref _listCount);

    /// <summary>Runs of several threads.</summary>
    public long InterleavingCount => Interlocked.Read(ref _interleavingCount);

    /// <summary>Crashes: possible disks at a position.</summary>
    public long CrashCount => Interlocked.Read(ref _crashCount);

    /// <summary>Sectors compared with what may be read.</summary>
    public long SectorCount => Interlocked.Read(ref _sectorCount);

    internal void CountStory(bool isTogether)
    {
        if (isTogether)
        {
            Interlocked.Increment(ref _interleavingCount);
        }
        else
        {
            Interlocked.Increment(ref _listCount);
        }
    }

    internal void CountPosition() => Interlocked.Increment(ref _positionCount);

    internal void CountCrash(int sectorCount)
    {
        Interlocked.Increment(ref _crashCount);
        Interlocked.Add(ref _sectorCount, sectorCount);
    }

    internal void AddSeed(int seed)
    {
        lock (_lock)
        {
            _seeds.Add(seed);
        }
    }

    /// <summary>One line.</summary>
    public override string ToString()
    {
        lock (_lock)
        {
            string seeds = _seeds.Count == 0 ? "" : $", seeds {string.Join(' ', _seeds)}";
            string interleavings = _interleavingCount == 0 ? "" : $"{_interleavingCount:N0} interleavings, ";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{_listCount:N0} lists, {interleavings}{_crashCount:N0} crash points at {_positionCount:N0} positions, {_sectorCount:N0} sectors checked{seeds}");
        }
    }
}
