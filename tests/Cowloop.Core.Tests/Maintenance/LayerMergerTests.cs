using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What a merge makes of a layer, in which order, and what it refuses. Interrupted merges: LayerMergerCrashTests.</summary>
public class LayerMergerTests
{
    private static readonly Dictionary<long, byte[]?> LowerBlocks = Blocks((0, 1), (1, 2), (5, 3));
    private static readonly Dictionary<long, byte[]?> UpperBlocks = Blocks((1, 7), (2, 8), (20, 9));

    /// <summary>As a live merge leaves them: the upper one is not tied to what it was merged into.</summary>
    [Fact]
    public void What_was_merged_and_changed_since_can_be_merged_again_and_interrupted()
    {
        var stack = new TestStack(new byte[16 * 1024]);
        stack.Add(new Dictionary<long, byte[]?> { [1] = Fixtures.Filled(1024, 1) });
        stack.Add(new Dictionary<long, byte[]?> { [2] = Fixtures.Filled(1024, 2) });
        stack.Add(new Dictionary<long, byte[]?> { [3] = Fixtures.Filled(1024, 3) });
        Prepare(1).Run(NobodyWatches.Instance);
        Prepare(2).Run(NobodyWatches.Instance);

        Assert.Throws<OperationCanceledException>(() => Prepare(1).Run(new StoppingObserver(2)));

        Assert.Equal(stack.Views[3], stack.Read(stack.Files[0], stack.Files[1]));
        Prepare(1).Run(NobodyWatches.Instance);
        Assert.Equal(stack.Views[3], stack.Read(stack.Files[0], stack.Files[1]));
        Assert.Equal(stack.Views[3], stack.Read(stack.Files[0]));

        LayerMerger Prepare(int height) =>
            LayerMerger.Prepare(new CheckedFile(stack.Files[height], "upper.cow"), new CheckedFile(stack.Files[height - 1], "lower.cow"));
    }

    [Fact]
    public void The_layer_alone_reads_as_both_did_and_both_together_too()
    {
        for (int seed = 1; seed <= 120; seed++)
        {
            TestStack stack = TestStack.Random(seed, fileCount: 3);
            MemoryFile upperBefore = stack.Files[2].Copy();

            Merge(stack.Files[2], stack.Files[1]);

            Assert.Equal(stack.Views[3], stack.Read([.. stack.Files[..2]]));
            Assert.Equal(stack.Views[3], stack.Read([.. stack.Files]));
            CowfileCheck.AssertClean(stack.Files[1], stack.Layout);
            Assert.Null(stack.Files[2].DifferenceFrom(upperBefore));
        }
    }

    [Fact]
    public void The_record_says_what_was_merged_and_keeps_all_else()
    {
        TestStack stack = Small(lower => lower with { IsSealed = true, AcceptedChangeCount = 3 });
        ExtensionRecord before = TestStack.RecordOf(stack.Files[0]);
        ExtensionRecord upper = TestStack.RecordOf(stack.Files[1]);

        Merge(stack.Files[1], stack.Files[0]);

        Assert.Equal(
            before with { Generation = 6, Merged = new MergedLayer(upper.Id, 5, 5, IsComplete: true) },
            TestStack.RecordOf(stack.Files[0]));
    }

    /// <summary>Header and record never in one step; first of all it is told that the content is another.</summary>
    [Fact]
    public void The_order()
    {
        TestStack stack = Small();
        var traced = new TracingFile(stack.Files[0]);

        Merge(stack.Files[1], traced);

        Assert.Equal(
            [
                "write 0+1024", "sync",
                "setlength 36864", "allocate 0+2048", "write 0+1024", "sync",
                "write 5120+2048", "write 24576+1024", "sync",
                "write 1024+1024",
                "setlength 25600", "sync", "write 0+1024", "sync",
                "write 0+1024", "sync",
            ],
            traced.Calls.Where(call => !call.StartsWith("read", StringComparison.Ordinal) && !call.StartsWith("nextdata", StringComparison.Ordinal)));
    }

