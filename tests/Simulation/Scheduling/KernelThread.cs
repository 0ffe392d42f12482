using Microsoft.Win32.SafeHandles;

namespace Cowloop.Simulation.Scheduling;

/// <summary>A thread as the kernel sees it.</summary>
internal sealed class KernelThread : IDisposable
{
    // "1234 (name) S ...": numbers and the name, which has at most 15 characters but any of them, come before the state.
    private const int StartBytes = 64;

    private readonly SafeFileHandle _status;

    private KernelThread(SafeFileHandle status) => _status = status;

    /// <summary>True when it sleeps. A thread that has been woken up does not, even if it has no processor yet.</summary>
    public bool IsAsleep
    {
        get
        {
            Span<byte> start = stackalloc byte[StartBytes];
            start = start[..RandomAccess.Read(_status, start, 0)];
            int nameEnd = start.LastIndexOf((byte)')');
            return nameEnd >= 0 && start[nameEnd + 2] == (byte)'S';
        }
    }

    /// <summary>The thread that calls.</summary>
    public static KernelThread Current()
    {
        string task = new FileInfo("/proc/thread-self").LinkTarget ?? throw new PlatformNotSupportedException("/proc is not there");
        return new KernelThread(File.OpenHandle($"/proc/{task}/stat"));
    }

    public void Dispose() => _status.Dispose();
}
