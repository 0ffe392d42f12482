namespace Cowloop.Core.Tests.Support;

/// <summary>Does the same work again and again, and lets another one of its calls fail each time.</summary>
internal static class EveryCall
{
    /// <summary>Fails unless the work tells of every failure.</summary>
    /// <param name="moment">When in the call it goes wrong.</param>
    /// <param name="work">Work that plans the fault for one of its files.</param>
    /// <returns>How many calls the work has.</returns>
    public static int MustBeTold(FaultMoment moment, Action<PlannedFault> work)
    {
        for (int call = 1; ; call++)
        {
            try
            {
                work(new PlannedFault(call, 1, Errno.EIO, moment));
                // It has no such call any more.
                return call - 1;
            }
            catch (CowloopException exception)
            {
                Assert.Equal(Errno.EIO, exception.Errno);
                Assert.NotEqual(Fault.None, exception.Fault);
            }
        }
    }
}
