using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Fails the first call on the cowfile, then the second, and so on until a session ends without reaching the fault.</summary>
public class OverlayFaultLoopTests
{
    public static TheoryData<Errno, int> Faults => new()
    {
        { Errno.EIO, 1 },
        { Errno.EIO, 2 },
        { Errno.ENOSPC, 1 },
        { Errno.ENOSPC, 3 },
        { Errno.EOPNOTSUPP, 1 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Nothing_acknowledged_is_lost_whichever_call_fails(Errno errno, int count)
    {
        foreach (FaultMoment moment in Enum.GetValues<FaultMoment>())
        {
            for (int seed = 1; seed <= 25; seed++)
            {
                int call = 0;
                bool hasFired;
                do
                {
                    using var run = new FaultRun(seed, new PlannedFault(++call, count, errno, moment));
                    hasFired = run.Check();
                }
                while (hasFired);
                Assert.True(call > 10, $"seed {seed} has only {call} calls");
            }
        }
    }
}
