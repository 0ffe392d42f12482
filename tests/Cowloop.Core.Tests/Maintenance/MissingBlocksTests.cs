using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>RebaserTests have more of it.</summary>
public class MissingBlocksTests
{
    [Fact]
    public void Only_what_is_missing_is_copied_and_each_block_is_durable_before_its_bit()
    {
        MemoryFile memory = new CowImage { BlockCount = 40 }.With(3, 2, 7).ToSparse();
        var file = new TracingFile(memory);
        var copy = new MissingBlocks(new CowfileEdit(AtRest.Named(file)), new CheckedFile(new FlatFile(Fixtures.Filled(40 * 1024, 1)), "base"));
        file.Forget();

        copy.Add(new BlockRun(2, 4));
        copy.Add(new BlockRun(30, 1));
        copy.Finish();

        Assert.Equal(3, copy.CopiedBlockCount);
        Assert.Equal([new BlockRun(2, 4), new BlockRun(30, 1)], CowRuns.Read(AtRest.Named(memory), new CowLayout(40)));
        Assert.Equal(
            [
                "setlength 45056", "allocate 0+2048", "write 0+1024", "sync",
                "write 6144+1024", "write 9216+1024", "write 34816+1024", "sync",
                "write 1024+1024", "sync",
            ],
            file.Calls.Where(call => !call.StartsWith("read", StringComparison.Ordinal) && !call.StartsWith("nextdata", StringComparison.Ordinal)));
    }

    [Fact]
    public void When_nothing_is_missing_nothing_changes()
    {
        var file = new TracingFile(new CowImage { BlockCount = 40 }.With(3, 2, 7).ToSparse());
        var copy = new MissingBlocks(new CowfileEdit(AtRest.Named(file)), new CheckedFile(new FlatFile(new byte[40 * 1024]), "base"));

        copy.Add(new BlockRun(3, 2));
        copy.Finish();

        Assert.False(file.HasChanges);
    }

    [Fact]
    public void Runs_across_the_parts_of_a_large_bitmap_are_copied_whole()
    {
        MemoryFile file = new CowImage { BlockCount = 600_000 }.ToSparse();
        var below = new MemoryFile(Fixtures.Filled(1024, 1));
        below.SetLength(600_000 * 1024L);
        var copy = new MissingBlocks(new CowfileEdit(AtRest.Named(file)), new CheckedFile(below, "base"));

        copy.Add(new BlockRun(0, 1));
        copy.Add(new BlockRun(524_280, 20));
        copy.Finish();

        Assert.Equal([new BlockRun(0, 1), new BlockRun(524_280, 20)], CowRuns.Read(AtRest.Named(file), new CowLayout(600_000)));
    }
}
