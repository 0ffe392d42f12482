using Cowloop.Core.Files;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class ViewComparisonTests
{
    [Fact]
    public void It_finds_exactly_the_blocks_that_differ()
    {
        for (int seed = 1; seed <= 100; seed++)
        {
            TestStack stack = TestStack.Random(seed, fileCount: 3);
            var one = (LayerStack)stack.Below(1).File;
            var other = (LayerStack)stack.Below(3).File;
            bool[] expected = [.. Enumerable.Range(0, stack.BlockCount).Select(block => !Block(stack.Views[1], block).SequenceEqual(Block(stack.Views[3], block)))];

            Assert.Equal(expected, Marked(Compare(one, other, null), stack.BlockCount));
            Assert.Equal(expected, Marked(Compare(one, other, [.. other.Layers.Skip(1)]), stack.BlockCount));
        }
    }

    /// <summary>What both have from the same layers is not read.</summary>
    [Fact]
    public void Only_blocks_of_other_layers_are_looked_at()
    {
        var stack = new TestStack(new byte[64 * 1024]);
        stack.Add(new Dictionary<long, byte[]?> { [3] = Fixtures.Filled(1024, 1), [9] = new byte[1024] });
        var other = (LayerStack)stack.Below(1).File;
        var observer = new StoppingObserver();
        using ViewComparison comparison = Prepare(new FlatFile(stack.Base), other, other.Layers);

        Assert.Equal([new BlockRun(3, 1)], comparison.Differences(observer));

        Assert.Equal(2, comparison.ComparedBlockCount);
        Assert.Equal([("comparing", 2048L)], observer.Begun);
        Assert.Equal(2048, observer.DoneBytes);
    }

    [Fact]
    public void With_the_same_layers_nothing_is_read()
    {
        var broken = new FaultyFile(new FlatFile(new byte[8192]), new PlannedFault(1, PlannedFault.ForGood, Errno.EIO, FaultMoment.BeforeTheCall));

        Assert.Empty(Compare(broken, broken, []));
    }

    [Theory]
    [InlineData(4096, 4096, 0, 0)]
    [InlineData(4096, 4100, 4, 1)]
    [InlineData(4000, 4096, 3, 1)]
    [InlineData(1500, 4096, 1, 3)]
    [InlineData(1500, 1500, 0, 0)]
    public void What_lies_behind_the_end_of_one_differs(int oneLength, int otherLength, long firstBlock, long blockCount)
    {
        BlockRun[] expected = blockCount == 0 ? [] : [new BlockRun(firstBlock, blockCount)];
        Assert.Equal(expected, Compare(new FlatFile(new byte[oneLength]), new FlatFile(new byte[otherLength]), null));
        Assert.Equal(expected, Compare(new FlatFile(new byte[otherLength]), new FlatFile(new byte[oneLength]), null));
    }

    [Fact]
    public void A_last_block_that_is_there_in_part_is_compared()
    {
        byte[] other = new byte[1500];
        other[1499] = 1;

        Assert.Equal([new BlockRun(1, 1)], Compare(new FlatFile(new byte[1500]), new FlatFile(other), null));
    }

    private static ReadOnlySpan<byte> Block(byte[] view, int block) => view.AsSpan(block * 1024, 1024);

    private static bool[] Marked(IEnumerable<BlockRun> runs, int blockCount)
    {
        bool[] marked = new bool[blockCount];
        foreach (BlockRun run in runs)
        {
            marked.AsSpan((int)run.FirstBlock, (int)run.BlockCount).Fill(true);
        }
        return marked;
    }

    private static List<BlockRun> Compare(IBlockFile one, IBlockFile other, IReadOnlyList<Layer>? mayDiffer)
    {
        using ViewComparison comparison = Prepare(one, other, mayDiffer);
        return [.. comparison.Differences(NobodyWatches.Instance)];
    }

    private static ViewComparison Prepare(IBlockFile one, IBlockFile other, IReadOnlyList<Layer>? mayDiffer) =>
        ViewComparison.Prepare(new CheckedFile(one, "a"), new CheckedFile(other, "b"), mayDiffer, HeapWords.Allocate);
}
