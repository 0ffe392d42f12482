namespace Cowloop.Tools.Tests;

/// <summary>What C's strtol with base 0 and a look at what is left accept.</summary>
public class CNumberTests
{
    private const ulong Largest = long.MaxValue;
    private const ulong WrappedSmallest = 1UL << 63;

    [Theory]
    [InlineData("", 0)]
    [InlineData("0", 0)]
    [InlineData("00", 0)]
    [InlineData("12", 12)]
    [InlineData("+12", 12)]
    [InlineData(" \t\n12", 12)]
    [InlineData("0x10", 16)]
    [InlineData("0XfF", 255)]
    [InlineData("010", 8)]
    [InlineData("-0", 0)]
    [InlineData("9223372036854775807", Largest)]
    [InlineData("9223372036854775808", Largest)]
    [InlineData("99999999999999999999999999999999999999999999", Largest)]
    [InlineData("0xffffffffffffffffffff", Largest)]
    [InlineData("-1", ulong.MaxValue)]
    [InlineData("-0x10", ulong.MaxValue - 15)]
    [InlineData("-9223372036854775808", WrappedSmallest)]
    [InlineData("-99999999999999999999", WrappedSmallest)]
    public void A_number_is_read(string text, ulong expected)
    {
        Assert.True(CNumber.TryParse(text, out ulong value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("12k")]
    [InlineData("12 ")]
    [InlineData("1.5")]
    [InlineData("08")]
    [InlineData("0x")]
    [InlineData("0xg")]
    [InlineData("-")]
    [InlineData("- 5")]
    [InlineData("--5")]
    [InlineData("+-5")]
    [InlineData("5-")]
    [InlineData("five")]
    [InlineData("\u0665")]
    [InlineData("\u00a05")]
    public void Anything_else_is_none(string text) => Assert.False(CNumber.TryParse(text, out _));
}
