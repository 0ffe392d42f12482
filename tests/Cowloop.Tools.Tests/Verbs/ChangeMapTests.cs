using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

public class ChangeMapTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(64, 1, 64)]
    [InlineData(512, 1, 512)]
    [InlineData(513, 2, 257)]
    [InlineData(1024, 2, 512)]
    [InlineData(1025, 3, 342)]
    [InlineData(CowLayout.MaxClassicBlockCount, 8388608, 512)]
    public void There_are_at_most_512_cells_and_as_many_as_possible_have_the_same_size(long blockCount, long blocksPerCell, int cellCount)
    {
        var map = new ChangeMap(new CowLayout(blockCount));

        Assert.Equal((blockCount, blocksPerCell, cellCount), (map.BlockCount, map.BlocksPerCell, map.CellCount));
    }

    [Fact]
    public void A_new_map_is_empty()
    {
        var map = new ChangeMap(new CowLayout(100));

        Assert.Equal((0, 0), (map.UsedBlocks, map.RunCount));
        Assert.All(Enumerable.Range(0, 100), cell => Assert.Equal(0, map.Fill(cell)));
    }

    [Fact]
    public void A_run_is_shared_out_to_the_cells_that_it_lies_in()
    {
        // Four blocks a cell.
        var map = new ChangeMap(new CowLayout(2048));

        map.Add(new BlockRun(3, 6));

        Assert.Equal([0.25, 1, 0.25, 0], Enumerable.Range(0, 4).Select(map.Fill));
        Assert.Equal((6, 1), (map.UsedBlocks, map.RunCount));
    }

    [Fact]
    public void Runs_add_up()
    {
        var map = new ChangeMap(new CowLayout(2048));

        map.Add(new BlockRun(0, 1));
        map.Add(new BlockRun(2, 1));
        map.Add(new BlockRun(2047, 1));

        Assert.Equal(0.5, map.Fill(0));
        Assert.Equal(0.25, map.Fill(511));
        Assert.Equal((3, 3), (map.UsedBlocks, map.RunCount));
    }

    [Fact]
    public void The_last_cell_is_full_when_the_blocks_that_it_has_are()
    {
        var map = new ChangeMap(new CowLayout(513));

        map.Add(new BlockRun(512, 1));

        Assert.Equal(1, map.Fill(256));
        Assert.Equal(0, map.Fill(255));
    }

    /// <summary>A damaged bitmap may say so.</summary>
    [Fact]
    public void Blocks_behind_the_end_are_counted_but_lie_in_no_cell()
    {
        var map = new ChangeMap(new CowLayout(10));

        map.Add(new BlockRun(9, 3));
        map.Add(new BlockRun(100, 2));

        Assert.Equal((5, 2), (map.UsedBlocks, map.RunCount));
        Assert.Equal(1, map.Fill(9));
    }

    [Fact]
    public void A_whole_device_of_4_TiB_is_one_run()
    {
        var map = new ChangeMap(new CowLayout(CowLayout.MaxClassicBlockCount));

        map.Add(new BlockRun(0, CowLayout.MaxClassicBlockCount));

        Assert.Equal(CowLayout.MaxClassicBlockCount, map.UsedBlocks);
        Assert.All(Enumerable.Range(0, map.CellCount), cell => Assert.Equal(1, map.Fill(cell)));
    }
}
