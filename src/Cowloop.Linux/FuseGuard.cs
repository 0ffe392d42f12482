using System.Globalization;
using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>
/// Ends a FUSE connection at once when this process is killed. A killed process lets go of its files when its last thread has ended. But a thread of it
/// may be inside the kernel and wait for the very filesystem that the process serves: a sync of a file that lies on one of its own devices, or the look for
/// partitions on a new one. Such a wait can't be interrupted, so neither would ever end, nor would anything else that uses the devices.
/// </summary>
/// <remarks>
/// The guard is a small process that reads from a pipe. The other end of the pipe is in a table of open files that belongs to one thread alone, which does
/// nothing. When the process is killed the kernel ends that thread and closes its table, whatever the other threads wait for; and when the pipe ends without
/// a word the guard ends the connection.
/// </remarks>
public sealed class FuseGuard : IDisposable
{
    private const string Shell = "/bin/sh";

    // It keeps no filesystem busy. The service's manager means the service when it ends all its processes: the guard ends after it. Whatever is
    // written ends the connection.
    private const string Script = "cd /; trap '' HUP INT TERM; read -r word || echo";

    private readonly int _process;
    private readonly Thread _holder;
    private readonly ManualResetEvent _isHeld = new(false);
    private readonly ManualResetEvent _end = new(false);
    private Errno _errno;

    private FuseGuard(int pipe, int process)
    {
        _process = process;
        _holder = new Thread(() => Hold(pipe)) { Name = "fuse-guard", IsBackground = true };
        _holder.Start();
        _isHeld.WaitOne();
    }

    /// <summary>Starts the guard of a connection.</summary>
    /// <param name="mount">A mount of it.</param>
    /// <exception cref="CowloopException">That can't be done here.</exception>
    public static unsafe FuseGuard Start(SafeFileHandle mount)
    {
        using SafeFileHandle abort = Mounts.OpenFuseAbort(mount);
        int* ends = stackalloc int[2];
        if (LibC.pipe2(ends, LibC.O_CLOEXEC) != 0)
        {
            throw new CowloopException(LibC.LastErrno, $"cannot make a pipe: {LibC.LastErrno.Text()}");
        }
        using SafeFileHandle reader = LibC.ToHandle(ends[0]);
        // Once the thread has it, it is closed for all others.
        using SafeFileHandle writer = LibC.ToHandle(ends[1]);
        var guard = new FuseGuard(ends[1], DetachedProcess.StartFilter(Shell, ["-c", Script], reader, abort));
        if (guard._errno == Errno.None)
        {
            return guard;
        }
        guard.Dispose();
        throw new CowloopException(guard._errno, $"cannot keep a file to one thread: {guard._errno.Text()}");
    }

    /// <summary>Ends the guard; it does nothing to the connection.</summary>
    public void Dispose()
    {
        _end.Set();
        _holder.Join();
        DetachedProcess.WaitFor(_process);
        _isHeld.Dispose();
        _end.Dispose();
    }

    /// <summary>Has the pipe for itself until the end, and then says so.</summary>
    private unsafe void Hold(int pipe)
    {
        if (LibC.unshare(LibC.CLONE_FILES) == 0)
        {
            CloseOthers(pipe);
        }
        else
        {
            _errno = LibC.LastErrno;
        }
        _isHeld.Set();
        _end.WaitOne();
        using var writer = new SafeFileHandle(pipe, ownsHandle: false);
        fixed (byte* word = "end\n"u8)
        {
            // It can fail only when the guard is gone, and then it has nothing to end any more.
            _ = LibC.write(writer, word, "end\n"u8.Length);
        }
    }

    /// <summary>
    /// In the table that is this thread's own: a pipe or socket whose other end somebody waits for would stay open, and so would the connection. The
    /// files stay, for the runtime may need its own.
    /// </summary>
    private static void CloseOthers(int pipe)
    {
        foreach (string path in KernelText.DescriptorsOf("/proc/thread-self"))
        {
            string target = KernelText.TargetOf(path);
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int file)
                && file != pipe
                && (!target.StartsWith('/') || target == FuseDevice.NodePath))
            {
                _ = LibC.close(file);
            }
        }
    }
}
