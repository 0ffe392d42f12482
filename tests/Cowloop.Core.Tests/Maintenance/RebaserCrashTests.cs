using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>
/// A rebase that fails, is interrupted or loses power anywhere leaves a cowfile that reads as before or is refused, on the old as on the new, after the
/// repair that a dirty one gets; and the same rebase finishes it.
/// </summary>
public class RebaserCrashTests(ITestOutputHelper output)
{
    private const int SeedCount = 24;

    [Fact]
    public void The_power_may_fail_anywhere()
    {
        int readOnOld = 0;
        int readOnNew = 0;
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            var rebase = RebaseCase.Random(seed);
            foreach (MemoryFile left in Recording.Of(rebase.Cowfile.Copy(), file => rebase.Rebase(file)).Leftovers(new Random(seed), 10))
            {
                (bool isOnOld, bool isOnNew) = MustBeFinished(rebase, left);
                readOnOld += isOnOld ? 1 : 0;
                readOnNew += isOnNew ? 1 : 0;
            }
        }
        output.WriteLine($"on the old {readOnOld}, on the new {readOnNew}");
        Assert.InRange(readOnOld, 50, int.MaxValue);
        Assert.InRange(readOnNew, 50, int.MaxValue);
    }

    [Fact]
    public void The_power_may_fail_again_while_it_is_finished()
    {
        for (int seed = 1; seed <= SeedCount; seed += 6)
        {
            var rebase = RebaseCase.Random(seed);
            foreach (MemoryFile left in Recording.Of(rebase.Cowfile.Copy(), file => rebase.Rebase(file)).Leftovers(new Random(seed), 2))
            {
                Repair(left);
                foreach (MemoryFile leftAgain in Recording.Of(left, file => rebase.Rebase(file)).Leftovers(new Random(seed), 2))
                {
                    MustBeFinished(rebase, leftAgain);
                }
            }
        }
    }

    [Fact]
    public void Any_call_may_fail()
    {
        int faults = 0;
        for (int seed = 1; seed <= 4; seed++)
        {
            var rebase = RebaseCase.Random(seed);
            faults += EveryCall.Faults.Sum(fault => CheckFaults(rebase, fault));
        }
        output.WriteLine($"{faults} faults");
        Assert.True(faults > 500);
    }

    [Fact]
    public void It_may_be_interrupted_at_any_step_and_is_clean_then()
    {
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            var rebase = RebaseCase.Random(seed);
            for (int stopAt = 1; ; stopAt++)
            {
                MemoryFile file = rebase.Cowfile.Copy();
                try
                {
                    rebase.Rebase(file, new StoppingObserver(stopAt));
                    break;
                }
                catch (OperationCanceledException)
                {
                    Assert.False(AtRest.IsDirty(file));
                    (bool isOnOld, bool isOnNew) = MustBeFinished(rebase, file);
                    Assert.True(isOnOld || isOnNew);
                }
            }
        }
    }

    private static int CheckFaults(RebaseCase rebase, PlannedFault fault)
    {
        for (; ; fault = fault with { First = fault.First + 1 })
        {
            MemoryFile file = rebase.Cowfile.Copy();
            var faulty = new FaultyFile(file, fault);
            try
            {
                rebase.Rebase(faulty);
                Assert.False(faulty.HasFired);
                return fault.First - 1;
            }
            catch (CowloopException exception)
            {
                Assert.Equal(fault.Errno, exception.Errno);
            }
            MustBeFinished(rebase, file);
        }
    }

    private static (bool IsOnOld, bool IsOnNew) MustBeFinished(RebaseCase rebase, MemoryFile left)
    {
        Repair(left);
        bool isOnOld = MustReadOrBeRefused(() => rebase.ReadOnOld(left), rebase.View);
        bool isOnNew = MustReadOrBeRefused(() => rebase.ReadOnNew(left), rebase.View);
        rebase.Rebase(left);
        Assert.Equal(rebase.View, rebase.ReadOnNew(left));
        CowfileCheck.AssertClean(left, rebase.Layout);
        return (isOnOld, isOnNew);
    }

    private static void Repair(MemoryFile left)
    {
        if (AtRest.IsDirty(left))
        {
            AtRest.Repair(left);
        }
    }

    private static bool MustReadOrBeRefused(Func<byte[]> read, byte[] expected)
    {
        try
        {
            Assert.Equal(expected, read());
            return true;
        }
        catch (CowloopException refusal)
        {
            Assert.Equal(Errno.EINVAL, refusal.Errno);
            return false;
        }
    }
}
