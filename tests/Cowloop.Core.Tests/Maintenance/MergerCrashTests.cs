using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>A merge that fails, is interrupted or loses power anywhere can be finished, and the base then is what an undisturbed merge makes of it.</summary>
public class MergerCrashTests(ITestOutputHelper output)
{
    private const int SeedCount = 60;

    [Fact]
    public void The_power_may_fail_anywhere() => ForAllCases((merge, random) =>
    {
        foreach (MemoryFile left in Leftovers(merge, merge.Base.Copy(), random, 10))
        {
            merge.AssertCanBeFinished(left);
        }
    });

    [Fact]
    public void The_power_may_fail_again_while_the_merge_is_resumed() => ForAllCases((merge, random) =>
    {
        foreach (MemoryFile left in Leftovers(merge, merge.Base.Copy(), random, 2))
        {
            foreach (MemoryFile leftAgain in Leftovers(merge, left, random, 2, resume: true))
            {
                merge.AssertCanBeFinished(leftAgain);
            }
        }
    });

    [Fact]
    public void The_power_may_fail_while_no_hole_can_be_punched() => ForAllCases((merge, random) =>
    {
        MemoryFile baseFile = merge.Base.Copy();
        baseFile.CanPunch = false;
        foreach (MemoryFile left in Leftovers(merge, baseFile, random, 5))
        {
            merge.AssertCanBeFinished(left);
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Any_call_may_fail(bool onBase)
    {
        int faults = 0;
        ForSomeCases(merge => faults += EveryCall.Faults.Sum(fault => CheckFaults(merge, fault, onBase)));
        output.WriteLine($"{faults} faults");
    }

    [Fact]
    public void It_may_be_interrupted_at_any_step() => ForAllCases((merge, _) =>
    {
        for (int stopAt = 1; ; stopAt++)
        {
            MemoryFile baseFile = merge.Base.Copy();
            if (RunsToItsEnd(baseFile, merge.Cowfile, resume: false, stopAt))
            {
                return;
            }
            for (int stopAgainAt = 1; !RunsToItsEnd(baseFile, merge.Cowfile, resume: true, stopAgainAt); stopAgainAt += 3)
            {
            }
            Assert.Null(baseFile.DifferenceFrom(merge.Merged));
        }
    });

    /// <summary>Else the random cases above would show less than they seem to.</summary>
    [Fact]
    public void The_cases_are_of_all_kinds()
    {
        int refused = 0;
        int accepted = 0;
        ForAllCases((merge, random) =>
        {
            foreach (MemoryFile left in Leftovers(merge, merge.Base.Copy(), random, 2))
            {
                try
                {
                    AtRest.Prepare(left, merge.Cowfile);
                    accepted++;
                }
                catch (CowloopException)
                {
                    refused++;
                }
            }
        });

        Assert.InRange(refused, 50, int.MaxValue);
        Assert.InRange(accepted, 50, int.MaxValue);
    }

    /// <summary>Merges, and gives what a loss of power at any time could leave of the base.</summary>
    private static IEnumerable<MemoryFile> Leftovers(MergeCase merge, MemoryFile baseFile, Random random, int maxCount, bool resume = false) =>
        Recording.Of(baseFile, file => AtRest.Merge(file, merge.Cowfile, resume)).Leftovers(random, maxCount);

    private static bool RunsToItsEnd(MemoryFile baseFile, MemoryFile cowfile, bool resume, int stopAt)
    {
        try
        {
            AtRest.Merge(baseFile, cowfile, resume, new StoppingObserver(stopAt));
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <returns>How many faults that were.</returns>
    private static int CheckFaults(MergeCase merge, PlannedFault fault, bool onBase)
    {
        for (; ; fault = fault with { First = fault.First + 1 })
        {
            MemoryFile baseFile = merge.Base.Copy();
            var faulty = new FaultyFile(onBase ? baseFile : merge.Cowfile, fault);
            try
            {
                AtRest.Merge(onBase ? faulty : baseFile, onBase ? merge.Cowfile : faulty);
                // The search for the fingerprint may do without a call that failed.
                Assert.Null(baseFile.DifferenceFrom(merge.Merged));
            }
            catch (CowloopException)
            {
            }
            if (!faulty.HasFired)
            {
                return fault.First - 1;
            }
            merge.AssertCanBeFinished(baseFile);
        }
    }

    private static void ForAllCases(Action<MergeCase, Random> check)
    {
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            Run(MergeCase.Random(seed), merge => check(merge, new Random(seed)));
        }
    }

    private static void ForSomeCases(Action<MergeCase> check)
    {
        for (int seed = 1; seed <= 12; seed++)
        {
            Run(MergeCase.Random(seed), check);
        }
        Run(MergeCase.Of("G2 into R", Fixtures.R, Golden.ImageG2), check);
    }

    private static void Run(MergeCase merge, Action<MergeCase> check)
    {
        try
        {
            check(merge);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{merge}: {exception.Message}", exception);
        }
    }
}
