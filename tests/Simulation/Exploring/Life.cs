using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>What happened from one loss of power to the next.</summary>
internal sealed class Life
{
    private readonly List<(MemoryFile Start, bool IsInMemory)> _files = [];

    /// <summary>All that happened.</summary>
    public CallLog Log { get; } = new();

    /// <summary>Position at which each operation began.</summary>
    public List<int> OperationStarts { get; } = [];

    /// <summary>Adds a file.</summary>
    /// <param name="file">Its durable content now; it is copied.</param>
    /// <param name="isInMemory">It lies on tmpfs.</param>
    /// <returns>What it is called in the log.</returns>
    public int Add(MemoryFile file, bool isInMemory)
    {
        _files.Add((file.Copy(), isInMemory));
        return _files.Count - 1;
    }

    /// <summary>Begins again from the start.</summary>
    public DiskReplay Replay()
    {
        var replay = new DiskReplay(Log);
        for (int id = 0; id < _files.Count; id++)
        {
            replay.Add(id, _files[id].Start.Copy(), _files[id].IsInMemory);
        }
        return replay;
    }

    /// <summary>Makes a file as it is found after a crash.</summary>
    /// <param name="replay">Of this life; where the crash is.</param>
    /// <param name="fileId">Which file.</param>
    /// <param name="choice">What landed.</param>
    public static MemoryFile Found(DiskReplay replay, int fileId, ReadOnlySpan<int> choice)
    {
        MemoryFile file = ((MemoryFile)replay.File(fileId).Settled).Copy();
        replay.Build(fileId, choice, file);
        return file;
    }
}
