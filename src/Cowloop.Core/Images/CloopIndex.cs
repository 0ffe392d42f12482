using System.Buffers.Binary;
using Cowloop.Core.Files;

namespace Cowloop.Core.Images;

/// <summary>
/// Where the blocks of a cloop image (format V2.0) are: a preamble of 128 bytes, block size and block count of 4 bytes each, and one offset of 8 bytes
/// for each block and for the end of the last one, all big-endian; then the blocks, each a zlib stream of exactly the block size. It is checked as a
/// whole when it is read, so that a lookup needs no check. In memory it takes 8 bytes for each block.
/// </summary>
public sealed class CloopIndex
{
    /// <summary>Every block size is a multiple of this.</summary>
    public const int BlockUnitBytes = 512;

    /// <summary>Four times the largest block that create_compressed_fs makes; a block is the least that can be cached.</summary>
    public const int MaxBlockBytes = 4 << 20;

    /// <summary>4 TiB in the usual blocks of 64 KiB, in 512 MiB of memory; QEMU has the same limit.</summary>
    public const int MaxBlockCount = 1 << 26;

    /// <summary>Where the offsets begin.</summary>
    public const int TableOffsetBytes = BlockCountOffset + sizeof(uint);

    private const int BlockSizeOffset = 128;
    private const int BlockCountOffset = BlockSizeOffset + sizeof(uint);
    private const int GroupBits = 13;
    private const int GroupEntries = 1 << GroupBits;

    // In groups, each allocated when its entries have been read: a false count takes no memory.
    private readonly List<long[]> _groups;

    private CloopIndex(int blockBytes, int blockCount, List<long[]> groups)
    {
        BlockBytes = blockBytes;
        BlockCount = blockCount;
        _groups = groups;
    }

    /// <summary>Length of every block in bytes, once decompressed.</summary>
    public int BlockBytes { get; }

    /// <summary>Number of blocks.</summary>
    public int BlockCount { get; }

    /// <summary>Length of the decompressed content: whole blocks, the last one filled up with zeros.</summary>
    public long LengthBytes => (long)BlockCount * BlockBytes;

    // The rest of the preamble is a command that mounts the image; not everybody's is the same.
    private static ReadOnlySpan<byte> Magic => "#!/bin/sh\n#V2.0 Format\n"u8;

    /// <summary>Tells a cloop image from everything else, by its content. What can't be read is none.</summary>
    public static bool IsCloop(IBlockFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        Span<byte> start = stackalloc byte[Magic.Length];
        return file.LengthBytes >= start.Length && file.ReadAt(0, start) == Errno.None && start.SequenceEqual(Magic);
    }

    /// <summary>Reads the index of a cloop image, and checks all of it.</summary>
    /// <param name="file">The image; not kept.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="CowloopException">It can't be read, is damaged, or exceeds a limit.</exception>
    public static CloopIndex Read(IBlockFile file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        long fileBytes = file.LengthBytes;
        Span<byte> sizes = stackalloc byte[TableOffsetBytes - BlockSizeOffset];
        if (fileBytes < TableOffsetBytes)
        {
            throw Unusable(name, $"is incomplete: it has {fileBytes} bytes, and its header alone {TableOffsetBytes}");
        }
        Read(file, name, BlockSizeOffset, sizes);
        uint blockBytes = BinaryPrimitives.ReadUInt32BigEndian(sizes);
        uint blockCount = BinaryPrimitives.ReadUInt32BigEndian(sizes[sizeof(uint)..]);
        RequireLimits(name, blockBytes, blockCount);
        long tableEndBytes = TableOffsetBytes + (blockCount + 1L) * sizeof(ulong);
        if (fileBytes < tableEndBytes)
        {
            throw Unusable(name, $"is incomplete: it has {fileBytes} bytes, and its index ends at byte {tableEndBytes}");
        }
        return new CloopIndex((int)blockBytes, (int)blockCount, ReadTable(file, name, (int)blockBytes, (int)blockCount, tableEndBytes, fileBytes));
    }

    /// <summary>Says where a block is.</summary>
    /// <param name="number">Its number, less than <see cref="BlockCount"/>.</param>
    /// <returns>Offset in the image, and length there: more than 0 and at most twice <see cref="BlockBytes"/>.</returns>
    public (long OffsetBytes, int LengthBytes) Find(int number)
    {
        long offsetBytes = Entry(number);
        return (offsetBytes, (int)(Entry(number + 1) - offsetBytes));
    }

    private long Entry(int number) => _groups[number >> GroupBits][number & (GroupEntries - 1)];

    private static List<long[]> ReadTable(IBlockFile file, string name, int blockBytes, int blockCount, long tableEndBytes, long fileBytes)
    {
        var groups = new List<long[]>();
        byte[] chunk = new byte[GroupEntries * sizeof(ulong)];
        // What does not compress grows a little, by some compressors more than by zlib; twice the size is nothing that one makes.
        ulong maxBytes = 2 * (ulong)blockBytes;
        ulong previous = 0;
        for (long first = 0; first <= blockCount; first += GroupEntries)
        {
            int count = (int)Math.Min(GroupEntries, blockCount + 1 - first);
            Read(file, name, TableOffsetBytes + first * sizeof(ulong), chunk.AsSpan(0, count * sizeof(ulong)));
            long[] group = new long[count];
            for (int index = 0; index < count; index++)
            {
                long number = first + index;
                ulong offset = BinaryPrimitives.ReadUInt64BigEndian(chunk.AsSpan(index * sizeof(ulong)));
                bool isInOrder = number == 0 ? offset >= (ulong)tableEndBytes : offset > previous && offset - previous <= maxBytes;
                if (!isInOrder)
                {
                    throw Unusable(name, $"has a damaged index: {Describe(number, previous, offset)}");
                }
                if (offset > (ulong)fileBytes)
                {
                    throw Unusable(name, $"is incomplete: it has {fileBytes} bytes, and its blocks reach to byte {offset} at least");
                }
                group[index] = (long)offset;
                previous = offset;
            }
            groups.Add(group);
        }
        return groups;
    }

    private static string Describe(long number, ulong previous, ulong offset) => number == 0
        ? $"block 0 is said to begin at byte {offset}"
        : $"block {number - 1} is said to lie between the bytes {previous} and {offset}";

    private static void RequireLimits(string name, uint blockBytes, uint blockCount)
    {
        if (blockBytes == 0 || blockBytes % BlockUnitBytes != 0 || blockCount == 0)
        {
            throw Unusable(name, $"has a damaged header: {blockCount} blocks of {blockBytes} bytes");
        }
        if (blockBytes > MaxBlockBytes || blockCount > MaxBlockCount)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{name}, a cloop image, is too large to be read as it is: {blockCount} blocks of {blockBytes} bytes",
                $"up to {MaxBlockCount} blocks of up to {MaxBlockBytes} bytes are read; decompress it with extract_compressed_fs, and use that");
        }
    }

    private static CowloopException Unusable(string name, string how) => new(
        Errno.EINVAL,
        $"{name}, a cloop image, {how}",
        "get a good copy of it, or make it again with create_compressed_fs");

    private static void Read(IBlockFile file, string name, long offsetBytes, Span<byte> target)
    {
        Errno errno = file.ReadAt(offsetBytes, target);
        if (errno != Errno.None)
        {
            throw new CowloopException(errno, $"{name}, a cloop image, cannot be read at byte {offsetBytes}: {errno.Text()}", "the kernel's log may say more");
        }
    }
}
