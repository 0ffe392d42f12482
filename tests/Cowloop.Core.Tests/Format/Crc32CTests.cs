using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

/// <summary>The test values of RFC 3720, appendix B.4.</summary>
public class Crc32CTests
{
    [Theory]
    [InlineData(0x00, 0x8A9136AA)]
    [InlineData(0xFF, 0x62A8AB43)]
    public void Bytes_that_are_all_the_same(byte value, uint expected) => Assert.Equal(expected, Crc32C.Compute(Fixtures.Filled(32, value)));

    [Fact]
    public void Ascending_bytes() => Assert.Equal(0x46DD794Eu, Crc32C.Compute([.. Enumerable.Range(0, 32).Select(value => (byte)value)]));

    [Fact]
    public void A_length_that_is_no_multiple_of_a_word() => Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));
}
