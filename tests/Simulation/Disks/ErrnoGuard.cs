using Cowloop.Core;

namespace Cowloop.Simulation.Disks;

/// <summary>For calls that a simulation relies on.</summary>
internal static class ErrnoGuard
{
    /// <exception cref="InvalidOperationException">The call has failed.</exception>
    public static void MustBeNone(this Errno errno)
    {
        if (errno != Errno.None)
        {
            throw new InvalidOperationException($"the simulation's own file answers {errno.Text()}");
        }
    }
}
