using System.Buffers.Binary;

namespace Cowloop.Core.Format;

/// <summary>Flag bits of a cowfile header (specification 1.8).</summary>
[Flags]
public enum CowFlags : ushort
{
    /// <summary>At rest and unpacked.</summary>
    None = 0,
    /// <summary>There may be blocks that the bitmap on disk does not show.</summary>
    Dirty = 0x0001,
    /// <summary>The result of <c>cowpack -p</c>: not usable before it is unpacked.</summary>
    Packed = 0x0002,
    /// <summary>
    /// The bitmap on disk is authoritative: a block without a bit is an unfinished write, never one that was lost (specification 7.1, W10).
    /// The originals ignore and clear it.
    /// </summary>
    BitmapDecides = 0x0004,
}

/// <summary>The word size and byte order of the machine that made a cowfile; an existing file keeps its own.</summary>
/// <param name="WordSize">Size of the header's long fields: 8 or 4 bytes.</param>
/// <param name="BigEndian">Byte order of all fields.</param>
public readonly record struct HeaderVariant(int WordSize, bool BigEndian)
{
    /// <summary>What new files get (specification 7.1, W1).</summary>
    public static HeaderVariant Default => new(8, false);

    /// <summary>Length of the structure at the front of the header block.</summary>
    public int StructSize => 8 + 6 * WordSize;
}

/// <summary>
/// The header structure of a cowfile (specification 1.2). The codec touches only the structure, so the reserved rest
/// of the header block survives a rewrite.
/// </summary>
public sealed record CowHeader
{
    /// <summary>The original's version.</summary>
    public const short ClassicVersion = 1;

    /// <summary>
    /// The version of a cowfile that the original could not take: its device is larger than what lies below it, and its record says so, or larger than 4 TiB.
    /// All else is as in the original's.
    /// </summary>
    public const short LargerVersion = 2;

    /// <summary>The newest version that is known.</summary>
    public const short NewestVersion = LargerVersion;

    private const uint Magic = 0x574F437F;

    /// <summary>How the numbers are stored.</summary>
    public required HeaderVariant Variant { get; init; }

    /// <summary>Format version.</summary>
    public short Version { get; init; } = ClassicVersion;

    /// <summary>True for a version that this program knows.</summary>
    public bool HasKnownVersion => Version is >= ClassicVersion and <= NewestVersion;

    /// <summary>State; unknown bits are kept.</summary>
    public CowFlags Flags { get; init; }

    /// <summary>Block size; always 1024.</summary>
    public ulong MapUnit { get; init; } = CowLayout.BlockSize;

    /// <summary>Length of the bitmap in bytes.</summary>
    public required ulong MapSize { get; init; }

    /// <summary>Where block 0 lies.</summary>
    public required ulong DataOffset { get; init; }

    /// <summary>Blocks of the base.</summary>
    public required ulong BlockCount { get; init; }

    /// <summary>Low 32 bits of the stored fingerprint; the upper half of a 64-bit header is only its sign (specification 2.2).</summary>
    public required uint Fingerprint { get; init; }

    /// <summary>Number of 1-bits when the file was last clean (cowused).</summary>
    public ulong UsedBlocks { get; init; }

    /// <summary>The version that a cowfile needs.</summary>
    /// <param name="layout">Its layout.</param>
    /// <param name="isLargerThanBase">True when its device is larger than what lies below.</param>
    public static short VersionFor(CowLayout layout, bool isLargerThanBase) =>
        isLargerThanBase || layout.BlockCount > CowLayout.MaxClassicBlockCount ? LargerVersion : ClassicVersion;

    /// <summary>The header of a new file whose device is as large as what lies below.</summary>
    public static CowHeader ForNewFile(CowLayout layout, uint fingerprint) => new()
    {
        Variant = HeaderVariant.Default,
        Version = VersionFor(layout, isLargerThanBase: false),
        MapSize = (ulong)layout.BitmapBytes,
        DataOffset = (ulong)layout.DataOffsetBytes,
        BlockCount = (ulong)layout.BlockCount,
        Fingerprint = fingerprint,
    };

    /// <summary>
    /// True when mapunit, mapsize and doffset are what the block count demands (specification 1.3 and 1.4).
    /// </summary>
    public bool HasConsistentLayout
    {
        get
        {
            long maxBlockCount = Version == ClassicVersion ? CowLayout.MaxClassicBlockCount : CowLayout.MaxBlockCount;
            if (MapUnit != CowLayout.BlockSize || BlockCount == 0 || BlockCount > (ulong)maxBlockCount)
            {
                return false;
            }
            var layout = new CowLayout((long)BlockCount);
            return MapSize == (ulong)layout.BitmapBytes && DataOffset == (ulong)layout.DataOffsetBytes;
        }
    }

