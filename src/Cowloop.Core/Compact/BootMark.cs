using System.Buffers.Binary;
using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

/// <summary>
/// Says in which boot a store was written last. In the same boot everything that was written is there, though nobody may have made it durable;
/// after a loss of power it is another boot.
/// </summary>
internal static class BootMark
{
    /// <summary>Length in bytes.</summary>
    public const int LengthBytes = CompactLayout.SectorBytes;

    private const ulong Magic = 0x544F4F42_574F437F; // the bytes 7F "COWBOOT"
    private const int IdOffset = 8;
    private const int ChecksumOffset = LengthBytes - sizeof(uint);

    /// <summary>Builds the sector.</summary>
    /// <param name="sector">Gets it; 512 bytes.</param>
    /// <param name="bootId">The kernel's random number of this boot.</param>
    public static void Encode(Span<byte> sector, Guid bootId)
    {
        sector.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(sector, Magic);
        _ = bootId.TryWriteBytes(sector[IdOffset..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[ChecksumOffset..], Crc32C.Compute(sector[..ChecksumOffset]));
    }
}
