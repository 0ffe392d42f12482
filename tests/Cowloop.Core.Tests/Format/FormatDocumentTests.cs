using System.Globalization;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Format;

/// <summary>docs/format.md is normative: its tables are compared with what the code does.</summary>
public sealed class FormatDocumentTests
{
    private static readonly string Document = Path.Combine(Repository.Root, "docs", "format.md");

    [Fact]
    public void Example_sizes_are_what_the_layout_computes()
    {
        string[][] rows = TableWithFirstColumn("size of the base");
        Assert.NotEmpty(rows);
        foreach (string[] row in rows)
        {
            long[] numbers = [.. row.Select(cell => long.Parse(cell, CultureInfo.InvariantCulture))];
            var layout = new CowLayout(numbers[0] / CowLayout.BlockSize);
            long[] computed = [layout.BlockCount, layout.BitmapBytes, layout.DataOffsetBytes, layout.EmptyLengthBytes];
            Assert.Equal(numbers[1..], computed);
        }
    }

    [Fact]
    public void Packed_files_are_as_long_as_the_document_says()
    {
        string[][] rows = TableWithFirstColumn("cow blocks of 1024");
        Assert.NotEmpty(rows);
        foreach (string[] row in rows)
        {
            long[] numbers = [.. row.Select(cell => long.Parse(cell, CultureInfo.InvariantCulture))];
            CowHeader wide = CowHeader.ForNewFile(new CowLayout(1024), 0) with { UsedBlocks = (ulong)numbers[0] };
            CowHeader narrow = wide with { Variant = new HeaderVariant(4, BigEndian: false) };
            Assert.Equal(new PackedLengths(numbers[1], numbers[2]), PackedLengths.Of(wide));
            Assert.Equal(new PackedLengths(numbers[1], numbers[3]), PackedLengths.Of(narrow));
        }
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(4, 2)]
    public void Header_fields_lie_where_the_document_says(int wordSize, int offsetColumn)
    {
        // Every field is changed by itself; the bytes that differ then must start at the documented offset.
        var variant = new HeaderVariant(wordSize, BigEndian: false);
        var zero = new CowHeader { Variant = variant, Version = 0, MapUnit = 0, MapSize = 0, DataOffset = 0, BlockCount = 0, Fingerprint = 0 };
        var changed = new Dictionary<string, CowHeader>
        {
            ["version"] = zero with { Version = 1 },
            ["flags"] = zero with { Flags = CowFlags.Dirty },
            ["mapunit"] = zero with { MapUnit = 1 },
            ["mapsize"] = zero with { MapSize = 1 },
            ["doffset"] = zero with { DataOffset = 1 },
            ["rdoblocks"] = zero with { BlockCount = 1 },
            ["rdofingerprint"] = zero with { Fingerprint = 1 },
            ["cowused"] = zero with { UsedBlocks = 1 },
        };
        Dictionary<string, int> documented = TableWithFirstColumn("field")
            .ToDictionary(row => row[0], row => int.Parse(row[offsetColumn], CultureInfo.InvariantCulture));

        foreach ((string field, CowHeader header) in changed)
        {
            Assert.Equal(documented[field], FirstDifference(Encode(zero), Encode(header)));
        }
        Assert.Equal(documented["magic"], FirstDifference(new byte[CowLayout.BlockSize], Encode(zero)));
        Assert.Equal(documented["end of the structure"], variant.StructSize);
        Assert.Equal(changed.Count + 2, documented.Count);
    }

    private static byte[] Encode(CowHeader header)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        header.Encode(block);
        return block;
    }

    private static int FirstDifference(byte[] left, byte[] right) => left.AsSpan().CommonPrefixLength(right);

    private static string[][] TableWithFirstColumn(string heading) =>
    [
        .. File.ReadLines(Document)
            .SkipWhile(line => !line.StartsWith($"| {heading} |", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray()),
    ];
}
