namespace Cowloop.Simulation.Disks;

/// <summary>One thing that happened on a recorded disk. Its number in the log is its position; a crash happens between two of them.</summary>
public abstract record LogEvent
{
    private LogEvent()
    {
    }

    /// <summary>A file was changed. It may have landed from here on, in whole or in part, and need not before a later sync has ended.</summary>
    /// <param name="FileId">Which file.</param>
    /// <param name="Call">What was asked for.</param>
    /// <param name="Data">What the range holds now; of a write only. It belongs to the log.</param>
    /// <param name="LengthBytes">How long the file is now.</param>
    public sealed record Change(int FileId, FileCall Call, ReadOnlyMemory<byte> Data, long LengthBytes) : LogEvent
    {
        public override string ToString() => $"file {FileId}: {Call}";
    }

    /// <summary>A sync begins. What is changed from here on it need not cover.</summary>
    /// <param name="FileId">Which file.</param>
    public sealed record SyncBegan(int FileId) : LogEvent
    {
        public override string ToString() => $"file {FileId}: sync begins";
    }

    /// <summary>A sync has succeeded: what had happened to the file before it began is durable. One that fails promises nothing and has no such event.</summary>
    /// <param name="FileId">Which file.</param>
    /// <param name="BeganAt">Position of its beginning.</param>
    public sealed record SyncEnded(int FileId, int BeganAt) : LogEvent
    {
        public override string ToString() => $"file {FileId}: sync ends";
    }

    /// <summary>What the user of the files says about itself, for instance that a write is acknowledged.</summary>
    /// <param name="What">Its own words.</param>
    public sealed record Mark(object What) : LogEvent
    {
        public override string ToString() => $"{What}";
    }
}
