using System.Buffers.Binary;
using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

/// <summary>
/// The first sector of a compact store: what changes only when the store may become larger. All else is in the cowfile's header block and its record.
/// </summary>
/// <param name="Id">Random UUID of the store.</param>
/// <param name="ChunkBytes">Size of a chunk.</param>
/// <param name="BlockCount">Blocks of the device.</param>
internal sealed record CompactHeader(Guid Id, int ChunkBytes, long BlockCount)
{
    /// <summary>Length in bytes.</summary>
    public const int LengthBytes = CompactLayout.SectorBytes;

    private const ulong Magic = 0x54434150_4D4F437F; // the bytes 7F "COMPACT"
    private const uint Version = 1;
    private const int VersionOffset = 8;
    private const int FeaturesOffset = 12;
    private const int IdOffset = 16;
    private const uint OnDeviceFeature = 1;
    private const int ChunkBytesOffset = 32;
    private const int GroupCountOffset = 36;
    private const int BlockCountOffset = 40;
    private const int LimitOffset = 48;
    private const int ChecksumOffset = LengthBytes - sizeof(uint);

    /// <summary>True for a store on a block device: it has as many groups as its header counts. Another one has as many as its length says.</summary>
    public bool IsOnDevice { get; init; }

    /// <summary>Groups in use on a block device; else 0.</summary>
    public int GroupCount { get; init; }

    /// <summary>How long a store in a file may get, in bytes; 0: as long as its filesystem has space. On a block device 0.</summary>
    public long LimitBytes { get; init; }

    /// <summary>What the sectors of the store's tables are known by.</summary>
    public ulong Key
    {
        get
        {
            Span<byte> id = stackalloc byte[16];
            _ = Id.TryWriteBytes(id, bigEndian: true, out _);
            return BinaryPrimitives.ReadUInt64LittleEndian(id);
        }
    }

    /// <summary>True for a sector that begins as a compact store does.</summary>
    public static bool HasMagic(ReadOnlySpan<byte> sector) => BinaryPrimitives.ReadUInt64LittleEndian(sector) == Magic;

    /// <summary>Builds the sector.</summary>
    public void Encode(Span<byte> sector)
    {
        sector.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[VersionOffset..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[FeaturesOffset..], IsOnDevice ? OnDeviceFeature : 0);
        _ = Id.TryWriteBytes(sector[IdOffset..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[ChunkBytesOffset..], (uint)ChunkBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[GroupCountOffset..], (uint)GroupCount);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[BlockCountOffset..], (ulong)BlockCount);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[LimitOffset..], (ulong)LimitBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[ChecksumOffset..], Crc32C.Compute(sector[..ChecksumOffset]));
    }

    /// <summary>Reads the sector, which has the magic.</summary>
    /// <param name="sector">512 bytes.</param>
    /// <param name="name">The store as the user named it.</param>
    /// <exception cref="CowloopException">It is damaged, or of a newer version.</exception>
    public static CompactHeader Decode(ReadOnlySpan<byte> sector, string name)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(sector[ChecksumOffset..]) != Crc32C.Compute(sector[..ChecksumOffset]))
        {
            throw Damaged(name, "has a damaged first sector");
        }
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(sector[VersionOffset..]);
        uint features = BinaryPrimitives.ReadUInt32LittleEndian(sector[FeaturesOffset..]);
        if (version != Version || (features & ~OnDeviceFeature) != 0)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"compact store {name} has version {version} with features {features:x}, known is version {Version}",
                "use the program that made it, or a newer one")
            {
                Fault = Fault.WrongVersion,
            };
        }
        uint chunkBytes = BinaryPrimitives.ReadUInt32LittleEndian(sector[ChunkBytesOffset..]);
        ulong blockCount = BinaryPrimitives.ReadUInt64LittleEndian(sector[BlockCountOffset..]);
        ulong limitBytes = BinaryPrimitives.ReadUInt64LittleEndian(sector[LimitOffset..]);
        if (limitBytes > (features == OnDeviceFeature ? 0UL : long.MaxValue))
        {
            throw Damaged(name, $"says that it is limited to {limitBytes} bytes");
        }
        return blockCount is >= 1 and <= (ulong)CowLayout.MaxBlockCount && CompactLayout.IsChunkSizeFor(new CowLayout((long)blockCount), chunkBytes)
            ? new CompactHeader(new Guid(sector.Slice(IdOffset, 16), bigEndian: true), (int)chunkBytes, (long)blockCount)
            {
                IsOnDevice = features == OnDeviceFeature,
                GroupCount = (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(sector[GroupCountOffset..])),
                LimitBytes = (long)limitBytes,
            }
            : throw Damaged(name, $"says that it has {blockCount} blocks in chunks of {chunkBytes} bytes");
    }

    /// <summary>The refusal of a store that contradicts itself.</summary>
    public static CowloopException Damaged(string name, string how) => new(Errno.EINVAL, $"compact store {name} {how}", "restore it from a copy")
    {
        Fault = Fault.Damaged,
    };
}
