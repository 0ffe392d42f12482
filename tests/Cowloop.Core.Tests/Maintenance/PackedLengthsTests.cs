using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class PackedLengthsTests
{
    private static readonly CowImage PackedG2 = Golden.ImageG2 with { Flags = CowImage.PackedFlag };

    [Theory]
    [InlineData(CowVariant.Little64, 5176)]
    [InlineData(CowVariant.Big64, 5176)]
    [InlineData(CowVariant.Little32, 5152)]
    [InlineData(CowVariant.Big32, 5152)]
    public void The_lengths_of_a_golden_file_follow_from_its_header(CowVariant variant, long unpaddedBytes)
    {
        CowImage image = PackedG2 with { Variant = variant };

        Assert.Equal(new PackedLengths(8192, unpaddedBytes), PackedLengths.Of(CowHeader.Decode(image.ToBytes())!));
        Assert.Equal(new PackedLengths(8192, unpaddedBytes), TryRead(image.Packed()));
        Assert.Equal(new PackedLengths(8192, unpaddedBytes), TryRead(image.PackedStream()));
    }

    [Fact]
    public void T62_a_file_without_blocks_is_as_long_as_header_and_bitmap()
    {
        var image = new CowImage { Flags = CowImage.PackedFlag };

        Assert.Equal(new PackedLengths(2048, 1080), TryRead(image.Packed()));
    }

    /// <summary>In blocks, one is whole and the other is not.</summary>
    [Fact]
    public void The_two_lengths_never_agree()
    {
        var random = new Random(62);
        for (int round = 0; round < 1000; round++)
        {
            long blockCount = random.NextInt64(1, CowLayout.MaxClassicBlockCount);
            CowHeader header = CowHeader.ForNewFile(new CowLayout(blockCount), 0) with { UsedBlocks = (ulong)random.NextInt64(blockCount + 1) };

            PackedLengths lengths = PackedLengths.Of(header);

            Assert.Equal((0, 56), (lengths.PlainBytes % 1024, lengths.UnpaddedBytes % 1024));
        }
    }

    [Fact]
    public void Without_a_header_to_go_by_nothing_is_known()
    {
        byte[] packed = PackedG2.Packed();

        Assert.Null(TryRead([]));
        Assert.Null(TryRead(packed[..20]));
        Assert.Null(TryRead(new byte[2048]));
        Assert.Null(TryRead(Golden.G2()));
        Assert.Null(TryRead((PackedG2 with { WrongMapSize = 2048 }).Packed()));
        Assert.Null(TryRead((PackedG2 with { WrongUsedBlocks = 1025 }).Packed()));
        Assert.Null(TryRead((PackedG2 with { WrongUsedBlocks = ulong.MaxValue }).Packed()));
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_an_error()
    {
        var tracing = new TracingFile(new MemoryFile(PackedG2.Packed()));
        tracing.FailOnce("read 0+56", Errno.EIO);

        var exception = Assert.Throws<CowloopException>(() => PackedLengths.TryRead(new CheckedFile(tracing, "packed")));

        Assert.Equal((Errno.EIO, Fault.ReadHeader), (exception.Errno, exception.Fault));
    }

    private static PackedLengths? TryRead(byte[] content) => PackedLengths.TryRead(new CheckedFile(new MemoryFile(content), "packed"));
}
