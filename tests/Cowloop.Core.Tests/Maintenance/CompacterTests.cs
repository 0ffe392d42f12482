using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What compacting makes of a cowfile, in which order, and what it refuses. Interrupted: CompacterCrashTests.</summary>
public class CompacterTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_reads_as_before_and_holds_only_what_differs(bool isPlain)
    {
        long dropped = 0;
        for (int seed = 1; seed <= 120; seed++)
        {
            TestStack stack = TestStack.Random(seed, isPlain: isPlain);
            long heldBefore = (long)AtRest.HeaderOf(stack.Files[1]).UsedBlocks;

            long count = Compact(stack, stack.Files[1]);

            dropped += count;
            Assert.Equal(heldBefore - count, (long)AtRest.HeaderOf(stack.Files[1]).UsedBlocks);
            Assert.Equal(stack.Views[2], stack.Read([.. stack.Files]));
            CowfileCheck.AssertClean(stack.Files[1], stack.Layout);
            for (int block = 0; block < stack.BlockCount; block++)
            {
                bool isEqual = stack.Views[1].AsSpan(block * 1024, 1024).SequenceEqual(stack.Views[2].AsSpan(block * 1024, 1024));
                Assert.False(isEqual && TestStack.Holds(stack.Files[1], block), $"block {block} is held for nothing");
            }
        }
        Assert.InRange(dropped, 200, long.MaxValue);
    }

    [Fact]
    public void The_record_stays_and_so_do_those_that_lie_on_it()
    {
        TestStack stack = Small();
        ExtensionRecord before = TestStack.RecordOf(stack.Files[0]);
        stack.Add(new Dictionary<long, byte[]?> { [9] = Fixtures.Filled(1024, 9) });

        Compact(stack, stack.Files[0], height: 0);

        Assert.Equal(before, TestStack.RecordOf(stack.Files[0]));
        Assert.Equal(stack.Views[2], stack.Read([.. stack.Files]));
    }

    [Fact]
    public void A_plain_file_is_as_the_original_makes_it_again()
    {
        TestStack stack = Small(isPlain: true);

        Compact(stack, stack.Files[0], height: 0);

        Assert.Equal(CowFlags.None, AtRest.HeaderOf(stack.Files[0]).Flags);
    }

    /// <summary>A block is not cleared before it is known, durably, that nobody reads it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_order(bool isPlain)
    {
        TestStack stack = Small(isPlain);
        var traced = new TracingFile(stack.Files[0]);
        ushort flags = 0;
        traced.DuringNext("write 1024+1024", () => flags = (ushort)AtRest.HeaderOf(stack.Files[0]).Flags);

        Compact(stack, traced, height: 0);

        Assert.Equal(
            [
                "setlength 69632", "allocate 0+2048", "write 0+1024", "sync",
                "write 1024+1024", "sync",
                "punch 8192+4096", "punch 16384+4096",
                "setlength 16384", "sync", "write 0+1024", "sync",
            ],
            traced.Calls.Where(call => !call.StartsWith("read", StringComparison.Ordinal) && !call.StartsWith("nextdata", StringComparison.Ordinal)));
        Assert.Equal(CowImage.Dirty | CowImage.BitmapDecides, flags);
    }

    [Fact]
    public void The_space_is_given_back()
    {
        var stack = new TestStack(Fixtures.Filled(64 * 1024, 1));
        stack.Add(Enumerable.Range(0, 64).ToDictionary(block => (long)block, block => (byte[]?)Fixtures.Filled(1024, block == 63 ? (byte)2 : (byte)1)));

        Assert.Equal(63, Compact(stack, stack.Files[0], height: 0));

        Assert.Equal(2 * 4096, stack.Files[0].UsedBytes);
    }

    [Fact]
    public void Where_holes_cannot_be_punched_zeros_are_written()
    {
        TestStack stack = Small();
        stack.Files[0].CanPunch = false;

        Compact(stack, stack.Files[0], height: 0);

        Assert.Equal(stack.Views[1], stack.Read(stack.Files[0]));
        CowfileCheck.AssertClean(stack.Files[0], stack.Layout);
    }

    [Fact]
    public void When_nothing_is_equal_nothing_changes()
    {
        var stack = new TestStack(Fixtures.Filled(64 * 1024, 1));
        stack.Add(new Dictionary<long, byte[]?> { [3] = null, [4] = Fixtures.Filled(1024, 2) });
        var traced = new TracingFile(stack.Files[0]);

        Assert.Equal(0, Compact(stack, traced, height: 0));

        Assert.False(traced.HasChanges);
    }

    /// <summary>The bitmap is read in pieces; a sparse base of 1.2 GiB has three of them.</summary>
    [Fact]
    public void Pieces_of_a_large_bitmap_are_all_looked_at()
    {
        const long BlockCount = 1_200_000;
        var content = new MemoryFile();
        content.SetLength(BlockCount * 1024);
        content.WriteAt(524_287 * 1024L, Fixtures.Filled(1024, 3));
        CowImage image = new CowImage { BlockCount = BlockCount, Fingerprint = BaseFingerprint.Compute(content, BlockCount) }
            .With(0, 2, 0).With(524_287, 2, 3).With(1_199_998, 2, 0).With(700_000, 1, 1);
        MemoryFile file = image.ToSparse();

        long dropped = Compacter.Prepare(AtRest.Named(file), new BaseImage(content, Disk.BaseName), new BaseOptions()).Run(NobodyWatches.Instance);

        Assert.Equal(5, dropped);
        Assert.Equal([new BlockRun(524_288, 1), new BlockRun(700_000, 1)], CowRuns.Read(AtRest.Named(file), new CowLayout(BlockCount)));
    }

    [Fact]
    public void Progress_adds_up_to_what_is_held()
    {
        TestStack stack = Small();
        var observer = new StoppingObserver();

        Compact(stack, stack.Files[0], height: 0, observer);

        Assert.Equal([("compacting", 8 * 1024L)], observer.Begun);
        Assert.Equal(8 * 1024, observer.DoneBytes);
    }

    [Fact]
    public void It_is_refused_on_something_else()
    {
        TestStack stack = Small();
        stack.Add(new Dictionary<long, byte[]?> { [9] = null });
        byte[] other = [.. stack.Base];
        other[0]++;

        Assert.Equal(Fault.OtherParent, Refusal(stack.Files[1], stack.Below(0)).Fault);
        Assert.Equal(Fault.OtherParent, Refusal(stack.Files[0], stack.Below(1)).Fault);
        Assert.Equal(Fault.OtherBase, Refusal(stack.Files[0], TestStack.Open(other)).Fault);
        Assert.Equal(Errno.EINVAL, Refusal(stack.Files[0], TestStack.Open([.. other, .. other])).Errno);
    }

    [Fact]
    public void A_layer_that_is_half_merged_is_refused_and_so_is_what_lies_on_it()
    {
        TestStack stack = Small();
        stack.Add(new Dictionary<long, byte[]?> { [9] = null });
        ExtensionRecord upper = TestStack.RecordOf(stack.Files[1]);
        MemoryFile merging = TestStack.WithRecord(
            stack.Files[0],
            record => record with { Generation = 6, Merged = new MergedLayer(upper.Id, upper.Generation, 5, IsComplete: false) });

        Assert.Equal(Fault.OtherParent, Refusal(merging, stack.Below(0)).Fault);
        Assert.Equal(Fault.OtherParent, Refusal(stack.Files[1], TestStack.Open(stack.Base, merging)).Fault);
    }

    [Fact]
    public void A_dirty_file_is_refused()
    {
        TestStack stack = Small();
        stack.Files[0].WriteAt(6, [5]);

        Assert.Equal(Fault.Dirty, Refusal(stack.Files[0], stack.Below(0)).Fault);
    }

    /// <summary>Of eight blocks six are equal to the base: a page of them, and two at the end.</summary>
    private static TestStack Small(bool isPlain = false)
    {
        var stack = new TestStack(Fixtures.Filled(64 * 1024, 1));
        var blocks = new Dictionary<long, byte[]?>();
        foreach (long block in new long[] { 4, 5, 6, 7, 12, 13 })
        {
            blocks[block] = Fixtures.Filled(1024, 1);
        }
        blocks[10] = Fixtures.Filled(1024, 2);
        blocks[11] = Fixtures.Filled(1024, 3);
        stack.Add(blocks, isPlain);
        return stack;
    }

    private static CowloopException Refusal(IBlockFile file, BaseImage below) =>
        Assert.Throws<CowloopException>(() => Compacter.Prepare(AtRest.Named(file), below, new BaseOptions()));

    private static long Compact(TestStack stack, IBlockFile file, int height = 1, IWorkObserver? observer = null) =>
        Compacter.Prepare(AtRest.Named(file), stack.Below(height), new BaseOptions()).Run(observer ?? NobodyWatches.Instance);
}
