using System.Runtime.CompilerServices;
using Cowloop.Linux;

namespace Cowloop.Daemon;

/// <summary>
/// Readies the process for times when memory is short: then the kernel writes dirty pages out to get some, also to our devices, so nothing
/// here may wait for that. docs/decisions/0010-memory-pressure.md says what could, and what each step does about it.
/// </summary>
internal static class MemoryPressure
{
    /// <summary>To be called before there are threads and devices. What is refused is logged, once; the service goes on without it.</summary>
    public static void Prepare()
    {
        var refused = new List<string>();
        if (HostProcess.TryBecomeIoFlusher())
        {
            MarkFinalizerThread();
        }
        else
        {
            refused.Add("to be an I/O flusher (CAP_SYS_RESOURCE)");
        }
        if (!HostProcess.TryLockMemory())
        {
            refused.Add("to lock its memory (CAP_IPC_LOCK)");
        }
        if (!HostProcess.TryBeSparedWhenMemoryEnds())
        {
            refused.Add("to be killed last (CAP_SYS_RESOURCE)");
        }
        if (refused.Count > 0)
        {
            ServiceLog.Warning($"a filesystem on a cowdevice may stall when memory runs short: this process is not allowed {string.Join(", ", refused)}");
        }
        if (LegacyMemoryGroup.Find() is LegacyMemoryGroup group)
        {
            ServiceLog.Warning(
                $"a filesystem on a cowdevice may stall: this process is in the memory group {group.Name} of cgroup version 1, limited to "
                + $"{group.LimitBytes >> 20} MiB, and other programs in it can fill that with data that only this process can write out "
                + "(run it outside of that group, or use cgroup version 2)");
        }
    }

    /// <summary>That thread is older than this call, and inherits nothing any more; it runs managed code, so a collection may wait for it.</summary>
    private static void MarkFinalizerThread()
    {
        LeaveMark();
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LeaveMark() => _ = new Mark();

    private sealed class Mark
    {
        ~Mark() => _ = HostProcess.TryBecomeIoFlusher();
    }
}
