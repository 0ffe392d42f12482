using System.Globalization;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

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
        Dictionary<string, int> documented = TableWithFirstColumn("field")
            .ToDictionary(row => row[0], row => int.Parse(row[offsetColumn], CultureInfo.InvariantCulture));
        IReadOnlyDictionary<string, HeaderField> fields = HeaderFields.Of(wordSize);

        Assert.All(fields, field => Assert.Equal(documented[field.Key], field.Value.OffsetBytes));
        Assert.Equal(documented["end of the structure"], new HeaderVariant(wordSize, BigEndian: false).StructSize);
        Assert.Equal(fields.Count + 1, documented.Count);
    }

    private static string[][] TableWithFirstColumn(string heading) =>
    [
        .. File.ReadLines(Document)
            .SkipWhile(line => !line.StartsWith($"| {heading} |", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray()),
    ];
}
