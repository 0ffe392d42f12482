using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

public class BlockStripesTests
{
    [Theory]
    [InlineData(0, 1, 0x1)]
    [InlineData(63, 1, 0x1)]
    [InlineData(63, 2, 0x3)]
    [InlineData(64, 64, 0x2)]
    [InlineData(64 * 64, 1, 0x1)]
    [InlineData(64 * 63, 65, 0x8000000000000001)]
    [InlineData(64 * 63 + 1, 64 * 62, 0xBFFFFFFFFFFFFFFF)]
    [InlineData(1, 64 * 62, 0x7FFFFFFFFFFFFFFF)]
    [InlineData(1, 64 * 63, BlockStripes.All)]
    [InlineData(0, 64 * 64, BlockStripes.All)]
    [InlineData(uint.MaxValue - 1L, 1, 0x8000000000000000)]
    [InlineData(0, 1L << 32, BlockStripes.All)]
    public void A_stripe_is_64_KiB_of_every_4_MiB(long block, long count, ulong expected)
    {
        Assert.Equal(expected, BlockStripes.MaskOf(block, count));
    }

    /// <summary>The bitmap's words are changed, and kept as live bits, without a lock but the stripe.</summary>
    [Fact]
    public void All_blocks_of_a_word_of_the_bitmap_have_one_stripe()
    {
        for (long block = 0; block < 64 * 130; block++)
        {
            Assert.Equal(BlockStripes.MaskOf(block / Bitmap.BitsPerWord * Bitmap.BitsPerWord, 1), BlockStripes.MaskOf(block, 1));
        }
    }

    [Fact]
    public void Every_range_covers_the_stripe_of_each_of_its_blocks()
    {
        var random = new Random(64);
        for (int round = 0; round < 2000; round++)
        {
            long block = random.Next(20_000);
            long count = random.Next(1, 6000);
            ulong mask = BlockStripes.MaskOf(block, count);
            ulong union = 0;
            for (long each = block; each < block + count; each++)
            {
                union |= BlockStripes.MaskOf(each, 1);
            }
            Assert.Equal(union, mask);
        }
    }

    [Fact]
    public void One_holder_at_a_time()
    {
        var stripes = new BlockStripes();
        ulong[] masks = [0x8000000000000001, 0x3, BlockStripes.All];
        int count = 0;
        Together.Run(masks.Length, thread =>
        {
            for (int round = 0; round < 20_000; round++)
            {
                stripes.Enter(masks[thread]);
                count++;
                stripes.Exit(masks[thread]);
            }
        });

        Assert.Equal(60_000, count);
    }

    [Fact]
    public void Other_stripes_are_free_meanwhile()
    {
        var stripes = new BlockStripes();
        stripes.Enter(0x5);

        Together.Run(1, _ =>
        {
            stripes.Enter(~0x5UL);
            stripes.Exit(~0x5UL);
        });

        stripes.Exit(0x5);
    }
}
