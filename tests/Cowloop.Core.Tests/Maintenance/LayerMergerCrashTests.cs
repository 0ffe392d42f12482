using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>
/// A merge into a layer that fails, is interrupted or loses power anywhere: both together read as ever, what else lies on the layer reads what it did or is
/// refused, and the same merge makes of it exactly what an undisturbed one makes.
/// </summary>
public class LayerMergerCrashTests(ITestOutputHelper output)
{
    private const int SeedCount = 24;

    [Fact]
    public void The_power_may_fail_anywhere() => ForAllCases((merge, random) =>
    {
        foreach (MemoryFile left in merge.Leftovers(merge.Lower.Copy(), random, 10))
        {
            merge.AssertCanBeFinished(left);
        }
    });

    [Fact]
    public void The_power_may_fail_again_while_the_merge_is_finished() => ForAllCases((merge, random) =>
    {
        foreach (MemoryFile left in merge.Leftovers(merge.Lower.Copy(), random, 2))
        {
            foreach (MemoryFile leftAgain in merge.Leftovers(left, random, 2))
            {
                merge.AssertCanBeFinished(leftAgain);
            }
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Any_call_may_fail(bool onLower)
    {
        int faults = 0;
        for (int seed = 1; seed <= 4; seed++)
        {
            var merge = new Case(seed);
            faults += EveryCall.Faults.Sum(fault => CheckFaults(merge, fault, onLower));
        }
        output.WriteLine($"{faults} faults");
        Assert.True(faults > 500);
    }

    [Fact]
    public void It_may_be_interrupted_at_any_step() => ForAllCases((merge, _) =>
    {
        for (int stopAt = 1; ; stopAt++)
        {
            MemoryFile lower = merge.Lower.Copy();
            try
            {
                Case.Merge(merge.Upper, lower, new StoppingObserver(stopAt));
                return;
            }
            catch (OperationCanceledException)
            {
                merge.AssertCanBeFinished(lower);
            }
        }
    });

    /// <summary>A repair of what a crash has left does no harm.</summary>
    [Fact]
    public void It_may_be_repaired_before_it_is_finished() => ForAllCases((merge, random) =>
    {
        foreach (MemoryFile left in merge.Leftovers(merge.Lower.Copy(), random, 4))
        {
            AtRest.Repair(left);
            merge.AssertCanBeFinished(left);
        }
    });

    private static int CheckFaults(Case merge, PlannedFault fault, bool onLower)
    {
        for (; ; fault = fault with { First = fault.First + 1 })
        {
            MemoryFile lower = merge.Lower.Copy();
            var faulty = new FaultyFile(onLower ? lower : merge.Upper, fault);
            try
            {
                Case.Merge(onLower ? merge.Upper : faulty, onLower ? faulty : lower);
                Assert.False(faulty.HasFired);
                return fault.First - 1;
            }
            catch (CowloopException exception)
            {
                Assert.Equal(fault.Errno, exception.Errno);
            }
            merge.AssertCanBeFinished(lower);
        }
    }

    private static void ForAllCases(Action<Case, Random> check)
    {
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            try
            {
                check(new Case(seed), new Random(seed));
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {seed}: {exception.Message}", exception);
            }
        }
    }

    private sealed class Case
    {
        private readonly TestStack _stack;
        private readonly MemoryFile _sibling;
        private readonly byte[] _siblingView;
        private readonly MemoryFile _merged;

        public Case(int seed)
        {
            _stack = TestStack.Random(seed);
            _sibling = _stack.Sibling(1, TestStack.RandomBlocks(new Random(seed), _stack.Views[1]));
            _siblingView = _stack.Read(Lower, _sibling);
            _merged = Lower.Copy();
            Merge(Upper, _merged);
        }

        public MemoryFile Lower => _stack.Files[0];

        public MemoryFile Upper => _stack.Files[1];

        public static void Merge(IBlockFile upper, IBlockFile lower, IWorkObserver? observer = null) =>
            LayerMerger.Prepare(new CheckedFile(upper, "upper.cow"), new CheckedFile(lower, "lower.cow")).Run(observer ?? NobodyWatches.Instance);

        public IEnumerable<MemoryFile> Leftovers(MemoryFile lower, Random random, int maxCount) =>
            Recording.Of(lower, file => Merge(Upper, file)).Leftovers(random, maxCount);

        public void AssertCanBeFinished(MemoryFile left)
        {
            Assert.Equal(_stack.Views[2], _stack.Read(left, Upper));
            MustReadOrRefuse(() => _stack.Read(left, _sibling), _siblingView);
            MustReadOrRefuse(() => _stack.Read(left), _stack.Views[1], _stack.Views[2]);
            Merge(Upper, left);
            Assert.Null(left.DifferenceFrom(_merged));
        }

        private static void MustReadOrRefuse(Func<byte[]> read, params byte[][] allowed)
        {
            try
            {
                byte[] found = read();
                Assert.Contains(allowed, found.SequenceEqual);
            }
            catch (CowloopException refusal)
            {
                Assert.Contains(refusal.Fault, new[] { Fault.OtherParent, Fault.Dirty });
            }
        }
    }
}
