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

    /// <summary>Each field is changed alone: nothing else than its bytes, and the checksum, may change.</summary>
    [Fact]
    public void Record_fields_lie_where_the_document_says()
    {
        string[][] rows = TableWithFirstColumn("record field");
        Dictionary<string, (int Offset, int Size)> documented = rows
            .Where(row => row[0] != "reserved")
            .ToDictionary(row => row[0], row => (int.Parse(row[1], CultureInfo.InvariantCulture), int.Parse(row[2], CultureInfo.InvariantCulture)));
        var record = new ExtensionRecord
        {
            Id = Guid.Empty,
            BaseLengthBytes = 0,
            BaseIdentity = default,
            BaseDigest = Fixtures.Filled(32, 1),
            BaseHints = new BaseHints(1, 1, 1, 1),
            BasePath = "a",
            Parent = new ParentLink(Guid.Empty, 0, "p"),
            Merged = new MergedLayer(Guid.Empty, 0, 0, IsComplete: true),
        };
        BaseHints hints = record.BaseHints.Value;
        ParentLink parent = record.Parent.Value;
        MergedLayer merged = record.Merged.Value;
        var changed = new Dictionary<string, ExtensionRecord>
        {
            ["accepted changes"] = record with { AcceptedChangeCount = uint.MaxValue },
            ["id"] = record with { Id = new Guid(Fixtures.Filled(16, 0xFF)) },
            ["generation"] = record with { Generation = ulong.MaxValue },
            ["base length"] = record with { BaseLengthBytes = -1 },
            ["head"] = record with { BaseIdentity = new BaseIdentity(UInt128.MaxValue, 0, 0) },
            ["samples"] = record with { BaseIdentity = new BaseIdentity(0, UInt128.MaxValue, 0) },
            ["tail"] = record with { BaseIdentity = new BaseIdentity(0, 0, UInt128.MaxValue) },
            ["digest"] = record with { BaseDigest = Fixtures.Filled(32, 0xFF) },
            ["filesystem"] = record with { BaseHints = hints with { FileSystemId = ulong.MaxValue - 1 } },
            ["inode"] = record with { BaseHints = hints with { Inode = ulong.MaxValue - 1 } },
            ["modified"] = record with { BaseHints = hints with { ModifiedNanoseconds = -2 } },
            ["changed"] = record with { BaseHints = hints with { ChangedNanoseconds = -2 } },
            ["paths"] = record with { BasePath = "b" },
            ["parent id"] = record with { Parent = parent with { Id = new Guid(Fixtures.Filled(16, 0xFF)) } },
            ["parent generation"] = record with { Parent = parent with { Generation = ulong.MaxValue } },
            ["merged id"] = record with { Merged = merged with { Id = new Guid(Fixtures.Filled(16, 0xFF)) } },
            ["merged generation"] = record with { Merged = merged with { Generation = ulong.MaxValue } },
            ["merged former"] = record with { Merged = merged with { FormerGeneration = ulong.MaxValue } },
        };
        byte[] before = Encoded(record);
        (int checksumOffset, int checksumSize) = documented["checksum"];

        Assert.Equal(documented.Keys.Except(["magic", "version", "path length", "parent path length", "required features", "checksum"]).Order(), changed.Keys.Order());
        foreach ((string field, ExtensionRecord other) in changed)
        {
            int[] differing = [.. Enumerable.Range(0, checksumOffset).Where(index => Encoded(other)[index] != before[index])];
            (int offset, int size) = documented[field];
            Assert.Equal(field == "paths" ? [offset] : Enumerable.Range(offset, size), differing);
        }
        Assert.Equal("COWLOOPX"u8.ToArray(), before.AsSpan(documented["magic"].Offset, documented["magic"].Size));
        Assert.Equal(1, before[documented["version"].Offset]);
        Assert.Equal(1, before[documented["path length"].Offset]);
        Assert.Equal(1, before[documented["parent path length"].Offset]);
        Assert.Equal("ap"u8.ToArray(), before.AsSpan(documented["paths"].Offset, 2));
        Assert.Equal(ExtensionRecord.MaxPathBytes, documented["paths"].Size);
        Assert.Equal(ExtensionRecord.LengthBytes, checksumOffset + checksumSize);
        Assert.Equal(ExtensionRecord.LengthBytes, rows.Sum(row => int.Parse(row[2], CultureInfo.InvariantCulture)));

        static byte[] Encoded(ExtensionRecord shown)
        {
            byte[] block = new byte[1024];
            shown.Encode(block);
            return block[512..];
        }
    }

    [Fact]
    public void Required_features_have_the_values_of_the_document()
    {
        ExtensionRecord plain = new() { Id = Guid.Empty, BaseLengthBytes = 0, BaseIdentity = default };
        var features = new Dictionary<string, ExtensionRecord>
        {
            ["parent"] = plain with { Parent = new ParentLink(Guid.Empty, 0, "") },
            ["sealed"] = plain with { IsSealed = true },
            ["merged"] = plain with { Merged = new MergedLayer(Guid.Empty, 0, 0, IsComplete: true) },
            ["merging"] = plain with { Merged = new MergedLayer(Guid.Empty, 0, 0, IsComplete: false) },
            ["larger"] = plain with { IsLargerThanBase = true },
        };
        Dictionary<string, uint> documented = TableWithFirstColumn("required feature")
            .ToDictionary(row => row[0], row => uint.Parse(row[1], CultureInfo.InvariantCulture));

        Assert.Equal(documented.Keys.Order(), features.Keys.Order());
        foreach ((string name, ExtensionRecord record) in features)
        {
            byte[] block = new byte[1024];
            record.Encode(block);
            Assert.Equal(documented[name], BitConverter.ToUInt32(block, 512 + 12));
            Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(block, out ExtensionRecord? decoded));
            Assert.Equal(record, decoded);
        }
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
