using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>What some work did to one file in memory, to be cut short anywhere by a loss of power.</summary>
public sealed class Recording
{
    private readonly CallLog _log = new();
    private readonly MemoryFile _start;

    private Recording(MemoryFile start) => _start = start;

    /// <summary>Does the work and records it.</summary>
    /// <param name="start">The file; the work changes it.</param>
    /// <param name="work">Gets the file to work on.</param>
    public static Recording Of(MemoryFile start, Action<IBlockFile> work)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(work);
        var recording = new Recording(start.Copy());
        using var file = new RecordingFile(start, recording._log);
        work(file);
        return recording;
    }

    /// <summary>
    /// Gives the files that may be found after a crash, for every position where that can be something else than before.
    /// </summary>
    /// <param name="random">Chooses where there are more.</param>
    /// <param name="maxCount">At most so many for each position.</param>
    public IEnumerable<MemoryFile> Leftovers(Random random, int maxCount)
    {
        var replay = new DiskReplay(_log);
        var settled = _start.Copy();
        replay.Add(0, settled);
        while (replay.Step() is { } happened)
        {
            if (happened is LogEvent.SyncBegan)
            {
                continue;
            }
            foreach (int[] choice in CrashChoices.Of(replay.Options(), maxCount, random))
            {
                MemoryFile left = settled.Copy();
                replay.Build(0, choice, left);
                yield return left;
            }
        }
    }
}
