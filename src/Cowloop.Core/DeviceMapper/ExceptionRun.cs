namespace Cowloop.Core.DeviceMapper;

/// <summary>Exceptions whose chunks follow each other on the origin and in the store.</summary>
/// <param name="OldChunk">The first chunk on the origin.</param>
/// <param name="NewChunk">The chunk of the store that has its content.</param>
/// <param name="ChunkCount">How many; at least 1.</param>
internal readonly record struct ExceptionRun(long OldChunk, long NewChunk, long ChunkCount)
{
    /// <summary>The chunk behind the last one on the origin.</summary>
    public long OldEnd => OldChunk + ChunkCount;

    /// <summary>The chunk behind the last one in the store.</summary>
    public long NewEnd => NewChunk + ChunkCount;

    /// <summary>True for an exception that goes on where this run ends.</summary>
    public bool IsFollowedBy(long oldChunk, long newChunk) => ChunkCount > 0 && oldChunk == OldEnd && newChunk == NewEnd;
}
