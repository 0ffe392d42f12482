using System.Globalization;

namespace Cowloop.Simulation.Exploring;

/// <summary>What one kind of search has looked at. Safe for concurrent use.</summary>
/// <param name="name">What is searched, and from which seed.</param>
public sealed class Tally(string name)
{
    private long _storyCount;
    private long _positionCount;
    private long _crashCount;
    private long _sectorCount;

    /// <summary>Lists of operations, or runs of several threads.</summary>
    public long StoryCount => Interlocked.Read(ref _storyCount);

    /// <summary>Places in them where the power was lost or the service died.</summary>
    public long PositionCount => Interlocked.Read(ref _positionCount);

    /// <summary>Crash points: possible disks at all positions.</summary>
    public long CrashCount => Interlocked.Read(ref _crashCount);

    /// <summary>Sectors compared with what may be read.</summary>
    public long SectorCount => Interlocked.Read(ref _sectorCount);

    internal void CountStory() => Interlocked.Increment(ref _storyCount);

    internal void CountPosition() => Interlocked.Increment(ref _positionCount);

    internal void CountCrash(int sectorCount)
    {
        Interlocked.Increment(ref _crashCount);
        Interlocked.Add(ref _sectorCount, sectorCount);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{name}: {StoryCount:N0} runs, {CrashCount:N0} crash points at {PositionCount:N0} positions, {SectorCount:N0} sectors checked");
}
