using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Maintenance;

public class PackedEncodingTests
{
    [Theory]
    [InlineData("1f8b0800000000000203", PackedEncoding.Gzip)]
    [InlineData("1f8b", PackedEncoding.Gzip)]
    [InlineData("28b52ffd04588c01", PackedEncoding.Zstd)]
    [InlineData("28b52ffd", PackedEncoding.Zstd)]
    [InlineData("28b52f", PackedEncoding.Plain)]
    [InlineData("1f", PackedEncoding.Plain)]
    [InlineData("1f9d", PackedEncoding.Plain)]
    [InlineData("", PackedEncoding.Plain)]
    [InlineData("7f434f5701000200", PackedEncoding.Plain)]
    [InlineData("574f437f00010002", PackedEncoding.Plain)]
    public void The_first_bytes_tell_the_encoding(string startHex, PackedEncoding expected) =>
        Assert.Equal(expected, PackedEncodings.Recognise(Convert.FromHexString(startHex)));
}
