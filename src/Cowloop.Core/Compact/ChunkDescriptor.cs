using System.Buffers.Binary;

namespace Cowloop.Core.Compact;

/// <summary>What the blocks of a chunk of the store hold that have a bit.</summary>
internal enum ChunkState : byte
{
    /// <summary>What was written to them.</summary>
    Data = 0,
    /// <summary>Zeros, whatever is in the chunk.</summary>
    Zero = 1,
    /// <summary>
    /// Zeros after a loss of power; what is in the chunk, all of it, for the boot that wrote it: a chunk of zeros that is being written to again.
    /// </summary>
    Filling = 2,
}

/// <summary>
/// Describes a chunk of the store: which chunk of the device it holds, and which of its blocks belong to the cowfile. In the table: the number of the
/// device's chunk plus 1 (4 bytes; 0: the chunk is free), the state (4 bytes), one bit per block (8 bytes or more).
/// </summary>
/// <param name="Owner">Number of the device's chunk plus 1; 0 when the chunk is free.</param>
/// <param name="State">What its blocks hold.</param>
/// <param name="IsWhole">In memory: all its blocks belong to the cowfile, though the bitmap may not say so yet.</param>
/// <param name="FilledRound">In memory: the round of syncs that was to come when the chunk was filled. An earlier one says nothing about it.</param>
internal readonly record struct ChunkDescriptor(uint Owner, ChunkState State, bool IsWhole = false, int FilledRound = 0)
{
    /// <summary>Where the bits start.</summary>
    public const int BitsOffset = 8;

    private const int StateOffset = 4;

    /// <summary>Size of a descriptor in bytes.</summary>
    public static int LengthBytesFor(int blocksPerChunk) => BitsOffset + Math.Max(1, blocksPerChunk / 64) * sizeof(ulong);

    /// <summary>Writes all but the bits.</summary>
    public void Encode(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(target, Owner);
        BinaryPrimitives.WriteUInt32LittleEndian(target[StateOffset..], (uint)State);
    }

    /// <summary>Reads all but the bits.</summary>
    /// <returns>False for a state that does not exist.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> source, out ChunkDescriptor descriptor)
    {
        uint state = BinaryPrimitives.ReadUInt32LittleEndian(source[StateOffset..]);
        descriptor = new ChunkDescriptor(BinaryPrimitives.ReadUInt32LittleEndian(source), (ChunkState)state);
        return state <= (uint)ChunkState.Filling;
    }
}
