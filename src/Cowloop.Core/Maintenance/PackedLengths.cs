using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>How long a packed cowfile is without compression, in either form. The two never agree, so the length tells the form.</summary>
/// <param name="PlainBytes">With its parts at their usual offsets (specification 5.8.2).</param>
/// <param name="UnpaddedBytes">With its parts one behind the other (specification 5.8.4).</param>
public readonly record struct PackedLengths(long PlainBytes, long UnpaddedBytes)
{
    /// <summary>Computes the lengths.</summary>
    /// <param name="header">A header with a consistent layout, and no more blocks used than the base has.</param>
    public static PackedLengths Of(CowHeader header)
    {
        ArgumentNullException.ThrowIfNull(header);
        var layout = new CowLayout((long)header.BlockCount);
        long usedBlocks = (long)header.UsedBlocks;
        return new PackedLengths(
            layout.LengthBytesFor(usedBlocks - 1),
            header.Variant.StructSize + layout.BitmapBytes + usedBlocks * CowLayout.BlockSize);
    }

    /// <summary>Computes the lengths that a packed file should have by its own header.</summary>
    /// <returns>Null when it has no header to go by, or is not packed.</returns>
    /// <exception cref="CowloopException">It can't be read.</exception>
    public static PackedLengths? TryRead(CheckedFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        byte[] start = new byte[HeaderVariant.Default.StructSize];
        file.Read(0, start.AsSpan(0, (int)Math.Min(start.Length, file.LengthBytes)), Fault.ReadHeader);
        CowHeader? header = CowHeader.Decode(start);
        return header is { HasConsistentLayout: true } && header.Flags.HasFlag(CowFlags.Packed) && header.UsedBlocks <= header.BlockCount
            ? Of(header)
            : null;
    }
}
