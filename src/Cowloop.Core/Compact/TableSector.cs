using System.Buffers.Binary;
using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

/// <summary>
/// A sector of a compact store's tables: 496 bytes of content, and who it belongs to with a checksum behind. One that was never written is zeros.
/// </summary>
internal static class TableSector
{
    /// <summary>Bytes of content.</summary>
    public const int PayloadBytes = KeyOffset;

    /// <summary>Bits of content.</summary>
    public const int PayloadBits = PayloadBytes * 8;

    private const int KeyOffset = 496;
    private const int NumberOffset = 504;
    private const int ChecksumOffset = 508;

    /// <summary>Puts the end on a sector whose content is there.</summary>
    /// <param name="sector">512 bytes.</param>
    /// <param name="key">The store's key.</param>
    /// <param name="number">Number of the sector in its table.</param>
    public static void Seal(Span<byte> sector, ulong key, uint number)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(sector[KeyOffset..], key);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[NumberOffset..], number);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[ChecksumOffset..], Crc32C.Compute(sector[..ChecksumOffset]));
    }

    /// <summary>True for a sector that was never written.</summary>
    public static bool IsBlank(ReadOnlySpan<byte> sector) => !sector.ContainsAnyExcept((byte)0);

    /// <summary>True for a sector that is what it says and belongs where it was found.</summary>
    public static bool IsSound(ReadOnlySpan<byte> sector, ulong key, uint number) =>
        BinaryPrimitives.ReadUInt64LittleEndian(sector[KeyOffset..]) == key
        && BinaryPrimitives.ReadUInt32LittleEndian(sector[NumberOffset..]) == number
        && BinaryPrimitives.ReadUInt32LittleEndian(sector[ChecksumOffset..]) == Crc32C.Compute(sector[..ChecksumOffset]);
}
