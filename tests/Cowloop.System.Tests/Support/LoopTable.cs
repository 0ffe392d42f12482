using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.SystemTests.Support;

/// <summary>The kernel's loop devices. Each says of itself which service has made it, and keeps saying so when that has died.</summary>
internal static class LoopTable
{
    /// <summary>The loop devices of the services of a run directory.</summary>
    public static IEnumerable<string> Of(string runDirectory) => FileIdentity.TryGet(runDirectory, out FileIdentity owner) == Errno.None
        ? LoopDevice.Find("/cow", label => label.EndsWith($" {owner.Tag}", StringComparison.Ordinal)).Select(loop => $"/dev/{loop.KernelName}")
        : [];
}
