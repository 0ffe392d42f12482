using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>A merge that fails, is interrupted or loses power anywhere can be finished, and the base then is what an undisturbed merge makes of it.</summary>
public class MergerCrashTests(ITestOutputHelper output)
{
    private const int SeedCount = 60;

    [Fact]
    public void The_power_may_fail_anywhere() => ForAllCases((merge, random) =>
        AtRest.Merge(
            new CrashFile(merge.Base.Copy(), cut =>
            {
                foreach (MemoryFile left in cut.Leftovers(random, 10))
                {
                    merge.AssertCanBeFinished(left);
                }
            }),
            merge.Cowfile));

    [Fact]
    public void The_power_may_fail_again_while_the_merge_is_resumed() => ForAllCases((merge, random) =>
        AtRest.Merge(
            new CrashFile(merge.Base.Copy(), first =>
            {
                foreach (MemoryFile left in first.Leftovers(random, 2))
                {
                    AtRest.Merge(
                        new CrashFile(left, second =>
                        {
                            foreach (MemoryFile leftAgain in second.Leftovers(random, 2))
                            {
                                merge.AssertCanBeFinished(leftAgain);
                            }
                        }),
                        merge.Cowfile,
                        resume: true);
                }
            }),
            merge.Cowfile));

    [Fact]
    public void The_power_may_fail_while_no_hole_can_be_punched() => ForAllCases((merge, random) =>
    {
        MemoryFile baseFile = merge.Base.Copy();
        baseFile.CanPunch = false;
        AtRest.Merge(
            new CrashFile(baseFile, cut =>
            {
                foreach (MemoryFile left in cut.Leftovers(random, 5))
                {
                    merge.AssertCanBeFinished(left);
                }
            }),
            merge.Cowfile);
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
        ForAllCases((merge, _) => AtRest.Merge(
            new CrashFile(merge.Base.Copy(), cut =>
            {
                foreach (MemoryFile left in cut.Leftovers(new Random(1), 2))
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
            }),
            merge.Cowfile));

        Assert.InRange(refused, 50, int.MaxValue);
        Assert.InRange(accepted, 50, int.MaxValue);
    }

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
