using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

public class FlushRoundsTests
{
    [Fact]
    public void A_lone_caller_leads_every_round()
    {
        var rounds = new FlushRounds();

        Assert.True(rounds.TryLead(out _));
        rounds.Complete(Errno.EIO);
        Assert.True(rounds.TryLead(out Errno result));
        Assert.Equal(Errno.None, result);
    }

    [Fact]
    public void A_round_under_way_serves_nobody_who_comes_later()
    {
        var rounds = new FlushRounds();
        rounds.TryLead(out _);
        bool hasLed = false;
        Thread second = Together.StartWaiter(() => hasLed = rounds.TryLead(out _));
        Assert.True(second.IsAlive);

        rounds.Complete(Errno.None);
        second.Join();

        Assert.True(hasLed);
    }

    [Fact]
    public void Those_who_wait_share_the_next_round()
    {
        var rounds = new FlushRounds();
        rounds.TryLead(out _);
        int leaderCount = 0;
        int servedCount = 0;
        Thread[] waiters = [.. Enumerable.Range(0, 4).Select(_ => Together.StartWaiter(() =>
        {
            if (rounds.TryLead(out Errno result))
            {
                Interlocked.Increment(ref leaderCount);
                rounds.Complete(Errno.ENOSPC);
            }
            else if (result == Errno.ENOSPC)
            {
                Interlocked.Increment(ref servedCount);
            }
        }))];

        rounds.Complete(Errno.None);
        foreach (Thread waiter in waiters)
        {
            waiter.Join();
        }

        Assert.Equal((1, 3), (leaderCount, servedCount));
    }

    [Fact]
    public void Only_one_leads_at_a_time()
    {
        var rounds = new FlushRounds();
        int inside = 0;
        Together.Run(4, _ =>
        {
            for (int round = 0; round < 5000; round++)
            {
                if (rounds.TryLead(out Errno _))
                {
                    Assert.Equal(1, Interlocked.Increment(ref inside));
                    Interlocked.Decrement(ref inside);
                    rounds.Complete(Errno.None);
                }
            }
        });
    }
}
