using System.Runtime.InteropServices;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>
/// How large the device is, where operations go and what is looked at. A sector's content is a stamp, a number repeated: so a sector that is torn, or in
/// the wrong place, is told from every other one.
/// </summary>
public sealed class Geometry
{
    /// <summary>Stands for a sector that is not one stamp.</summary>
    public const ulong Torn = ulong.MaxValue;

    /// <summary>Sectors of a block.</summary>
    public const int SectorsPerBlock = CowLayout.BlockSize / UnsettledFile.SectorBytes;

    // The unit of holes: one block, so that a discarded block is a hole.
    private const int PageBytes = CowLayout.BlockSize;

    private const ulong BaseStamp = 0xBA00_0000_0000_0000;
    private const ulong WrittenStamp = 0x5700_0000_0000_0000;

    private readonly BlockRun[] _observed;

    private Geometry(string name, int blockCount, BlockRun[] observed, BlockRun[] focus, int? chunkBytes = null)
    {
        ChunkBytes = chunkBytes;
        Name = name;
        BlockCount = blockCount;
        _observed = observed;
        Focus = focus;
        foreach (BlockRun run in observed)
        {
            UnitCount += (int)run.BlockCount * SectorsPerBlock;
        }
    }

    /// <summary>Three blocks side by side, two of them in the fingerprint window.</summary>
    public static Geometry Small { get; } = new("Small", 6, [new BlockRun(0, 6)], [new BlockRun(2, 3)]);

    /// <summary>Blocks whose bits lie in different sectors and in different blocks of the bitmap.</summary>
    public static Geometry Wide { get; } =
        new("Wide", 8200, [new BlockRun(4093, 5), new BlockRun(8190, 4)], [new BlockRun(4095, 2), new BlockRun(8191, 2)]);

    /// <summary>Blocks of two stripes, so that writers are under way at the same time.</summary>
    public static Geometry Striped { get; } = new("Striped", 70, [new BlockRun(61, 6)], [new BlockRun(62, 4)]);

    /// <summary>Blocks of two small chunks of a compact store, and the last chunk is not whole.</summary>
    public static Geometry Compact { get; } = new("Compact", 10, [new BlockRun(0, 10)], [new BlockRun(0, 10)], CompactLayout.MinChunkBytes);

    /// <summary>Blocks of two larger chunks.</summary>
    public static Geometry CompactLarge { get; } =
        new("CompactLarge", 300, [new BlockRun(125, 6), new BlockRun(254, 4)], [new BlockRun(126, 4)], 128 << 10);

    /// <summary>Size of a chunk where cowfiles are compact stores; else null.</summary>
    public int? ChunkBytes { get; }

    /// <summary>Name of the property that gives it.</summary>
    public string Name { get; }

    /// <summary>Blocks of the base.</summary>
    public int BlockCount { get; }

    /// <summary>The blocks that operations go to.</summary>
    public IReadOnlyList<BlockRun> Focus { get; }

    /// <summary>Number of sectors that are looked at. A unit is the number of one of them.</summary>
    public int UnitCount { get; }

    /// <summary>The unit of a sector of the device.</summary>
    public int UnitOf(int sector)
    {
        int unit = 0;
        foreach (BlockRun run in _observed)
        {
            int first = (int)run.FirstBlock * SectorsPerBlock;
            int count = (int)run.BlockCount * SectorsPerBlock;
            if (sector >= first && sector < first + count)
            {
                return unit + sector - first;
            }
            unit += count;
        }
        throw new ArgumentOutOfRangeException(nameof(sector), sector, "not a sector that is looked at");
    }

    /// <summary>The sector of the device that a unit is.</summary>
    public int SectorOf(int unit)
    {
        foreach (BlockRun run in _observed)
        {
            int count = (int)run.BlockCount * SectorsPerBlock;
            if (unit < count)
            {
                return (int)run.FirstBlock * SectorsPerBlock + unit;
            }
            unit -= count;
        }
        throw new ArgumentOutOfRangeException(nameof(unit));
    }

