using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

public class CowLayoutTests
{
    /// <summary>The table of specification 1.4: bytes of the base, rdoblocks, mapsize, doffset, device sectors, length of a new cowfile.</summary>
    [Theory]
    [InlineData(1024, 1, 1024, 4096, 2, 2048)]
    [InlineData(1025, 1, 1024, 4096, 2, 2048)]
    [InlineData(1536, 1, 1024, 4096, 2, 2048)]
    [InlineData(8192, 8, 1024, 4096, 16, 2048)]
    [InlineData(8388608, 8192, 1024, 4096, 16384, 2048)]
    [InlineData(8389632, 8193, 2048, 4096, 16386, 3072)]
    [InlineData(20971520, 20480, 3072, 4096, 40960, 4096)]
    [InlineData(25165824, 24576, 3072, 4096, 49152, 4096)]
    [InlineData(25166848, 24577, 4096, 8192, 49154, 5120)]
    [InlineData(33554432, 32768, 4096, 8192, 65536, 5120)]
    [InlineData(33555456, 32769, 5120, 8192, 65538, 6144)]
    [InlineData(104857600, 102400, 13312, 16384, 204800, 14336)]
    [InlineData(262144000, 256000, 32768, 36864, 512000, 33792)]
    [InlineData(4294967296, 4194304, 524288, 528384, 8388608, 525312)]
    [InlineData(4398046510080, 4294967295, 536870912, 536875008, 8589934590, 536871936)]
    [InlineData(4398046511104, 4294967296, 536870912, 536875008, 8589934592, 536871936)]
    [InlineData(17592177655808, 17179860992, 2147482624, 2147483648, 34359721984, 2147483648)]
    [InlineData(2049L * 512, 1024, 1024, 4096, 2048, 2048)]
    public void T2_the_layout_follows_from_the_size_of_the_base(long baseBytes, long blocks, long mapBytes, long dataOffset, long sectors, long newLength)
    {
        var layout = new CowLayout(baseBytes / CowLayout.BlockSize);

        Assert.Equal(blocks, layout.BlockCount);
        Assert.Equal(mapBytes, layout.BitmapBytes);
        Assert.Equal(mapBytes / 1024, layout.BitmapBlockCount);
        Assert.Equal(dataOffset, layout.DataOffsetBytes);
        Assert.Equal(sectors * 512, layout.DeviceBytes);
        Assert.Equal(newLength, layout.EmptyLengthBytes);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(17179860993)]
    public void A_count_that_a_header_cannot_carry_is_refused(long blockCount)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new CowLayout(blockCount));
    }

    [Fact]
    public void The_highest_block_decides_the_length()
    {
        var layout = new CowLayout(8);

        Assert.Equal(2048, layout.LengthBytesFor(-1));
        Assert.Equal(5120, layout.LengthBytesFor(0));
        Assert.Equal(4096 + 8 * 1024, layout.LengthBytesFor(7));
        Assert.Equal(layout.FullLengthBytes, layout.LengthBytesFor(7));
    }
}
