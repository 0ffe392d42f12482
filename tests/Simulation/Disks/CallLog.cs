namespace Cowloop.Simulation.Disks;

/// <summary>
/// What happened on a disk, in order: the changes and syncs of all recorded files, and the marks of who uses them. Safe for concurrent use. The
/// data written is kept in memory.
/// </summary>
public sealed class CallLog
{
    private readonly Lock _lock = new();
    private readonly List<LogEvent> _events = [];

    /// <summary>Number of events so far: the position of the next one.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _events.Count;
            }
        }
    }

    public LogEvent this[int position]
    {
        get
        {
            lock (_lock)
            {
                return _events[position];
            }
        }
    }

    /// <summary>Appends what the user of the files has to say.</summary>
    /// <returns>Its position.</returns>
    public int Mark(object what) => Add(new LogEvent.Mark(what));

    internal int Add(LogEvent happened)
    {
        lock (_lock)
        {
            _events.Add(happened);
            return _events.Count - 1;
        }
    }
}
