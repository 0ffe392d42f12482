using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What a rebase makes of a cowfile, and what it refuses. Interrupted: RebaserCrashTests.</summary>
public class RebaserTests
{
    /// <summary>The rest of a base behind its last whole block is none of a device that is as large as the base.</summary>
    [Fact]
    public void Bases_may_end_in_different_parts_of_a_block()
    {
        byte[] oldBase = Fixtures.Filled(2 * 1024, 1);
        byte[] newBase = Fixtures.Filled(2 * 1024 + 512, 1);
        var stack = new TestStack(oldBase);
        MemoryFile file = stack.Add(new Dictionary<long, byte[]?> { [1] = Fixtures.Filled(1024, 9) });

        RebaseReport report = Rebaser.Prepare(AtRest.Named(file), TestStack.Open(oldBase), TestStack.Open(newBase), null)
            .Run(null, HeapWords.Allocate, NobodyWatches.Instance);

        Assert.Equal(new RebaseReport(0, 0), report);
        Assert.Equal(stack.Views[1], TestStack.Read(TestStack.Open(newBase, file)));
    }

    [Fact]
    public void It_reads_on_the_new_as_it_did_on_the_old()
    {
        for (int seed = 1; seed <= 120; seed++)
        {
            var rebase = RebaseCase.Random(seed);
            MemoryFile file = rebase.Cowfile.Copy();

            RebaseReport report = rebase.Rebase(file);

            Assert.Equal(rebase.View, rebase.ReadOnNew(file));
            CowfileCheck.AssertClean(file, rebase.Layout);
            byte[] below = TestStack.Read(rebase.OpenNew());
            int held = 0;
            for (int block = 0; block < below.Length / 1024; block++)
            {
                bool isEqual = below.AsSpan(block * 1024, 1024).SequenceEqual(rebase.View.AsSpan(block * 1024, 1024));
                Assert.Equal(!isEqual, TestStack.Holds(file, block));
                held += isEqual ? 0 : 1;
            }
            Assert.Equal(held, (long)AtRest.HeaderOf(rebase.Cowfile).UsedBlocks + report.CopiedBlocks - report.DroppedBlocks);
        }
    }

    [Fact]
    public void There_and_back_again_it_is_what_it_was()
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            var rebase = RebaseCase.Random(seed, isPlain: false);
            MemoryFile file = rebase.Cowfile.Copy();
            Compacter.Prepare(AtRest.Named(file), rebase.OpenOld(), new BaseOptions()).Run(NobodyWatches.Instance);
            MemoryFile compacted = file.Copy();

            rebase.Rebase(file);
            rebase.RebaseBack(file);

            Assert.Null(file.DifferenceFrom(compacted));
        }
    }

    [Fact]
    public void The_record_names_the_new_and_keeps_what_is_its_own()
    {
        var rebase = RebaseCase.OntoLayer(record => record with { IsSealed = true, AcceptedChangeCount = 2, Merged = new MergedLayer(Guid.NewGuid(), 1, 2, true) });
        ExtensionRecord before = TestStack.RecordOf(rebase.Cowfile);

        rebase.Rebase(rebase.Cowfile);

        ExtensionRecord after = TestStack.RecordOf(rebase.Cowfile);
        Assert.Equal(TestStack.RecordOf(rebase.NewLayers[^1]).ToLink("new.cow"), after.Parent);
        Assert.Equal(before with { Parent = after.Parent }, after);
    }

    [Fact]
    public void On_the_new_already_there_is_only_to_be_compacted()
    {
        var rebase = RebaseCase.OntoLayer();
        rebase.Rebase(rebase.Cowfile);
        var traced = new TracingFile(rebase.Cowfile);

        Rebaser again = rebase.Prepare(traced);
        RebaseReport report = again.Run(null, HeapWords.Allocate, NobodyWatches.Instance);

        Assert.True(again.IsOnNew);
        Assert.Equal(new RebaseReport(0, 0), report);
        Assert.Equal(rebase.View, rebase.ReadOnNew(rebase.Cowfile));
    }

    [Fact]
    public void Only_where_layers_are_not_common_anything_is_read()
    {
        var rebase = RebaseCase.OntoLayer();
        BaseImage old = rebase.OpenOld();
        BaseImage @new = rebase.OpenNew();
        IReadOnlyList<Layer> mayDiffer = ((LayerStack)@new.File).Layers;
        var observer = new StoppingObserver();

        Rebaser.Prepare(AtRest.Named(rebase.Cowfile), old, @new, "new.cow").Run(mayDiffer, HeapWords.Allocate, observer);

        Assert.Equal(("comparing", 2 * 1024L), observer.Begun[0]);
        Assert.Equal(rebase.View, rebase.ReadOnNew(rebase.Cowfile));
    }

    [Fact]
    public void Renaming_copies_nothing()
    {
        var rebase = RebaseCase.OntoLayer();
        MemoryFile before = rebase.Cowfile.Copy();

        Rebaser.RenameBelow(AtRest.Named(rebase.Cowfile), rebase.OpenNew(), "new.cow");

        Assert.Equal(before.ToArray()[1024..], rebase.Cowfile.ToArray()[1024..]);
        Assert.NotEqual(rebase.View, rebase.ReadOnNew(rebase.Cowfile));
    }

    [Fact]
    public void What_lies_on_something_else_is_refused()
    {
        var rebase = RebaseCase.OntoLayer();
        byte[] other = [.. rebase.OldBase];
        other[0]++;
        BaseImage foreign = TestStack.Open(other);

        CowloopException refusal = Assert.Throws<CowloopException>(
            () => Rebaser.Prepare(AtRest.Named(rebase.Cowfile), foreign, rebase.OpenNew(), null));

        Assert.Equal(Fault.OtherBase, refusal.Fault);
    }

    [Fact]
    public void Another_size_is_refused()
    {
        var rebase = RebaseCase.OntoLayer();
        BaseImage larger = TestStack.Open([.. rebase.OldBase, .. new byte[1024]]);

        CowloopException refusal = Assert.Throws<CowloopException>(
            () => Rebaser.Prepare(AtRest.Named(rebase.Cowfile), rebase.OpenOld(), larger, null));

        Assert.Equal(Fault.OtherSize, refusal.Fault);
        Assert.Equal(Fault.OtherSize, Assert.Throws<CowloopException>(() => Rebaser.RenameBelow(AtRest.Named(rebase.Cowfile), larger, null)).Fault);
    }

    [Fact]
    public void A_dirty_file_is_refused()
    {
        var rebase = RebaseCase.OntoLayer();
        rebase.Cowfile.WriteAt(6, [5]);

        Assert.Equal(Fault.Dirty, Assert.Throws<CowloopException>(() => rebase.Prepare(rebase.Cowfile)).Fault);
    }
}
