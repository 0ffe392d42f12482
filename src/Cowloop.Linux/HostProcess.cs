using Cowloop.Core;

namespace Cowloop.Linux;

/// <summary>What this process asks the kernel about or for itself.</summary>
public static class HostProcess
{
    private const nint IgnoreSignal = 1; // SIG_IGN

    /// <summary>True for root, or what passes for it in a container.</summary>
    public static bool IsRoot => LibC.geteuid() == 0;

    /// <summary>
    /// Marks the calling thread as one that writes out other processes' data: when it needs memory the kernel must not
    /// make it wait for that very writing. Best effort: not every container allows it.
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
}
