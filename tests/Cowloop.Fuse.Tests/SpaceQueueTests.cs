using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Fuse.Tests;

public sealed class SpaceQueueTests : IDisposable
{
    private readonly NativeBuffer _buffer = new(4096);
    private readonly SpaceQueue _queue = new() { WaitTime = TimeSpan.FromMilliseconds(100) };

    public void Dispose() => _buffer.Dispose();

    [Fact]
    public void Where_nothing_waits_a_request_stays_with_its_caller()
    {
        var queue = new SpaceQueue();

        Assert.False(queue.MayWait);
        Assert.False(queue.TryAdd(Request(1), Errno.ENOSPC, 0));
        Assert.True(queue.IsEmpty);
        Assert.Equal(new SpaceShortage(0, null, 0, 0, Errno.None), queue.Shortage);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(-1)]
    public void The_wait_time_is_what_was_set(int ms)
    {
        _queue.WaitTime = TimeSpan.FromMilliseconds(ms);

        Assert.Equal(TimeSpan.FromMilliseconds(ms), _queue.WaitTime);
        Assert.Equal(ms != 0, _queue.MayWait);
    }

    [Fact]
    public void A_request_waits_until_its_time_is_over()
    {
        Add(1, 1000);
        Add(2, 1050);

        Assert.Empty(Over(1099));
        Assert.Equal([1], Over(1100));
        Assert.Empty(Over(1149));
        Assert.Equal([2], Over(1150));
        Assert.True(_queue.IsEmpty);
        Assert.Equal(2, _queue.Shortage.FailedCount);
    }

    [Fact]
    public void Without_an_end_it_is_never_over()
    {
        _queue.WaitTime = Timeout.InfiniteTimeSpan;
        Add(1, 0);

        Assert.Empty(Over(long.MaxValue - 1));
    }

    [Fact]
    public void A_change_of_the_time_applies_to_those_that_wait()
    {
        Add(1, 0);
        _queue.WaitTime = TimeSpan.FromMilliseconds(500);
        Assert.Empty(Over(499));

        _queue.WaitTime = TimeSpan.Zero;

        Assert.Equal([1], Over(0));
    }

    [Fact]
    public void Space_for_one_gives_the_others_their_time_again()
    {
        Add(1, 0);
        Add(2, 0);
        Assert.Equal(1, Take().Request.LengthBytes);
        _queue.Complete(90);

        Assert.Empty(Over(189));
        Assert.Equal([2], Over(190));
    }

    [Fact]
    public void One_that_still_finds_no_space_goes_behind_the_others()
    {
        Add(1, 0);
        Add(2, 0);

        Assert.True(_queue.TryReturn(Take(), 50));

        Assert.Equal(2, Take().Request.LengthBytes);
        Assert.Equal(1, Take().Request.LengthBytes);
        Assert.False(_queue.TryTake(out _));
    }

    [Fact]
    public void One_that_still_finds_no_space_when_its_time_is_over_is_the_callers()
    {
        Add(1, 0);
        SpaceWaiter waiter = Take();

        Assert.False(_queue.TryReturn(waiter, 100));

        Assert.Equal(new SpaceShortage(0, null, 1, 1, Errno.ENOSPC), _queue.Shortage);
    }

    [Fact]
    public void One_that_is_being_tried_counts_as_waiting()
    {
        Add(1, 0);
        DateTime? since = _queue.Shortage.WaitingSince;
        Assert.NotNull(since);

        SpaceWaiter waiter = Take();
        Assert.False(_queue.IsEmpty);
        Assert.Empty(Over(1000));
        Assert.Equal((1, since), (_queue.Shortage.WaitingCount, _queue.Shortage.WaitingSince));
        _queue.TryReturn(waiter, 0);
        Assert.Equal((1, since), (_queue.Shortage.WaitingCount, _queue.Shortage.WaitingSince));

        Take();
        _queue.Complete(0);
        Assert.Equal(new SpaceShortage(0, null, 1, 0, Errno.ENOSPC), _queue.Shortage);
    }

    [Fact]
    public void One_worker_at_a_time_tries_again()
    {
        Assert.False(_queue.TryBeginRetry());
        Add(1, 0);
        Assert.True(_queue.TryBeginRetry());
        Assert.False(_queue.TryBeginRetry());

        _queue.EndRetry();

        Assert.True(_queue.TryBeginRetry());
    }

    [Fact]
    public void What_fails_at_once_is_counted_with_its_cause()
    {
        _queue.AddFailed(Errno.EDQUOT);
        _queue.AddFailed(Errno.EFBIG);

        Assert.Equal(new SpaceShortage(0, null, 0, 2, Errno.EFBIG), _queue.Shortage);
    }

    private ParkedRequest Request(int lengthBytes) => new(_buffer, lengthBytes);

    private void Add(int lengthBytes, long nowMs) => Assert.True(_queue.TryAdd(Request(lengthBytes), Errno.ENOSPC, nowMs));

    private SpaceWaiter Take()
    {
        Assert.True(_queue.TryTake(out SpaceWaiter waiter));
        return waiter;
    }

    private int[] Over(long nowMs)
    {
        var over = new List<SpaceWaiter>();
        _queue.TakeOver(nowMs, over);
        return [.. over.Select(waiter => waiter.Request.LengthBytes)];
    }
}
