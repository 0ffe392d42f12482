namespace Cowloop.Core.Compact;

/// <summary>A group of the store in memory: the descriptors of its chunks, without their bits.</summary>
/// <param name="number">Number of the group.</param>
/// <param name="chunkCount">Chunks of a group.</param>
internal sealed class ChunkGroup(int number, int chunkCount)
{
    private uint _dirtySectors;

    /// <summary>Number of the group.</summary>
    public int Number => number;

    /// <summary>Taken to change a descriptor and to write a sector of the table, so that the sectors are written in the order in which they change.</summary>
    public Lock Lock { get; } = new();

    /// <summary>The descriptors; changed under the lock.</summary>
    public ChunkDescriptor[] Descriptors { get; } = new ChunkDescriptor[chunkCount];

    /// <summary>True when a sector of the table is not written as it is in memory.</summary>
    public bool IsDirty => Volatile.Read(ref _dirtySectors) != 0;

    /// <summary>Says that a sector of the table is to be written.</summary>
    public void MarkDirty(int sector) => Interlocked.Or(ref _dirtySectors, 1u << sector);

    /// <summary>The sectors that are to be written, one bit each; the caller writes them, or says so again.</summary>
    public uint TakeDirty() => Interlocked.Exchange(ref _dirtySectors, 0);
}