    /// <summary>
    /// Reads a header in whichever of the four variants it is (specification 1.3). When no variant gives a consistent
    /// layout the likelier one is returned for diagnosis: ask <see cref="HasConsistentLayout"/>.
    /// </summary>
    /// <param name="headerBlock">At least the first 56 bytes of the file.</param>
    /// <returns>Null when the magic is missing: not a cowfile.</returns>
    public static CowHeader? Decode(ReadOnlySpan<byte> headerBlock)
    {
        bool bigEndian;
        if (BinaryPrimitives.ReadUInt32LittleEndian(headerBlock) == Magic)
        {
            bigEndian = false;
        }
        else if (BinaryPrimitives.ReadUInt32BigEndian(headerBlock) == Magic)
        {
            bigEndian = true;
        }
        else
        {
            return null;
        }

        CowHeader wide = DecodeAs(headerBlock, new HeaderVariant(8, bigEndian));
        if (wide.HasConsistentLayout)
        {
            return wide;
        }
        CowHeader narrow = DecodeAs(headerBlock, new HeaderVariant(4, bigEndian));
        return narrow.HasConsistentLayout || wide.MapUnit != CowLayout.BlockSize ? narrow : wide;
    }

    /// <summary>Writes the structure to the front of <paramref name="headerBlock"/>; the bytes behind it stay as they are.</summary>
    public void Encode(Span<byte> headerBlock)
    {
        WriteUInt32(headerBlock, Magic);
        WriteUInt16(headerBlock[4..], (ushort)Version);
        WriteUInt16(headerBlock[6..], (ushort)Flags);
        WriteWord(headerBlock, 0, MapUnit);
        WriteWord(headerBlock, 1, MapSize);
        WriteWord(headerBlock, 2, DataOffset);
        WriteWord(headerBlock, 3, BlockCount);
        // The originals compare the whole word, and theirs is a sign-extended 32-bit number (specification 2.2).
        WriteWord(headerBlock, 4, (ulong)(int)Fingerprint);
        WriteWord(headerBlock, 5, UsedBlocks);
    }

    /// <summary>Writes other flags into a structure that this header was decoded from; every other byte stays as it was found.</summary>
    public void EncodeFlags(Span<byte> headerBlock, CowFlags flags) => WriteUInt16(headerBlock[6..], (ushort)flags);

    private static CowHeader DecodeAs(ReadOnlySpan<byte> block, HeaderVariant variant) => new()
    {
        Variant = variant,
        Version = (short)ReadUInt16(block[4..], variant),
        Flags = (CowFlags)ReadUInt16(block[6..], variant),
        MapUnit = ReadWord(block, 0, variant),
        MapSize = ReadWord(block, 1, variant),
        DataOffset = ReadWord(block, 2, variant),
        BlockCount = ReadWord(block, 3, variant),
        Fingerprint = (uint)ReadWord(block, 4, variant),
        UsedBlocks = ReadWord(block, 5, variant),
    };

    private static ushort ReadUInt16(ReadOnlySpan<byte> source, HeaderVariant variant) => variant.BigEndian
        ? BinaryPrimitives.ReadUInt16BigEndian(source)
        : BinaryPrimitives.ReadUInt16LittleEndian(source);

    private static ulong ReadWord(ReadOnlySpan<byte> block, int index, HeaderVariant variant)
    {
        ReadOnlySpan<byte> source = block[(8 + index * variant.WordSize)..];
        return variant switch
        {
            { WordSize: 8, BigEndian: true } => BinaryPrimitives.ReadUInt64BigEndian(source),
            { WordSize: 8 } => BinaryPrimitives.ReadUInt64LittleEndian(source),
            { BigEndian: true } => BinaryPrimitives.ReadUInt32BigEndian(source),
            _ => BinaryPrimitives.ReadUInt32LittleEndian(source),
        };
    }

    private void WriteUInt16(Span<byte> target, ushort value)
    {
        if (Variant.BigEndian)
        {
            BinaryPrimitives.WriteUInt16BigEndian(target, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt16LittleEndian(target, value);
        }
    }

    private void WriteUInt32(Span<byte> target, uint value)
    {
        if (Variant.BigEndian)
        {
            BinaryPrimitives.WriteUInt32BigEndian(target, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(target, value);
        }
    }

    private void WriteWord(Span<byte> block, int index, ulong value)
    {
        Span<byte> target = block[(8 + index * Variant.WordSize)..];
        if (Variant.WordSize == 4)
        {
            WriteUInt32(target, (uint)value);
        }
        else if (Variant.BigEndian)
        {
            BinaryPrimitives.WriteUInt64BigEndian(target, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(target, value);
        }
    }
}
