using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>
/// Compacting that fails, is interrupted or loses power anywhere leaves a file that reads as before, after the repair that a dirty one gets; and compacting
/// it again makes of it exactly what an undisturbed one makes. A plain file, too.
/// </summary>
public class CompacterCrashTests(ITestOutputHelper output)
{
    private const int SeedCount = 24;

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    public void The_power_may_fail_anywhere(bool isPlain, bool canPunch)
    {
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            var compacting = new Case(seed, isPlain, canPunch);
            foreach (MemoryFile left in Recording.Of(compacting.Upper.Copy(), file => compacting.Compact(file)).Leftovers(new Random(seed), 10))
            {
                compacting.AssertCanBeFinished(left);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Any_call_may_fail(bool isPlain)
    {
        int faults = 0;
        for (int seed = 1; seed <= 4; seed++)
        {
            var compacting = new Case(seed, isPlain, canPunch: true);
            faults += EveryCall.Faults.Sum(fault => CheckFaults(compacting, fault));
        }
        output.WriteLine($"{faults} faults");
        Assert.True(faults > 500);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_may_be_interrupted_at_any_step_and_is_clean_then(bool isPlain)
    {
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            var compacting = new Case(seed, isPlain, canPunch: true);
            for (int stopAt = 1; ; stopAt++)
            {
                MemoryFile file = compacting.Upper.Copy();
                try
                {
                    compacting.Compact(file, new StoppingObserver(stopAt));
                    break;
                }
                catch (OperationCanceledException)
                {
                    Assert.False(AtRest.IsDirty(file));
                    compacting.AssertCanBeFinished(file);
                }
            }
        }
    }

    private static int CheckFaults(Case compacting, PlannedFault fault)
    {
        for (; ; fault = fault with { First = fault.First + 1 })
        {
            MemoryFile file = compacting.Upper.Copy();
            var faulty = new FaultyFile(file, fault);
            try
            {
                compacting.Compact(faulty);
                Assert.False(faulty.HasFired);
                return fault.First - 1;
            }
            catch (CowloopException exception)
            {
                Assert.Equal(fault.Errno, exception.Errno);
            }
            compacting.AssertCanBeFinished(file);
        }
    }

    private sealed class Case
    {
        private readonly TestStack _stack;
        private readonly MemoryFile _compacted;

        public Case(int seed, bool isPlain, bool canPunch)
        {
            _stack = TestStack.Random(seed, isPlain: isPlain);
            Upper.CanPunch = canPunch;
            _compacted = Upper.Copy();
            Compact(_compacted);
        }

        public MemoryFile Upper => _stack.Files[1];

        public void Compact(IBlockFile file, IWorkObserver? observer = null) =>
            Compacter.Prepare(AtRest.Named(file), _stack.Below(1), new BaseOptions()).Run(observer ?? NobodyWatches.Instance);

        public void AssertCanBeFinished(MemoryFile left)
        {
            if (AtRest.IsDirty(left))
            {
                AtRest.Repair(left);
            }
            Assert.Equal(_stack.Views[2], _stack.Read(_stack.Files[0], left));
            Compact(left);
            Assert.Equal(_stack.Views[2], _stack.Read(_stack.Files[0], left));
            CowfileCheck.AssertClean(left, _stack.Layout);
            Assert.Equal(_compacted.LengthBytes, left.LengthBytes);
            Assert.Equal(_compacted.ToArray().AsSpan(1024).ToArray(), left.ToArray().AsSpan(1024).ToArray());
        }
    }
}
