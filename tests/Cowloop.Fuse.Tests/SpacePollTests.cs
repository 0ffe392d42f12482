using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Linux;
using Cowloop.Tests.Support;

namespace Cowloop.Fuse.Tests;

/// <summary>Only who is to be tried again or answered, and when; what comes of it is in SpaceWaitTests.cs.</summary>
public sealed class SpacePollTests : IDisposable
{
    private readonly NativeBuffer _buffer = new(4096);
    private readonly ConcurrentQueue<RequestLane> _retried = new();
    private readonly ConcurrentQueue<SpaceWaiter> _failed = new();
    private readonly SpacePoll _poll;

    public SpacePollTests() => _poll = new SpacePoll(_retried.Enqueue, _failed.Enqueue);

    public void Dispose()
    {
        _poll.Dispose();
        _buffer.Dispose();
    }

    [Fact]
    public void A_lane_is_tried_again_and_again_until_nothing_waits()
    {
        RequestLane lane = Waiting(Timeout.InfiniteTimeSpan);
        _poll.Watch(lane);
        Poll.Until("it was tried three times", () => _retried.Count(retried => retried == lane) >= 3);

        lane.Space.TryTake(out _);
        lane.Space.Complete(0);

        // Another one, as a clock: the first is not tried any more.
        RequestLane other = Waiting(Timeout.InfiniteTimeSpan);
        _poll.Watch(other);
        Poll.Until("the other was tried", () => _retried.Contains(other));
        int count = _retried.Count(retried => retried == lane);
        Poll.Until("the other was tried often", () => _retried.Count(retried => retried == other) >= 3);
        Assert.Equal(count, _retried.Count(retried => retried == lane));
        Assert.Empty(_failed);
    }

    [Fact]
    public void A_request_whose_time_is_over_is_failed_once()
    {
        RequestLane lane = Waiting(TimeSpan.FromMilliseconds(1));
        _poll.Watch(lane);

        Poll.Until("it has failed", () => !_failed.IsEmpty);

        Assert.True(lane.Space.IsEmpty);
        Assert.Equal(Errno.ENOSPC, Assert.Single(_failed).Cause);
    }

    [Fact]
    public void It_sleeps_and_wakes_again()
    {
        for (int round = 1; round <= 3; round++)
        {
            _poll.Watch(Waiting(TimeSpan.FromMilliseconds(1)));
            int failed = round;
            Poll.Until("it has failed", () => _failed.Count == failed);
        }
    }

    [Fact]
    public void Many_lanes_take_turns()
    {
        RequestLane[] lanes = [.. Enumerable.Range(0, 100).Select(_ => Waiting(Timeout.InfiniteTimeSpan))];
        Array.ForEach(lanes, _poll.Watch);

        Poll.Until("all were tried", () => lanes.All(_retried.Contains));

        Assert.Equal(lanes, _retried.Take(lanes.Length));
    }

    [Fact]
    public void Nothing_is_called_after_the_end()
    {
        _poll.Watch(Waiting(Timeout.InfiniteTimeSpan));
        Poll.Until("it was tried", () => !_retried.IsEmpty);

        _poll.Dispose();
        int count = _retried.Count;
        _poll.Watch(Waiting(Timeout.InfiniteTimeSpan));

        Assert.Equal(count, _retried.Count);
    }

    private RequestLane Waiting(TimeSpan time)
    {
        var lane = new RequestLane(width: 1, new SharedWorkers(1));
        lane.Space.WaitTime = time;
        Assert.True(lane.Space.TryAdd(new ParkedRequest(_buffer, 1), Errno.ENOSPC, Environment.TickCount64));
        return lane;
    }
}
