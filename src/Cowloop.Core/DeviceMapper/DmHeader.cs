using System.Buffers.Binary;
using System.Numerics;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.DeviceMapper;

/// <summary>The first sector of an exception store: the device on which device mapper's snapshot target keeps what changed, in its persistent format.</summary>
/// <param name="ChunkBytes">Size of a chunk: a power of two, at least one sector.</param>
internal readonly record struct DmHeader(long ChunkBytes)
{
    /// <summary>The unit in which device mapper counts.</summary>
    public const int SectorBytes = 512;

    private const uint Magic = 0x70416E53; // "SnAp"
    private const uint Version = 1;
    private const uint Valid = 1;

    // The kernel keeps a chunk's size in bytes in an int.
    private const uint MaxChunkSectors = int.MaxValue / SectorBytes;

    private static ReadOnlySpan<byte> UnfinishedText => "cowloop: an export that is not finished\n"u8;

    /// <summary>Reads the header of a store that can be used.</summary>
    /// <param name="store">The store.</param>
    /// <exception cref="CowloopException">It is no store, is not valid any more, or can't be read.</exception>
    public static DmHeader Read(CheckedFile store)
    {
        byte[] sector = new byte[SectorBytes];
        if (store.LengthBytes < sector.Length)
        {
            throw NoStore($"it has only {store.LengthBytes} bytes");
        }
        store.Read(0, sector, Fault.ReadHeader);
        if (sector.AsSpan().StartsWith(UnfinishedText))
        {
            throw new CowloopException(Errno.EINVAL, $"{store.Name} is what an interrupted export has left", "export to it once more: cowloop export-dm")
            {
                Fault = Fault.WrongMagic,
            };
        }
        if (Field(0) != Magic)
        {
            throw NoStore(sector.AsSpan().ContainsAnyExcept((byte)0) ? "its magic is missing" : "it is blank, device mapper has not used it yet");
        }
        if (Field(2) != Version)
        {
            throw new CowloopException(Errno.EINVAL, $"{store.Name} is an exception store of version {Field(2)}, known is {Version}")
            {
                Fault = Fault.WrongVersion,
            };
        }
        if (Field(1) == 0)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{store.Name} is an exception store that the kernel has marked invalid: it ran full, or could not be written",
                "a part of the changes is lost; go back to an earlier copy")
            {
                Fault = Fault.Damaged,
            };
        }
        uint chunkSectors = Field(3);
        return BitOperations.IsPow2(chunkSectors) && chunkSectors <= MaxChunkSectors
            ? new DmHeader(chunkSectors * (long)SectorBytes)
            : throw Damaged(store, $"has chunks of {chunkSectors} sectors, which is no size that device mapper knows");

        uint Field(int index) => BinaryPrimitives.ReadUInt32LittleEndian(sector.AsSpan(index * sizeof(uint)));

        CowloopException NoStore(string why) => new(
            Errno.EINVAL,
            $"{store.Name} is no exception store of a persistent device mapper snapshot: {why}",
            "name the device that the snapshot's table names after its origin, or a copy of it")
        {
            Fault = Fault.WrongMagic,
        };
    }

    /// <summary>Writes the header of a valid store to the front of a chunk.</summary>
    public void Encode(Span<byte> chunk)
    {
        chunk.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(chunk, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[4..], Valid);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[12..], (uint)(ChunkBytes / SectorBytes));
    }

    /// <summary>Writes what stands in its place until the store is complete. The kernel would take zeros for a new store, and this for none.</summary>
    public static void EncodeUnfinished(Span<byte> chunk)
    {
        chunk.Clear();
        UnfinishedText.CopyTo(chunk);
    }

    /// <summary>The refusal of a store whose parts contradict each other.</summary>
    public static CowloopException Damaged(CheckedFile store, string how) =>
        new(Errno.EINVAL, $"exception store {store.Name} {how}", "it is damaged, or the base is not its origin") { Fault = Fault.Damaged };
}
