namespace Cowloop.Core.Tests.Support;

/// <summary>Does the same work again and again, and lets another one of its calls fail each time.</summary>
internal static class EveryCall
{
    /// <summary>What a disk, a filesystem and a quota answer.</summary>
    public static IReadOnlyList<Errno> Errnos { get; } = [Errno.EIO, Errno.ENOSPC, Errno.EDQUOT];

    /// <summary>Once, and from then on.</summary>
    public static IReadOnlyList<int> Counts { get; } = [1, PlannedFault.ForGood];

    /// <summary>Every kind of fault, in the first call.</summary>
    public static IEnumerable<PlannedFault> Faults =>
        from moment in Enum.GetValues<FaultMoment>()
        from errno in Errnos
        from count in Counts
        select new PlannedFault(1, count, errno, moment);

    /// <summary>Fails unless the work tells of every failure, whatever its kind.</summary>
    /// <param name="work">Work that plans the fault for one of its files.</param>
    /// <returns>How many faults that were.</returns>
    public static int MustBeTold(Action<PlannedFault> work) => Faults.Sum(fault => MustBeTold(fault, work));

    private static int MustBeTold(PlannedFault fault, Action<PlannedFault> work)
    {
        for (int call = 1; ; call++)
        {
            try
            {
                work(fault with { First = call });
                // It has no such call any more.
                return call - 1;
            }
            catch (CowloopException exception)
            {
                Assert.Equal(fault.Errno, exception.Errno);
                Assert.NotEqual(Fault.None, exception.Fault);
            }
        }
    }
}
