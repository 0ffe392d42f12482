using System.Globalization;
using Cowloop.Core.Compact;
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

    [Fact]
    public void Compact_stores_have_the_sizes_of_the_document()
    {
        string[][] rows = TableWithFirstColumn("chunk size");
        Assert.Equal(Enumerable.Range(12, 9).Select(power => 1L << power), rows.Select(row => long.Parse(row[0], CultureInfo.InvariantCulture)));
        foreach (string[] row in rows)
        {
            long[] numbers = [.. row.Select(cell => long.Parse(cell, CultureInfo.InvariantCulture))];
            var layout = new CompactLayout(new CowLayout(1), (int)numbers[0]);
            long tableBytes = layout.TableEndBytes(0) - layout.TableOffsetBytes(0);
            long[] computed =
            [
                layout.BlocksPerChunk, layout.DescriptorBytes, layout.DescriptorsPerSector, layout.ChunksPerGroup,
                tableBytes * 1_000_000 / (layout.ChunksPerGroup * numbers[0]),
            ];
            Assert.Equal(numbers[1..], computed);
        }
    }

    [Fact]
    public void The_parts_of_a_compact_store_lie_where_the_document_says()
    {
        string[][] rows = TableWithFirstColumn("store offset");
        var layout = new CompactLayout(new CowLayout(4 * 3969), 4096);
        string sectors = $"{CompactLayout.SectorBytes} for each {TableSector.PayloadBits} chunks of the device, or part of them";

        Assert.Equal(["0", $"{CompactLayout.HeaderOffsetBytes}", $"{CompactLayout.BootMarkOffsetBytes}", $"{CompactLayout.ZeroMapOffsetBytes}"], rows[..4].Select(row => row[0]));
        Assert.Equal([$"{CompactHeader.LengthBytes}", $"{CowLayout.BlockSize}", $"{BootMark.LengthBytes}", sectors], rows[..4].Select(row => row[1]));
        Assert.Equal(2, layout.ZeroMapSectorCount);
        Assert.Equal(CompactLayout.ZeroMapOffsetBytes + 4096, layout.GroupsOffsetBytes);
        Assert.StartsWith($"{layout.TableEndBytes(0) - layout.TableOffsetBytes(0)} ", rows[4][1], StringComparison.Ordinal);
    }

    /// <summary>Each field is changed alone: nothing else than its bytes, and the checksum, may change.</summary>
    [Fact]
    public void Fields_of_a_compact_store_lie_where_the_document_says()
    {
        Dictionary<string, (int Offset, int Size)> documented = FieldsOf("store field");
        var header = new CompactHeader(Guid.Empty, 4096, 1);
        byte[] before = Encoded(header);
        var changed = new Dictionary<string, CompactHeader>
        {
            ["id"] = header with { Id = new Guid(Fixtures.Filled(16, 0xFF)) },
            ["chunk bytes"] = header with { ChunkBytes = 65536 },
            ["blocks"] = header with { BlockCount = uint.MaxValue },
            ["features"] = header with { IsOnDevice = true },
            ["groups"] = header with { GroupCount = -1 },
            ["limit"] = header with { LimitBytes = -1 },
        };

        Assert.Equal(documented.Keys.Except(["magic", "version", "checksum"]).Order(), changed.Keys.Order());
        foreach ((string field, CompactHeader other) in changed)
        {
            byte[] after = Encoded(other);
            Assert.All(
                Enumerable.Range(0, documented["checksum"].Offset).Where(index => after[index] != before[index]),
                index => Assert.InRange(index, documented[field].Offset, documented[field].Offset + documented[field].Size - 1));
            Assert.False(before.AsSpan(documented[field].Offset, documented[field].Size).SequenceEqual(after.AsSpan(documented[field].Offset, documented[field].Size)));
        }
        Assert.Equal("\u007FCOMPACT"u8.ToArray(), before.AsSpan(documented["magic"].Offset, documented["magic"].Size));
        Assert.Equal(1, BitConverter.ToInt32(before, documented["version"].Offset));
        Assert.Equal(0, BitConverter.ToInt32(before, documented["features"].Offset));
        Assert.Equal(CompactHeader.LengthBytes, documented["checksum"].Offset + documented["checksum"].Size);

        static byte[] Encoded(CompactHeader shown)
        {
            byte[] sector = new byte[CompactHeader.LengthBytes];
            shown.Encode(sector);
            return sector;
        }
    }

    [Fact]
    public void Sectors_and_descriptors_of_tables_are_as_the_document_says()
    {
        Dictionary<string, (int Offset, int Size)> sector = FieldsOf("table sector");
        byte[] bytes = new byte[512];
        bytes.AsSpan(0, TableSector.PayloadBytes).Fill(0xAB);
        TableSector.Seal(bytes, 0x0102_0304_0506_0708, 0x0A0B_0C0D);
        Assert.Equal((0, TableSector.PayloadBytes), sector["content"]);
        Assert.Equal(0x0102_0304_0506_0708, BitConverter.ToInt64(bytes, sector["key"].Offset));
        Assert.Equal(0x0A0B_0C0D, BitConverter.ToInt32(bytes, sector["number"].Offset));
        Assert.Equal(Crc32C.Compute(bytes.AsSpan(0, sector["checksum"].Offset)), BitConverter.ToUInt32(bytes, sector["checksum"].Offset));
        Assert.Equal(512, sector.Values.Sum(field => field.Size));

        Dictionary<string, string> descriptor = TableWithFirstColumn("descriptor field").ToDictionary(row => row[0], row => row[1]);
        byte[] encoded = new byte[16];
        new ChunkDescriptor(0x0102_0304, ChunkState.Filling).Encode(encoded);
        Assert.Equal(0x0102_0304, BitConverter.ToInt32(encoded, int.Parse(descriptor["owner"], CultureInfo.InvariantCulture)));
        Assert.Equal((int)ChunkState.Filling, BitConverter.ToInt32(encoded, int.Parse(descriptor["state"], CultureInfo.InvariantCulture)));
        Assert.Equal($"{ChunkDescriptor.BitsOffset}", descriptor["bits"]);

        Dictionary<string, string> states = TableWithFirstColumn("chunk state").ToDictionary(row => row[0], row => row[1]);
        Assert.Equal(Enum.GetValues<ChunkState>().ToDictionary(state => $"{state}", state => $"{(int)state}"), states);
    }

    private static Dictionary<string, (int Offset, int Size)> FieldsOf(string heading) => TableWithFirstColumn(heading)
        .ToDictionary(row => row[0], row => (int.Parse(row[1], CultureInfo.InvariantCulture), int.Parse(row[2], CultureInfo.InvariantCulture)));

    private static string[][] TableWithFirstColumn(string heading) =>
    [
        .. File.ReadLines(Document)
            .SkipWhile(line => !line.StartsWith($"| {heading} |", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray()),
    ];
}
