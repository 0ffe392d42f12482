namespace Cowloop.Core.Compact;

/// <summary>Where a chunk of the device is.</summary>
/// <param name="Raw">Number of the store's chunk plus 1, or 0; above that a counter of changes; the highest bit for a chunk of zeros.</param>
internal readonly record struct ChunkPlace(ulong Raw)
{
    internal const ulong ZeroFlag = 1UL << 63;

    /// <summary>True when the store has no chunk for it.</summary>
    public bool IsNone => (uint)Raw == 0;

    /// <summary>Number of the store's chunk.</summary>
    public int Chunk => (int)((uint)Raw - 1);

    /// <summary>True when what was written to it is in the store's chunk; otherwise it is all zeros.</summary>
    public bool HoldsData => !IsNone && (Raw & ZeroFlag) == 0;
}

/// <summary>Which chunk of the store holds which chunk of the device. Looked up without a lock.</summary>
/// <param name="words">Zeroed memory, one word per chunk of the device; not owned.</param>
internal readonly struct ChunkMap(Memory<ulong> words)
{
    private const ulong CounterUnit = 1UL << 32;
    private const ulong CounterMask = ~(ChunkPlace.ZeroFlag | uint.MaxValue);

    /// <summary>Where a chunk of the device is now. As long as the answer is the same, it was there all the time.</summary>
    public ChunkPlace Find(long deviceChunk) => new(Volatile.Read(ref words.Span[(int)deviceChunk]));

    /// <summary>Says where it is. Nobody else changes it meanwhile.</summary>
    /// <param name="deviceChunk">The chunk of the device.</param>
    /// <param name="chunk">The store's chunk; -1 for none.</param>
    /// <param name="holdsData">False when it is all zeros.</param>
    public void Set(long deviceChunk, int chunk, bool holdsData)
    {
        ref ulong word = ref words.Span[(int)deviceChunk];
        ulong counter = (word + CounterUnit) & CounterMask;
        Volatile.Write(ref word, counter | (uint)(chunk + 1) | (holdsData || chunk < 0 ? 0 : ChunkPlace.ZeroFlag));
    }
}