    /// <summary>An empty file on the filesystem that the files of this disk are on.</summary>
    public static MemoryFile NewFile() => new(PageBytes);

    /// <summary>A file for a cowfile that is to be made.</summary>
    public MemoryFile NewCowfile()
    {
        MemoryFile file = NewFile();
        if (ChunkBytes is int chunkBytes)
        {
            CompactFile.Format(file, Name, new Guid(BlockCount, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), chunkBytes, new CowLayout(BlockCount));
        }
        return file;
    }

    /// <summary>What the units hold when nothing has been written.</summary>
    public ulong[] BaseStamps()
    {
        ulong[] stamps = new ulong[UnitCount];
        for (int unit = 0; unit < stamps.Length; unit++)
        {
            stamps[unit] = BaseStamp | (uint)unit;
        }
        return stamps;
    }

    /// <summary>What the units of a base hold that a cowfile is put on: blocks of its own, of the first base, and what their first write would write.</summary>
    /// <param name="number">Tells it from others; 0 is the first one.</param>
    public ulong[] BaseStamps(int number)
    {
        ulong[] stamps = BaseStamps();
        for (int unit = 0; unit < stamps.Length && number > 0; unit++)
        {
            stamps[unit] = (SectorOf(unit) / SectorsPerBlock % 3) switch
            {
                0 => StampOf(unit, 1),
                1 => stamps[unit] | (ulong)number << 16,
                _ => stamps[unit],
            };
        }
        return stamps;
    }

    /// <summary>What a unit gets by its n-th write.</summary>
    public static ulong StampOf(int unit, int version) => WrittenStamp | (ulong)version << 16 | (uint)unit;

    /// <summary>Says in words what a stamp is.</summary>
    public static string Describe(ulong stamp) => stamp switch
    {
        0 => "zeros",
        Torn => "no single value",
        _ when stamp >> 56 == BaseStamp >> 56 => $"unit {stamp & 0xFFFF} of base {stamp >> 16 & 0xFFFF}",
        _ => $"write {stamp >> 16 & 0xFFFF} of unit {stamp & 0xFFFF}",
    };

    /// <summary>A new base. Its first four blocks count for the fingerprint, so that it is found quickly.</summary>
    /// <param name="number">Tells it from others.</param>
    public MemoryFile NewBase(int number)
    {
        var file = new MemoryFile(PageBytes) { Inode = number + 1 };
        file.SetLength((long)BlockCount * CowLayout.BlockSize).MustBeNone();
        for (int block = 0; block < BaseFingerprint.CountedBlocks; block++)
        {
            file.WriteAt(block * CowLayout.BlockSize, [(byte)(number + 1)]).MustBeNone();
        }
        ulong[] stamps = BaseStamps(number);
        for (int unit = 0; unit < stamps.Length; unit++)
        {
            file.WriteAt((long)SectorOf(unit) * UnsettledFile.SectorBytes, Fill(stamps.AsSpan(unit, 1))).MustBeNone();
        }
        return file;
    }

    /// <summary>The stamp of a sector.</summary>
    public static ulong StampOf(ReadOnlySpan<byte> sector)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(sector);
        return words[..^1].ContainsAnyExcept(words[0]) || words[^1] != CheckWord(words[0]) ? Torn : words[0];
    }

    /// <summary>The bytes of sectors with these stamps.</summary>
    public static byte[] Fill(ReadOnlySpan<ulong> stamps)
    {
        byte[] bytes = new byte[stamps.Length * UnsettledFile.SectorBytes];
        for (int index = 0; index < stamps.Length; index++)
        {
            Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes.AsSpan(index * UnsettledFile.SectorBytes, UnsettledFile.SectorBytes));
            words.Fill(stamps[index]);
            words[^1] = CheckWord(stamps[index]);
        }
        return bytes;
    }

    // Without it the sums that the fingerprint is made of would all be much the same.
    private static ulong CheckWord(ulong stamp) => stamp * 0x9E3779B97F4A7C15;
}
