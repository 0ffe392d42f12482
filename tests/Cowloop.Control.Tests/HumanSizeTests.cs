namespace Cowloop.Control.Tests;

public class HumanSizeTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1, "1 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1.0 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(1 << 20, "1.0 MiB")]
    [InlineData(3L << 29, "1.5 GiB")]
    [InlineData(5L << 40, "5.0 TiB")]
    [InlineData(5L << 50, "5120.0 TiB")]
    public void A_size_is_shown_in_its_unit(long bytes, string expected) => Assert.Equal(expected, HumanSize.Format(bytes));

    [Theory]
    [InlineData((1L << 20) - 1, "1.0 MiB")]
    [InlineData((1L << 30) - 1, "1.0 GiB")]
    [InlineData((1L << 20) - 100, "1023.9 KiB")]
    public void Rounding_does_not_leave_a_full_unit_behind(long bytes, string expected) => Assert.Equal(expected, HumanSize.Format(bytes));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1, "1.0 KiB")]
    [InlineData(1536, "1.5 MiB")]
    [InlineData(1UL << 63, "8589934592.0 TiB")]
    public void A_number_of_KiB_is_shown_in_its_unit(ulong kib, string expected) => Assert.Equal(expected, HumanSize.FormatKiB(kib));

    [Theory]
    [InlineData("0", 0)]
    [InlineData("500", 500)]
    [InlineData("500K", 500)]
    [InlineData("500M", 500 * 1024)]
    [InlineData("2g", 2 << 20)]
    [InlineData("3T", 3L << 30)]
    [InlineData("3TiB", 3L << 30)]
    [InlineData("1kib", 1)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("17179869183T", 17179869183UL << 30)]
    public void A_size_is_read_as_KiB(string text, ulong expected)
    {
        Assert.True(HumanSize.TryParseKiB(text, out ulong kib));
        Assert.Equal(expected, kib);
    }

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("iB")]
    [InlineData("MiB")]
    [InlineData("5iB")]
    [InlineData("-5")]
    [InlineData("+5")]
    [InlineData(" 5")]
    [InlineData("1.5G")]
    [InlineData("5 M")]
    [InlineData("5MM")]
    [InlineData("5MB")]
    [InlineData("5B")]
    [InlineData("5X")]
    [InlineData("0x10")]
    [InlineData("18446744073709551616")]
    [InlineData("17179869184T")]
    public void Anything_else_is_no_size(string text) => Assert.False(HumanSize.TryParseKiB(text, out _));
}
