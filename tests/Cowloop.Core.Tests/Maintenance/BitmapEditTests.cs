using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class BitmapEditTests
{
    private static readonly CowImage Large = new CowImage { BlockCount = 600_001 }.With(3, 2, 1).With(524_287, 3, 1).With(600_000, 1, 1);

    [Fact]
    public void Bits_are_found_changed_and_written()
    {
        MemoryFile file = Large.ToSparse();
        var bitmap = new BitmapEdit(AtRest.Named(file), new CowLayout(600_001));
        bitmap.Load(5);

        Assert.Equal((0L, 524_288L), (bitmap.FirstBlock, bitmap.EndBlock));
        Assert.True(bitmap.TryNextFound(0, isSet: true, out BlockRun run));
        Assert.Equal(new BlockRun(3, 2), run);
        bitmap.Set(new BlockRun(4, 3), isSet: true);
        bitmap.Set(new BlockRun(3, 1), isSet: false);
        Assert.True(bitmap.HasChanged);
        Assert.True(bitmap.TryNext(0, isSet: true, out run));
        Assert.Equal(new BlockRun(4, 3), run);
        Assert.True(bitmap.TryNextFound(0, isSet: true, out run));
        Assert.Equal(new BlockRun(3, 2), run);
        bitmap.Write();

        Assert.Equal(
            [new BlockRun(4, 3), new BlockRun(524_287, 3), new BlockRun(600_000, 1)],
            CowRuns.Read(AtRest.Named(file), new CowLayout(600_001)));
    }

    [Fact]
    public void The_last_part_ends_with_the_device()
    {
        var bitmap = new BitmapEdit(AtRest.Named(Large.ToSparse()), new CowLayout(600_001));
        bitmap.Load(600_000);

        Assert.Equal((524_288L, 600_001L), (bitmap.FirstBlock, bitmap.EndBlock));
        Assert.True(bitmap.TryNext(530_000, isSet: false, out BlockRun run));
        Assert.Equal(new BlockRun(530_000, 70_000), run);
        Assert.False(bitmap.TryNext(600_000, isSet: false, out _));
    }

    [Fact]
    public void Only_the_blocks_of_the_bitmap_that_changed_are_written()
    {
        var file = new TracingFile(Large.ToSparse());
        var bitmap = new BitmapEdit(AtRest.Named(file), new CowLayout(600_001));
        bitmap.Load(0);
        bitmap.Write();
        Assert.False(file.HasChanges);
        bitmap.Set(new BlockRun(20_000, 1), isSet: true);
        bitmap.Write();

        Assert.Contains("write 3072+1024", file.Calls);
        Assert.Single(file.Calls, call => call.StartsWith("write", StringComparison.Ordinal));
    }

    [Fact]
    public void Runs_are_added_across_the_parts()
    {
        MemoryFile file = Large.ToSparse();

        BitmapEdit.Add([new BlockRun(1, 1), new BlockRun(524_000, 1000)], AtRest.Named(file), new CowLayout(600_001));

        Assert.Equal(
            [new BlockRun(1, 1), new BlockRun(3, 2), new BlockRun(524_000, 1000), new BlockRun(600_000, 1)],
            CowRuns.Read(AtRest.Named(file), new CowLayout(600_001)));
    }
}
