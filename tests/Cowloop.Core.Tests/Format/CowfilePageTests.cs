using System.Globalization;
using System.Text.RegularExpressions;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Format;

/// <summary>cowfile(5) is exact: its tables are compared with what the code does.</summary>
public partial class CowfilePageTests
{
    private static readonly ManPage Page = ManPage.Read("cowfile.5");

    [Fact]
    public void Example_sizes_are_what_the_layout_computes()
    {
        string[][] rows = Page.Table("size of the base");
        Assert.NotEmpty(rows);
        foreach (string[] row in rows)
        {
            long[] numbers = [.. row.Select(cell => long.Parse(cell, CultureInfo.InvariantCulture))];
            var layout = new CowLayout(numbers[0] / CowLayout.BlockSize);
            long[] computed = [layout.BlockCount, layout.BitmapBytes, layout.DataOffsetBytes, layout.EmptyLengthBytes];
            Assert.Equal(numbers[1..], computed);
        }
        Assert.Equal(CowLayout.MaxClassicBlockCount.ToString(CultureInfo.InvariantCulture), rows[^1][1]);
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(4, 2)]
    public void Header_fields_lie_where_the_page_says_and_are_as_long(int wordSize, int offsetColumn)
    {
        Dictionary<string, string[]> documented = HeaderTable();
        IReadOnlyDictionary<string, HeaderField> fields = HeaderFields.Of(wordSize);

        foreach ((string name, HeaderField field) in fields)
        {
            string[] row = documented[name];
            Assert.Equal(row[offsetColumn], Number(field.OffsetBytes));
            Assert.Equal(row[3], field.SizeBytes == wordSize && row[3] == "word" ? "word" : Number(field.SizeBytes));
        }
        Assert.Equal(documented["end"][offsetColumn], Number(new HeaderVariant(wordSize, BigEndian: false).StructSize));
        Assert.Equal(fields.Count + 1, documented.Count);
    }

    [Fact]
    public void Constant_fields_have_the_values_that_a_new_file_gets()
    {
        byte[] block = new byte[CowLayout.BlockSize];
        var header = CowHeader.ForNewFile(new CowLayout(1), fingerprint: 0);
        header.Encode(block);
        Dictionary<string, string[]> documented = HeaderTable();

        Assert.Equal(documented["magic"][4], $"0x{BitConverter.ToUInt32(block):X8}");
        Assert.Equal(documented["version"][4], Number(header.Version));
        Assert.Equal(documented["mapunit"][4], Number((long)header.MapUnit));
    }

    [Fact]
    public void The_flags_are_those_of_the_code() => Assert.Equal(
        Enum.GetValues<CowFlags>().Where(flag => flag != CowFlags.None).Select(flag => $"{flag} 0x{(int)flag:X4}"),
        Page.Subsections()["Flags"].Lines.Select(line => FlagItem().Match(line)).Where(match => match.Success).Select(match => $"{match.Groups[1]} {match.Groups[2]}"));

    [Fact]
    public void The_largest_base_is_the_layouts() => Assert.Contains(
        Page.Table("field"),
        row => row[0] == "Va rdoblocks" && row[1].Contains($"at most {CowLayout.MaxClassicBlockCount}", StringComparison.Ordinal));

    [Fact]
    public void The_largest_base_of_a_header_of_version_2_is_the_layouts() =>
        Assert.Contains($".Va rdoblocks is at most {CowLayout.MaxBlockCount}.", string.Join(' ', Page.Lines), StringComparison.Ordinal);

    /// <summary>The page has another table with fields before it.</summary>
    private static Dictionary<string, string[]> HeaderTable() => Page.Section("HEADER").Table("field").ToDictionary(row => row[0]);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\.It (\w+) Pq (0x\w+)$")]
    private static partial Regex FlagItem();
}
