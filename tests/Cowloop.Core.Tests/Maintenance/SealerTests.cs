using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class SealerTests
{
    [Fact]
    public void Only_the_seal_changes_and_it_is_durable()
    {
        TestStack stack = TestStack.Random(3);
        MemoryFile expected = TestStack.WithRecord(stack.Files[0], record => record with { IsSealed = true });
        var traced = new TracingFile(stack.Files[0]);

        Assert.True(Sealer.Run(AtRest.Named(traced)));

        Assert.Null(stack.Files[0].DifferenceFrom(expected));
        Assert.Equal("sync", traced.Calls.Last());
        Assert.Equal(stack.Views[2], stack.Read([.. stack.Files]));
    }

    [Fact]
    public void A_sealed_file_stays_as_it_is()
    {
        var traced = new TracingFile(TestStack.WithRecord(TestStack.Random(3).Files[0], record => record with { IsSealed = true }));

        Assert.False(Sealer.Run(AtRest.Named(traced)));

        Assert.False(traced.HasChanges);
    }

    [Fact]
    public void Plain_dirty_and_half_merged_files_are_refused()
    {
        MemoryFile file = TestStack.Random(3).Files[0];
        MemoryFile dirty = file.Copy();
        dirty.WriteAt(6, [5]);
        MemoryFile merging = TestStack.WithRecord(file, record => record with { Merged = new MergedLayer(Guid.NewGuid(), 1, 2, IsComplete: false) });

        Assert.Contains("plain", Refusal(Golden.ImageG2.ToSparse()).Message, StringComparison.Ordinal);
        Assert.Equal(Fault.Dirty, Refusal(dirty).Fault);
        Assert.Equal(Fault.OtherParent, Refusal(merging).Fault);
    }

    [Fact]
    public void A_seal_that_cannot_be_written_is_told()
    {
        MemoryFile file = TestStack.Random(3).Files[0];

        Assert.NotEqual(0, EveryCall.MustBeTold(fault => Sealer.Run(AtRest.Named(new FaultyFile(file.Copy(), fault)))));
    }

    private static CowloopException Refusal(MemoryFile file) => Assert.Throws<CowloopException>(() => Sealer.Run(AtRest.Named(file)));
}
