using Cowloop.Linux;

namespace Cowloop.Fuse.Tests;

public class SharedWorkersTests
{
    [Fact]
    public void There_are_so_many_and_no_more()
    {
        var shared = new SharedWorkers(2);
        Assert.True(shared.TryTake());
        Assert.True(shared.TryTake());
        Assert.False(shared.TryTake());

        shared.Return();

        Assert.True(shared.TryTake());
        Assert.False(shared.TryTake());
    }

    [Fact]
    public void Each_lane_has_one_worker_even_when_none_is_left_to_share()
    {
        var shared = new SharedWorkers(1);
        var greedy = new RequestLane(width: 8, shared);
        var late = new RequestLane(width: 8, shared);
        using var buffer = new NativeBuffer(4096);

        Assert.True(greedy.TryEnter(buffer, 1));
        Assert.True(greedy.TryEnter(buffer, 2));
        Assert.False(greedy.TryEnter(buffer, 3));
        Assert.True(late.TryEnter(buffer, 4));
        Assert.False(late.TryEnter(buffer, 5));

        // What waits goes on first; then the shared worker is free for the other lane.
        Assert.True(greedy.TryExitToNext(out _));
        Assert.False(greedy.TryExitToNext(out _));
        Assert.True(late.TryEnter(buffer, 6));
    }
}
