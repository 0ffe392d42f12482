using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>Goes through a log and knows at each position what a loss of power there could leave of the files.</summary>
/// <remarks>
/// For a long log of a real file: add a copy of the file as it was when the recording began, advance from cut to cut, and build each possible file
/// from a sparse copy of what is settled then. Only what is pending is held in memory besides the log.
/// </remarks>
/// <param name="log">The log; nothing is appended meanwhile, or at least not before the position that is advanced to.</param>
public sealed class DiskReplay(CallLog log)
{
    private readonly SortedDictionary<int, UnsettledFile> _files = [];
    private readonly HashSet<int> _inMemory = [];

    /// <summary>Events before this one have happened.</summary>
    public int Position { get; private set; }

    /// <summary>Says what a file was when the recording began.</summary>
    /// <param name="fileId">What it is called in the log; its events are ignored if it is never added.</param>
    /// <param name="settled">Its durable content, changed by the replay. Not owned.</param>
    /// <param name="isInMemory">It lies on tmpfs: it has what was written at once, and is gone after a loss of power. That it is gone is the caller's part.</param>
    public void Add(int fileId, IBlockFile settled, bool isInMemory = false)
    {
        _files.Add(fileId, new UnsettledFile(settled));
        if (isInMemory)
        {
            _inMemory.Add(fileId);
        }
    }

    /// <summary>A file, to look at.</summary>
    public UnsettledFile File(int fileId) => _files[fileId];

    /// <summary>Lets the next event happen.</summary>
    /// <returns>What it was, or null at the end of the log.</returns>
    public LogEvent? Step()
    {
        if (Position >= log.Count)
        {
            return null;
        }
        LogEvent happened = log[Position];
        switch (happened)
        {
            case LogEvent.Change change when _files.TryGetValue(change.FileId, out UnsettledFile? file):
                file.Apply(change, Position);
                if (_inMemory.Contains(change.FileId))
                {
                    file.Settle(Position + 1);
                }
                break;
            case LogEvent.SyncEnded sync when _files.TryGetValue(sync.FileId, out UnsettledFile? file):
                file.Settle(sync.BeganAt);
                break;
        }
        Position++;
        return happened;
    }

    /// <summary>Lets events happen up to a position.</summary>
    public void AdvanceTo(int position)
    {
        while (Position < position && Step() is not null)
        {
        }
    }

    /// <summary>How many possibilities there are for each pending thing of all files, one file after the other.</summary>
    public int[] Options()
    {
        var options = new List<int>();
        foreach (UnsettledFile file in _files.Values)
        {
            file.AddOptions(options);
        }
        return [.. options];
    }

    /// <summary>Makes a file as it would be found.</summary>
    /// <param name="fileId">Which one.</param>
    /// <param name="choice">A possibility for each pending thing, as <see cref="Options"/> has them.</param>
    /// <param name="target">A copy of what is settled of the file, which becomes the file found.</param>
    public void Build(int fileId, ReadOnlySpan<int> choice, IBlockFile target)
    {
        int start = 0;
        foreach ((int id, UnsettledFile file) in _files)
        {
            if (id == fileId)
            {
                file.Build(choice.Slice(start, file.PendingCount), target);
                return;
            }
            start += file.PendingCount;
        }
        throw new ArgumentOutOfRangeException(nameof(fileId));
    }
}
