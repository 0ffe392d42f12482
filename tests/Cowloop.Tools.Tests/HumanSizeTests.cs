namespace Cowloop.Tools.Tests;

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
}
