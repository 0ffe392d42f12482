using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Fails the first call on a file, then the second, and so on until a session ends without reaching the fault.</summary>
public class OverlayFaultLoopTests(ITestOutputHelper output)
{
    private const int SeedCount = 12;

    private static readonly int SoakFactor = FuzzRun.IsSoak ? 80 : 1;

    public static TheoryData<Errno, int> Faults => new()
    {
        { Errno.EIO, 1 },
        { Errno.EIO, 2 },
        { Errno.EIO, PlannedFault.ForGood },
        { Errno.ENOSPC, 1 },
        { Errno.ENOSPC, 3 },
        { Errno.ENOSPC, PlannedFault.ForGood },
        { Errno.EDQUOT, 1 },
        { Errno.EOPNOTSUPP, 1 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Nothing_acknowledged_is_lost_whichever_call_on_the_cowfile_fails(Errno errno, int count) => CheckEveryCall(errno, count, onBase: false, leastCalls: 10);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(PlannedFault.ForGood)]
    public void Nothing_acknowledged_is_lost_whichever_read_of_the_base_fails(int count) => CheckEveryCall(Errno.EIO, count, onBase: true, leastCalls: 1);

    private void CheckEveryCall(Errno errno, int count, bool onBase, int leastCalls)
    {
        int total = 0;
        foreach (FaultMoment moment in Enum.GetValues<FaultMoment>())
        {
            for (int seed = 1; seed <= SeedCount * SoakFactor; seed++)
            {
                int calls = FaultRun.CheckEveryCall(seed, new PlannedFault(1, count, errno, moment), onBase);
                Assert.True(calls >= leastCalls, $"seed {seed} has only {calls} calls");
                total += calls;
            }
        }
        output.WriteLine($"{total} sessions with a fault");
    }
}
