using Cowloop.Core.Compact;

namespace Cowloop.Core.Tests.Compact;

public class BlockBitsTests
{
    private const int BlockCount = 300;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_is_an_array_of_bits(int seed)
    {
        var random = new Random(seed);
        bool[] expected = new bool[BlockCount];
        var bits = new BlockBits(new ulong[(BlockCount + 63) / 64]);
        for (int step = 0; step < 500; step++)
        {
            int block = random.Next(BlockCount);
            int count = random.Next(1, Math.Min(BlockCount - block, random.Next(2) == 0 ? 5 : 200) + 1);
            bool isSet = random.Next(2) == 0;
            bits.Set(block, count, isSet);
            expected.AsSpan(block, count).Fill(isSet);

            int from = random.Next(BlockCount);
            int maxCount = random.Next(1, BlockCount - from + 1);
            int run = 1;
            while (run < maxCount && expected[from + run] == expected[from])
            {
                run++;
            }
            Assert.Equal(run, bits.RunLength(from, maxCount, out bool found));
            Assert.Equal(expected[from], found);
            Assert.Equal(expected.AsSpan(from, maxCount).IndexOf(false) < 0, bits.AreAllSet(from, maxCount));
            Assert.Equal(expected.AsSpan(from, maxCount).Contains(true), bits.IsAnySet(from, maxCount));
            int next = expected.AsSpan(from).IndexOf(true);
            Assert.Equal(next < 0 ? BlockCount : from + next, bits.NextSet(from, BlockCount));
        }
    }

    [Fact]
    public void Behind_the_end_there_is_none()
    {
        var bits = new BlockBits(new ulong[2]);
        bits.Set(127, 1, isSet: true);

        Assert.Equal(128, bits.NextSet(128, 128));
        Assert.Equal(100, bits.NextSet(64, 100));
        Assert.Equal(127, bits.NextSet(0, 128));
    }
}