    [Fact]
    public void Holes_become_holes()
    {
        var stack = new TestStack(Fixtures.Filled(64 * 1024, 1));
        stack.Add(Enumerable.Range(0, 16).ToDictionary(block => (long)block, _ => (byte[]?)Fixtures.Filled(1024, 2)));
        stack.Add(Enumerable.Range(0, 64).ToDictionary(block => (long)block, _ => (byte[]?)null));

        Merge(stack.Files[1], stack.Files[0]);

        Assert.Equal(4096, stack.Files[0].UsedBytes);
        Assert.Equal(new byte[64 * 1024], stack.Read(stack.Files[0]));
    }

    [Fact]
    public void Again_there_is_nothing_to_do()
    {
        TestStack stack = Small();
        Merge(stack.Files[1], stack.Files[0]);
        var traced = new TracingFile(stack.Files[0]);

        LayerMerger merger = Prepare(stack.Files[1], traced);
        merger.Run(NobodyWatches.Instance);

        Assert.True(merger.IsDone);
        Assert.False(traced.HasChanges);
    }

    [Fact]
    public void What_else_lies_on_the_former_layer_is_refused()
    {
        TestStack stack = Small();
        MemoryFile sibling = stack.Sibling(1, Blocks((3, 3)));
        Assert.Equal(3, stack.Read(stack.Files[0], sibling)[3 * 1024]);

        Merge(stack.Files[1], stack.Files[0]);

        CowloopException refusal = Assert.Throws<CowloopException>(() => stack.Read(stack.Files[0], sibling));
        Assert.Equal(Fault.OtherParent, refusal.Fault);
    }

    [Fact]
    public void A_linked_upper_one_fits_though_it_is_written_to_later()
    {
        TestStack stack = Small();
        Merge(stack.Files[1], stack.Files[0]);

        LayerMerger.Relink(AtRest.Named(stack.Files[1]), TestStack.RecordOf(stack.Files[0]));

        MemoryFile written = TestStack.WithRecord(stack.Files[1], record => record with { Generation = record.Generation + 1 });
        Assert.Equal(stack.Views[2], stack.Read(stack.Files[0], written));
        Assert.Equal("0.cow", TestStack.RecordOf(written).Parent!.Value.Path);
    }

    [Fact]
    public void Bits_of_a_large_device_go_where_they_belong()
    {
        const long BlockCount = 1_200_000;
        var content = new MemoryFile();
        content.SetLength(BlockCount * 1024);
        CowImage lower = new CowImage { BlockCount = BlockCount, Fingerprint = 0, Flags = CowImage.BitmapDecides }.With(0, 1, 1).With(600_000, 1, 2);
        CowImage upper = new CowImage { BlockCount = BlockCount, Fingerprint = 0, Flags = CowImage.BitmapDecides }
            .With(524_286, 4, 3).With(600_001, 1, 4).With(1_199_999, 1, 5);
        MemoryFile lowerFile = WithRecord(lower, new Guid(1, 0, 0, new byte[8]), null);
        MemoryFile upperFile = WithRecord(upper, new Guid(2, 0, 0, new byte[8]), TestStack.RecordOf(lowerFile));

        Merge(upperFile, lowerFile);

        Assert.Equal(
            [new BlockRun(0, 1), new BlockRun(524_286, 4), new BlockRun(600_000, 2), new BlockRun(1_199_999, 1)],
            CowRuns.Read(AtRest.Named(lowerFile), new CowLayout(BlockCount)));
    }

    [Fact]
    public void Progress_adds_up_to_the_blocks_of_the_upper_one()
    {
        TestStack stack = Small();
        var observer = new StoppingObserver();

        LayerMerger merger = Prepare(stack.Files[1], stack.Files[0]);
        merger.Run(observer);

        Assert.Equal(3, merger.BlockCount);
        Assert.Equal([("merging", 3 * 1024L)], observer.Begun);
        Assert.Equal(3 * 1024, observer.DoneBytes);
    }

