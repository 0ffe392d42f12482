using Cowloop.Core.Compact;

namespace Cowloop.Core.Tests.Compact;

public class ChunkMapTests
{
    [Fact]
    public void It_tells_where_a_chunk_is()
    {
        var map = new ChunkMap(new ulong[3]);
        Assert.True(map.Find(1).IsNone);
        Assert.False(map.Find(1).HoldsData);

        map.Set(1, 0, holdsData: true);
        Assert.Equal((false, true, 0), (map.Find(1).IsNone, map.Find(1).HoldsData, map.Find(1).Chunk));

        map.Set(1, int.MaxValue - 1, holdsData: false);
        Assert.Equal((false, false, int.MaxValue - 1), (map.Find(1).IsNone, map.Find(1).HoldsData, map.Find(1).Chunk));

        map.Set(1, -1, holdsData: false);
        Assert.Equal((true, false), (map.Find(1).IsNone, map.Find(1).HoldsData));
        Assert.True(map.Find(0).IsNone && map.Find(2).IsNone);
    }

    /// <summary>Who has read from a chunk sees so whether it was there all the time, though it has come back.</summary>
    [Fact]
    public void A_chunk_that_comes_back_is_another_place()
    {
        var map = new ChunkMap(new ulong[1]);
        map.Set(0, 5, holdsData: true);
        ChunkPlace before = map.Find(0);

        map.Set(0, -1, holdsData: false);
        map.Set(0, 5, holdsData: true);

        Assert.NotEqual(before, map.Find(0));
        Assert.Equal(5, map.Find(0).Chunk);
    }

    /// <summary>The counter does not run into the flag.</summary>
    [Fact]
    public void The_counter_starts_again()
    {
        ulong[] words = [0x7FFF_FFFF_0000_0001];
        var map = new ChunkMap(words);

        map.Set(0, 6, holdsData: true);

        Assert.Equal(7UL, words[0]);
        Assert.True(map.Find(0).HoldsData);
    }
}
