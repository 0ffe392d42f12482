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

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_is_far_apart_is_found(int seed)
    {
        // More than 64 pages of memory, and a part of one.
        const int Blocks = (150 * 512 + 5) * 64;
        var random = new Random(seed);
        var bits = new BlockBits(new ulong[Blocks / 64]);
        var expected = new SortedSet<long> { Blocks - 1 };
        bits.WordsToChange((Blocks / 64) - 1, 2)[0] = 1UL << 63;
        for (int step = 0; step < 40; step++)
        {
            long block = random.Next(Blocks);
            bits.Set(block, 1, isSet: true);
            expected.Add(block);
        }
        foreach (long gone in expected.Take(10).ToArray())
        {
            bits.Set(gone, 1, isSet: false);
            expected.Remove(gone);
        }

        var found = new List<long>();
        for (long block = bits.NextSet(0, Blocks); block < Blocks; block = bits.NextSet(block + 1, Blocks))
        {
            found.Add(block);
        }
        Assert.Equal(expected, found);
        for (int step = 0; step < 1000; step++)
        {
            long from = random.Next(Blocks);
            Assert.Equal(expected.GetViewBetween(from, Blocks).Min, bits.NextSet(from, Blocks));
            Assert.Equal(expected.GetViewBetween(from / 64 * 64, Blocks).Min / 64, bits.NextWord((int)(from / 64)));
        }
    }

    [Fact]
    public void Memory_that_never_had_a_bit_is_not_looked_at()
    {
        ulong[] words = new ulong[4 * 512];
        var bits = new BlockBits(words);
        bits.Set(1024L * 64, 3, isSet: true);
        words[600] = 1;
        words[2047] = 1;

        Assert.Equal(1024 * 64, bits.NextSet(0, 2048 * 64));
        Assert.Equal(2048, bits.NextWord(1025));
    }
}