    [Fact]
    public void Plain_files_are_refused()
    {
        var stack = new TestStack(Fixtures.Filled(32 * 1024, 1));
        stack.Add(LowerBlocks, isPlain: true);
        stack.Add(UpperBlocks, isPlain: true);

        CowloopException refusal = MustRefuse(stack);

        Assert.Contains("plain cowfile", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--into NEW.cow", refusal.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void What_lies_on_something_else_is_refused()
    {
        TestStack stack = Small();
        stack.Add(Blocks((9, 9)));

        Assert.Equal(Fault.OtherParent, Assert.Throws<CowloopException>(() => Prepare(stack.Files[2], stack.Files[0])).Fault);
        Assert.Equal(Fault.OtherParent, Assert.Throws<CowloopException>(() => Prepare(stack.Files[0], stack.Files[1])).Fault);
        Assert.Equal(Fault.OtherParent, Assert.Throws<CowloopException>(() => Prepare(stack.Files[0], stack.Files[0])).Fault);
    }

    [Fact]
    public void A_file_that_is_not_sound_is_refused()
    {
        TestStack stack = Small();
        foreach (int file in new[] { 0, 1 })
        {
            MemoryFile[] files = [.. stack.Files.Select(each => each.Copy())];
            files[file].WriteAt(6, [5]);
            Assert.Equal(Fault.Dirty, Assert.Throws<CowloopException>(() => Prepare(files[1], files[0])).Fault);
            files[file].WriteAt(6, [4]);
            files[file].WriteAt(1024, [0]);
            Assert.Equal(Fault.Damaged, Assert.Throws<CowloopException>(() => Prepare(files[1], files[0])).Fault);
        }
    }

    [Fact]
    public void A_larger_upper_one_is_refused()
    {
        TestStack stack = Small();
        CowImage larger = new CowImage { BlockCount = 40, Version = 2, Flags = CowImage.BitmapDecides }.With(39, 1, 1);
        MemoryFile upper = WithRecord(larger, new Guid(2, 0, 0, new byte[8]), TestStack.RecordOf(stack.Files[0]), isLarger: true);

        CowloopException refusal = Assert.Throws<CowloopException>(() => Prepare(upper, stack.Files[0]));

        Assert.Equal(Fault.OtherSize, refusal.Fault);
    }

    private static Dictionary<long, byte[]?> Blocks(params (long Block, byte Fill)[] blocks) =>
        blocks.ToDictionary(block => block.Block, block => (byte[]?)Fixtures.Filled(1024, block.Fill));

    private static TestStack Small(Func<ExtensionRecord, ExtensionRecord>? change = null)
    {
        var stack = new TestStack(Fixtures.Filled(32 * 1024, 1));
        stack.Add(LowerBlocks, change: change);
        stack.Add(UpperBlocks);
        return stack;
    }

    private static MemoryFile WithRecord(CowImage image, Guid id, ExtensionRecord? parent, bool isLarger = false)
    {
        MemoryFile file = image.ToSparse();
        byte[] sector = new byte[1024];
        file.ReadAt(0, sector);
        new ExtensionRecord
        {
            Id = id,
            Parent = parent?.ToLink(""),
            BaseLengthBytes = 0,
            BaseIdentity = default,
            IsLargerThanBase = isLarger,
        }.Encode(sector);
        file.WriteAt(0, sector);
        return file;
    }

    private static CowloopException MustRefuse(TestStack stack)
    {
        var traced = new TracingFile(stack.Files[0]);
        CowloopException refusal = Assert.Throws<CowloopException>(() => Prepare(stack.Files[1], traced));
        Assert.False(traced.HasChanges);
        return refusal;
    }

    private static LayerMerger Prepare(IBlockFile upper, IBlockFile lower) =>
        LayerMerger.Prepare(new CheckedFile(upper, "upper.cow"), new CheckedFile(lower, "lower.cow"));

    private static void Merge(IBlockFile upper, IBlockFile lower) => Prepare(upper, lower).Run(NobodyWatches.Instance);
}
