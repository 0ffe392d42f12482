using Cowloop.Core.DeviceMapper;

namespace Cowloop.Core.Tests.DeviceMapper;

public class DmGeometryTests
{
    private static readonly DmGeometry Pages = new(4096);

    [Fact]
    public void Areas_follow_each_other_behind_the_header()
    {
        Assert.Equal(256, Pages.ExceptionsPerArea);
        Assert.Equal([1, 258, 515], new long[] { 0, 1, 2 }.Select(Pages.TableChunk));
        Assert.Equal([2, 257, 259, 514, 516], new long[] { 0, 255, 256, 511, 512 }.Select(Pages.DataChunk));
    }

    [Fact]
    public void Header_and_tables_hold_no_data()
    {
        long[] metadata = [.. Enumerable.Range(0, 600).Select(chunk => (long)chunk).Where(Pages.IsMetadata)];
        Assert.Equal([0, 1, 258, 515], metadata);
    }

    [Fact]
    public void A_store_has_room_for_the_end_of_its_table()
    {
        Assert.Equal(2, Pages.ChunksFor(0));
        Assert.Equal(257, Pages.ChunksFor(255));
        Assert.Equal(259, Pages.ChunksFor(256));
        Assert.Equal(260, Pages.ChunksFor(257));
    }

    [Fact]
    public void A_last_chunk_may_be_partial()
    {
        Assert.Equal(0, Pages.ChunksOf(0));
        Assert.Equal(1, Pages.ChunksOf(512));
        Assert.Equal(1, Pages.ChunksOf(4096));
        Assert.Equal(2, Pages.ChunksOf(4608));
        Assert.Equal(1L << 51, Pages.ChunksOf(long.MaxValue));
    }
}
