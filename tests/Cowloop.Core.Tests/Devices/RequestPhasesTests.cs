using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

public class RequestPhasesTests
{
    [Fact]
    public void Without_requests_nobody_waits()
    {
        var requests = new RequestPhases();
        requests.WaitForEarlier();
        requests.Exit(requests.Enter());
        requests.WaitForEarlier();
    }

    [Fact]
    public void Requests_that_began_before_are_waited_for_and_later_ones_are_not()
    {
        var requests = new RequestPhases();
        int earlier = requests.Enter();
        var waiter = new Thread(requests.WaitForEarlier);
        waiter.Start();
        int meanwhile = EnterPhase(requests, 1 - earlier);
        Assert.False(waiter.Join(50), "one that began before is still running");
        requests.Exit(earlier);
        // Its second round is about those that it may have overlooked in the first, and begins with a new phase.
        int later = EnterPhase(requests, earlier);
        Assert.False(waiter.Join(50), "one that may have begun before is still running");
        requests.Exit(meanwhile);
        Assert.True(waiter.Join(60_000), "it waits for a later one");
        requests.Exit(later);
        requests.WaitForEarlier();
    }

    [Fact]
    public void What_was_given_back_is_used_by_nobody()
    {
        const int Readers = 3;
        const int Rounds = 300;
        var requests = new RequestPhases();
        int[] current = [0];
        bool isOver = false;
        Together.Run(Readers + 1, thread =>
        {
            if (thread < Readers)
            {
                while (!Volatile.Read(ref isOver))
                {
                    int phase = requests.Enter();
                    int[] mine = Volatile.Read(ref current);
                    Thread.Yield();
                    int seen = Volatile.Read(ref mine[0]);
                    requests.Exit(phase);
                    Assert.Equal(0, seen);
                }
                return;
            }
            try
            {
                for (int round = 0; round < Rounds; round++)
                {
                    int[] former = Interlocked.Exchange(ref current, [0]);
                    requests.WaitForEarlier();
                    Volatile.Write(ref former[0], 1);
                }
            }
            finally
            {
                Volatile.Write(ref isOver, true);
            }
        });
    }

    [Fact]
    public void Several_can_wait_at_once()
    {
        var requests = new RequestPhases();
        int phase = requests.Enter();
        Thread[] waiters = [Together.StartWaiter(requests.WaitForEarlier), Together.StartWaiter(requests.WaitForEarlier)];
        Assert.All(waiters, waiter => Assert.True(waiter.IsAlive));
        requests.Exit(phase);
        Assert.All(waiters, waiter => Assert.True(waiter.Join(60_000)));
    }

    /// <summary>Begins a request as soon as new ones are counted in a phase.</summary>
    private static int EnterPhase(RequestPhases requests, int phase)
    {
        for (; ; )
        {
            int entered = requests.Enter();
            if (entered == phase)
            {
                return entered;
            }
            requests.Exit(entered);
            Thread.Yield();
        }
    }
}
