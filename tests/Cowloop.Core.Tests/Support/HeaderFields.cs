using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Support;

/// <summary>Where a field lies in an encoded header.</summary>
/// <param name="OffsetBytes">Its first byte.</param>
/// <param name="SizeBytes">How many it has.</param>
internal readonly record struct HeaderField(int OffsetBytes, int SizeBytes);

/// <summary>The fields by the names of the format's documents, as the codec places them.</summary>
internal static class HeaderFields
{
    /// <summary>Every field is filled by itself; the bytes that differ then are the field.</summary>
    /// <param name="wordSize">Size of a word in bytes.</param>
    public static IReadOnlyDictionary<string, HeaderField> Of(int wordSize)
    {
        var variant = new HeaderVariant(wordSize, BigEndian: false);
        var zero = new CowHeader { Variant = variant, Version = 0, MapUnit = 0, MapSize = 0, DataOffset = 0, BlockCount = 0, Fingerprint = 0 };
        ulong word = wordSize == sizeof(ulong) ? ulong.MaxValue : uint.MaxValue;
        var filled = new Dictionary<string, CowHeader>
        {
            ["version"] = zero with { Version = -1 },
            ["flags"] = zero with { Flags = (CowFlags)ushort.MaxValue },
            ["mapunit"] = zero with { MapUnit = word },
            ["mapsize"] = zero with { MapSize = word },
            ["doffset"] = zero with { DataOffset = word },
            ["rdoblocks"] = zero with { BlockCount = word },
            ["rdofingerprint"] = zero with { Fingerprint = uint.MaxValue },
            ["cowused"] = zero with { UsedBlocks = word },
        };
        Dictionary<string, HeaderField> fields = filled.ToDictionary(field => field.Key, field => Difference(Encode(zero), Encode(field.Value)));
        fields["magic"] = Difference(new byte[CowLayout.BlockSize], Encode(zero));
        return fields;
    }

    private static byte[] Encode(CowHeader header)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        header.Encode(block);
        return block;
    }

    private static HeaderField Difference(byte[] left, byte[] right)
    {
        int[] changed = [.. Enumerable.Range(0, left.Length).Where(index => left[index] != right[index])];
        return new HeaderField(changed[0], changed[^1] + 1 - changed[0]);
    }
}
