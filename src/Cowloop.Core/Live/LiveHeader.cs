using System.Buffers.Binary;
using Cowloop.Core.Format;

namespace Cowloop.Core.Live;

/// <summary>
/// The first page of a file of live bits; behind it lies a bitmap as in the cowfile. It holds a copy of the cowfile's header block as it was
/// written when the cowfile became dirty: whoever has changed the cowfile since has changed that, too.
/// </summary>
internal static class LiveHeader
{
    /// <summary>Length, and where the bitmap starts.</summary>
    public const int LengthBytes = 4096;

    private const ulong Magic = 0x4556494C574F43_7F; // the bytes 7F "COWLIVE"
    private const int VersionOffset = 8;
    private const uint Version = 1;
    private const int BootIdOffset = 16;
    private const int FileSystemOffset = 32;
    private const int InodeOffset = 40;
    private const int HeaderBlockOffset = 1024;
    private const int ChecksumOffset = LengthBytes - sizeof(uint);

    /// <summary>Builds the page.</summary>
    /// <param name="page">Gets it.</param>
    /// <param name="key">Boot and file.</param>
    /// <param name="headerBlock">The cowfile's header block.</param>
    public static void Encode(Span<byte> page, LiveKey key, ReadOnlySpan<byte> headerBlock)
    {
        page.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(page, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(page[VersionOffset..], Version);
        _ = key.BootId.TryWriteBytes(page[BootIdOffset..], bigEndian: true, out _);
        BinaryPrimitives.WriteUInt64LittleEndian(page[FileSystemOffset..], key.FileSystemId);
        BinaryPrimitives.WriteUInt64LittleEndian(page[InodeOffset..], key.Inode);
        headerBlock[..CowLayout.BlockSize].CopyTo(page[HeaderBlockOffset..]);
        BinaryPrimitives.WriteUInt32LittleEndian(page[ChecksumOffset..], Crc32C.Compute(page[..ChecksumOffset]));
    }
}
