using System.Numerics;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class BitmapWordsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(8 * 1024)]
    [InlineData(600_000)]
    [InlineData(3_000_000)]
    public void All_bits_come_in_ascending_order(int blockCount)
    {
        var layout = new CowLayout(blockCount);
        var random = new Random(blockCount);
        var bits = new SortedSet<long> { 0, blockCount - 1, blockCount / 2 };
        for (int count = 0; count < 200; count++)
        {
            bits.Add(random.Next(blockCount));
        }
        byte[] bitmap = new byte[layout.BitmapBytes];
        foreach (long bit in bits)
        {
            bitmap[bit / 8] |= (byte)(1 << (int)(bit % 8));
        }
        var file = new MemoryFile();
        file.SetLength(layout.EmptyLengthBytes);
        file.WriteAt(CowLayout.BitmapOffsetBytes, bitmap);
        Assert.Equal(bits, BitsOf(file, layout));
    }

    [Fact]
    public void Holes_are_left_out()
    {
        var layout = new CowLayout(64L << 20);
        var file = new MemoryFile();
        file.SetLength(layout.EmptyLengthBytes);
        file.WriteAt(CowLayout.BitmapOffsetBytes + 5_000_000, new byte[] { 0x81 });
        file.WriteAt(CowLayout.BitmapOffsetBytes + layout.BitmapBytes - 1, new byte[] { 0x80 });
        Assert.Equal([40_000_000, 40_000_007, (64L << 20) - 1], BitsOf(file, layout));
        Assert.InRange(BitmapWords.Read(AtRest.Named(file), layout).Count(), 1, 4);
    }

    [Fact]
    public void A_piece_ends_with_the_data()
    {
        var layout = new CowLayout(64L << 20);
        var content = new MemoryFile();
        content.SetLength(layout.EmptyLengthBytes);
        content.WriteAt(CowLayout.BitmapOffsetBytes + 5_000_000, new byte[] { 0x81 });
        var file = new TracingFile(content);

        Assert.Equal([40_000_000, 40_000_007], BitsOf(file, layout));

        // The page with the bit, and no hole behind it.
        Assert.Equal(["read 4997120+4096"], file.Calls.Where(call => call.StartsWith("read", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_can_not_be_read_is_told() => EveryCall.MustBeTold(fault =>
    {
        var layout = new CowLayout(3_000_000);
        byte[] content = Fixtures.Filled((int)layout.EmptyLengthBytes, 1);
        _ = BitmapWords.Read(AtRest.Named(new FaultyFile(new MemoryFile(content), fault)), layout).Count();
    });

    private static List<long> BitsOf(IBlockFile file, CowLayout layout)
    {
        var bits = new List<long>();
        foreach ((long firstBlock, ReadOnlyMemory<ulong> words) in BitmapWords.Read(AtRest.Named(file), layout))
        {
            Assert.Equal(0, firstBlock % 64);
            for (int word = 0; word < words.Length; word++)
            {
                for (ulong left = words.Span[word]; left != 0; left &= left - 1)
                {
                    bits.Add(firstBlock + word * 64 + BitOperations.TrailingZeroCount(left));
                }
            }
        }
        return bits;
    }
}
