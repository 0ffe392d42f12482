using System.Globalization;
using Cowloop.Core;

namespace Cowloop.Linux;

/// <summary>What this process asks the kernel about or for itself.</summary>
public static class HostProcess
{
    private const nint IgnoreSignal = 1; // SIG_IGN
    private const int NeverKilled = -1000;

    /// <summary>True for root, or what passes for it in a container.</summary>
    public static bool IsRoot => LibC.geteuid() == 0;

    /// <summary>
    /// Marks the calling thread as one that writes out other processes' data: when it needs memory the kernel must not
    /// make it wait for that very writing. Threads that it starts from now on inherit that. Best effort: not every container allows it.
    /// </summary>
    public static bool TryBecomeIoFlusher() => LibC.prctl(LibC.PR_SET_IO_FLUSHER, 1, 0, 0, 0) == 0;

    /// <summary>How many files this process may have open. The runtime has raised it to what the administrator allows.</summary>
    public static unsafe long DescriptorLimit
    {
        get
        {
            LibC.rlimit_t limit;
            return LibC.getrlimit(LibC.RLIMIT_NOFILE, &limit) == 0 ? (long)Math.Min(limit.rlim_cur, long.MaxValue) : long.MaxValue;
        }
    }

    /// <summary>
    /// Keeps in memory what this process has there now, and from now on every page that it touches: code, heap, stacks and all. Untouched
    /// pages cost nothing. Best effort: there is a limit on such memory.
    /// </summary>
    public static bool TryLockMemory() => LibC.mlockall(LibC.MCL_CURRENT | LibC.MCL_FUTURE | LibC.MCL_ONFAULT) == 0;

    /// <summary>Asks the kernel to end any other process before this one when there is no memory left. Best effort: not every container allows it.</summary>
    public static bool TryBeSparedWhenMemoryEnds() => TryAdjustKillScore(Environment.ProcessId, NeverKilled);

    /// <summary>Takes that back for a process that this one has started, and that has inherited it.</summary>
    public static bool TryUnspareWhenMemoryEnds(int processId) => TryAdjustKillScore(processId, 0);

    /// <summary>
    /// A write beyond the largest file that the process may have (ulimit -f) is the error EFBIG, as any other; without this the kernel ends
    /// the process for it.
    /// </summary>
    public static void SurviveFileSizeLimit() => LibC.signal(LibC.SIGXFSZ, IgnoreSignal);

    /// <summary>The kernel's random number of this boot.</summary>
    /// <exception cref="CowloopException">The kernel does not tell it.</exception>
    public static Guid BootId() => Guid.TryParse(KernelText.ReadOrEmpty("/proc/sys/kernel/random/boot_id"), out Guid id)
        ? id
        : throw new CowloopException(Errno.EIO, "the kernel does not tell the boot's number", "mount /proc");

    /// <summary>Writes all filesystems out, as sync(1).</summary>
    public static void SyncAll() => LibC.sync();

    /// <summary>The name this process was called by: a link's name, where the runtime only knows the program behind it.</summary>
    public static string CalledName()
    {
        string commandLine = File.ReadAllText("/proc/self/cmdline");
        int end = commandLine.IndexOf('\0');
        return end < 0 ? commandLine : commandLine[..end];
    }

    private static bool TryAdjustKillScore(int processId, int adjustment)
    {
        try
        {
            File.WriteAllText(
                string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/oom_score_adj"),
                adjustment.ToString(CultureInfo.InvariantCulture));
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
