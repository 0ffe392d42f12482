using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

/// <summary>
/// Where things lie in a compact store; all of it follows from the number of blocks of the device and the size of a chunk
/// (docs/format.md, "Compact stores").
/// </summary>
public sealed record CompactLayout
{
    /// <summary>The smallest chunk in bytes.</summary>
    public const int MinChunkBytes = 4 << 10;

    /// <summary>The largest chunk in bytes.</summary>
    public const int MaxChunkBytes = 1 << 20;

    /// <summary>What is written as a whole or not at all.</summary>
    public const int SectorBytes = 512;

    /// <summary>Where the header block of the cowfile lies.</summary>
    public const long HeaderOffsetBytes = 4096;

    /// <summary>Where the mark of the boot that wrote last lies.</summary>
    public const long BootMarkOffsetBytes = HeaderOffsetBytes + CowLayout.BlockSize;

    /// <summary>Where the map of zero chunks starts.</summary>
    public const long ZeroMapOffsetBytes = 8192;

    /// <summary>Sectors of the table at the start of a group.</summary>
    public const int SectorsPerTable = 32;

    private const int TableBytes = SectorsPerTable * SectorBytes;
    private const int PageBytes = 4096;
    private const int BitsPerWord = 64;

    /// <summary>Lays out a store.</summary>
    /// <param name="device">Layout of the cowfile that it holds.</param>
    /// <param name="chunkBytes">Size of a chunk: a power of two from <see cref="MinChunkBytes"/> to <see cref="MaxChunkBytes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public CompactLayout(CowLayout device, int chunkBytes)
    {
        if (!IsChunkSize(chunkBytes))
        {
            throw new ArgumentOutOfRangeException(nameof(chunkBytes), chunkBytes, "not a power of two from 4 KiB to 1 MiB");
        }
        Device = device;
        ChunkBytes = chunkBytes;
        DescriptorBytes = ChunkDescriptor.LengthBytesFor(BlocksPerChunk);
        DescriptorsPerSector = TableSector.PayloadBytes / DescriptorBytes;
    }

    /// <summary>Layout of the cowfile that the store holds.</summary>
    public CowLayout Device { get; }

    /// <summary>Size of a chunk in bytes.</summary>
    public int ChunkBytes { get; }

    /// <summary>Blocks of a chunk.</summary>
    public int BlocksPerChunk => ChunkBytes / CowLayout.BlockSize;

    /// <summary>Chunks of the device; the last one may reach beyond its end.</summary>
    public long DeviceChunkCount => (Device.BlockCount + BlocksPerChunk - 1) / BlocksPerChunk;

    /// <summary>Size of a chunk's descriptor in bytes.</summary>
    public int DescriptorBytes { get; }

    /// <summary>Descriptors in a sector of a table.</summary>
    public int DescriptorsPerSector { get; }

    /// <summary>Chunks of a group.</summary>
    public int ChunksPerGroup => SectorsPerTable * DescriptorsPerSector;

    /// <summary>Sectors of the map of zero chunks.</summary>
    public int ZeroMapSectorCount => (int)((DeviceChunkCount + TableSector.PayloadBits - 1) / TableSector.PayloadBits);

    /// <summary>Where the first group starts: the length of a store that holds nothing.</summary>
    public long GroupsOffsetBytes => (ZeroMapOffsetBytes + (long)ZeroMapSectorCount * SectorBytes + PageBytes - 1) / PageBytes * PageBytes;

    private long GroupBytes => TableBytes + (long)ChunksPerGroup * ChunkBytes;

    /// <summary>True when the chunks of a device can be counted: those of one of more than 8 TiB have more than 4 KiB.</summary>
    public static bool IsChunkSizeFor(CowLayout device, long chunkBytes) =>
        IsChunkSize(chunkBytes) && device.DeviceBytes / chunkBytes < int.MaxValue;

    /// <summary>True for a size that a chunk can have.</summary>
    public static bool IsChunkSize(long chunkBytes) =>
        chunkBytes is >= MinChunkBytes and <= MaxChunkBytes && long.IsPow2(chunkBytes);

    /// <summary>Blocks of a chunk of the device that are there: all, but for the last chunk.</summary>
    public int BlockCountOf(long deviceChunk) => (int)Math.Min(BlocksPerChunk, Device.BlockCount - deviceChunk * BlocksPerChunk);

    /// <summary>Copies the bits of a chunk's blocks to its descriptor.</summary>
    /// <param name="words">One bit per block of the device.</param>
    /// <param name="deviceChunk">The chunk of the device.</param>
    /// <param name="target">Gets the bits.</param>
    internal void CopyBits(ReadOnlySpan<ulong> words, long deviceChunk, Span<byte> target)
    {
        long block = deviceChunk * BlocksPerChunk;
        int index = (int)(block / BitsPerWord);
        if (BlocksPerChunk < BitsPerWord)
        {
            ulong bits = Volatile.Read(in words[index]) >> (int)(block % BitsPerWord) & ((1UL << BlocksPerChunk) - 1);
            BinaryPrimitives.WriteUInt64LittleEndian(target, bits);
            return;
        }
        for (int word = 0; word < BlocksPerChunk / BitsPerWord && index + word < words.Length; word++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(target[(word * sizeof(ulong))..], Volatile.Read(in words[index + word]));
        }
    }

    /// <summary>Writes the bits of a chunk all of whose blocks belong to the cowfile.</summary>
    internal void FillBits(long deviceChunk, Span<byte> target)
    {
        for (int rest = BlockCountOf(deviceChunk), word = 0; rest > 0; rest -= BitsPerWord, word++)
        {
            ulong bits = rest >= BitsPerWord ? ulong.MaxValue : (1UL << rest) - 1;
            BinaryPrimitives.WriteUInt64LittleEndian(target[(word * sizeof(ulong))..], bits);
        }
    }

    /// <summary>Adds the bits of a descriptor to those of the blocks.</summary>
    /// <param name="source">The bits in the descriptor.</param>
    /// <param name="deviceChunk">The chunk of the device.</param>
    /// <param name="blocks">Those of the device.</param>
    /// <returns>False when there are bits of blocks that the device does not have; then nothing is added.</returns>
    internal bool TryAddBits(ReadOnlySpan<byte> source, long deviceChunk, BlockBits blocks)
    {
        long block = deviceChunk * BlocksPerChunk;
        int blockCount = BlockCountOf(deviceChunk);
        ReadOnlySpan<ulong> bits = MemoryMarshal.Cast<byte, ulong>(source);
        for (int word = 0; word < bits.Length; word++)
        {
            int there = Math.Clamp(blockCount - word * BitsPerWord, 0, BitsPerWord);
            if (there < BitsPerWord && bits[word] >> there != 0)
            {
                return false;
            }
        }
        int shift = (int)(block % BitsPerWord);
        Span<ulong> words = blocks.WordsToChange((int)(block / BitsPerWord), bits.Length);
        for (int word = 0; word < words.Length; word++)
        {
            words[word] |= bits[word] << shift;
        }
        return true;
    }

    /// <summary>Where a group's table lies.</summary>
    public long TableOffsetBytes(int group) => GroupsOffsetBytes + group * GroupBytes;

    /// <summary>Where the group's table ends, and its first chunk starts.</summary>
    public long TableEndBytes(int group) => TableOffsetBytes(group) + TableBytes;

    /// <summary>Where a chunk of the store lies.</summary>
    public long ChunkOffsetBytes(int chunk) => TableEndBytes(chunk / ChunksPerGroup) + (long)(chunk % ChunksPerGroup) * ChunkBytes;

    /// <summary>Where a chunk of the store ends.</summary>
    public long ChunkEndBytes(int chunk) => ChunkOffsetBytes(chunk) + ChunkBytes;

    /// <summary>Groups of which a store of a length holds at least the table.</summary>
    public int GroupCountFor(long lengthBytes) => lengthBytes < TableEndBytes(0)
        ? 0
        : (int)Math.Min(int.MaxValue / ChunksPerGroup, 1 + (lengthBytes - TableEndBytes(0)) / GroupBytes);

    /// <summary>Chunks that lie completely in a store of a length.</summary>
    public int ChunkCountFor(long lengthBytes)
    {
        int groupCount = GroupCountFor(lengthBytes);
        if (groupCount == 0)
        {
            return 0;
        }
        long inLast = (lengthBytes - TableEndBytes(groupCount - 1)) / ChunkBytes;
        return (groupCount - 1) * ChunksPerGroup + (int)Math.Min(ChunksPerGroup, inLast);
    }
}
