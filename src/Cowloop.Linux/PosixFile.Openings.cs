using System.Diagnostics;
using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

public sealed unsafe partial class PosixFile
{
    // Lengths of a lock from offset 0. The last byte that can be locked is one that no file can have.
    private const long AllBytes = 0;
    private const long AllBytesButLast = long.MaxValue;

    private static readonly TimeSpan FormerCallsTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FormerCallsPollTime = TimeSpan.FromMilliseconds(1);

    /// <summary>
    /// Takes a lock on the whole file that belongs to this opening of it and ends with it: exclusive for a cowfile,
    /// shared for a base. Does not wait.
    /// </summary>
    /// <returns><see cref="Errno.EAGAIN"/> when another opening holds a lock that excludes this one.</returns>
    public Errno TryLock(bool exclusive) => TryLock(_handle, exclusive ? LibC.F_WRLCK : LibC.F_RDLCK, AllBytes);

    /// <summary>
    /// Opens the file once more, only for reading, in place of this opening, which must be locked exclusively; then it is locked shared.
    /// Calls that run meanwhile end with the former opening, which the kernel lets go of with the last of them: for that it waits,
    /// but not for ever.
    /// </summary>
    /// <returns>An error number when it can't be opened; then nothing has changed.</returns>
    public Errno TryReopenReadOnly()
    {
        using SafeFileHandle reopened = Reopen();
        if (reopened.IsInvalid)
        {
            return LibC.LastErrno;
        }
        // Shared, so that both openings can have it and nobody gets an exclusive one in between. The last byte stays exclusive: it tells
        // when the former opening is gone.
        Errno errno = TryLock(_handle, LibC.F_RDLCK, AllBytesButLast);
        if (errno == Errno.None)
        {
            errno = TryLock(reopened, LibC.F_RDLCK, AllBytesButLast);
        }
        if (errno == Errno.None)
        {
            errno = ReplaceBy(reopened);
        }
        if (errno != Errno.None)
        {
            _ = TryLock(exclusive: true);
            return errno;
        }
        WaitWhileLocked(reopened, LibC.F_RDLCK);
        return Errno.None;
    }

    /// <summary>
    /// Opens the file once more, for reading and writing, in place of this opening, which must be locked shared; then it is locked exclusively, and nobody
    /// else has it. <see cref="TryReopenReadOnly"/> ends that. Calls that run meanwhile end with the former opening.
    /// </summary>
    /// <returns><see cref="Errno.EAGAIN"/> when somebody else has it locked; then nothing has changed.</returns>
    public Errno TryReopenReadWrite()
    {
        using SafeFileHandle reopened = Reopen(LibC.O_RDWR);
        if (reopened.IsInvalid)
        {
            return LibC.LastErrno;
        }
        Errno errno = TryLock(_handle, LibC.F_UNLCK, AllBytes);
        if (errno == Errno.None)
        {
            errno = TryLock(reopened, LibC.F_WRLCK, AllBytes);
        }
        if (errno == Errno.None)
        {
            errno = ReplaceBy(reopened);
        }
        if (errno != Errno.None)
        {
            _ = TryLock(reopened, LibC.F_UNLCK, AllBytes);
            _ = TryLock(exclusive: false);
        }
        return errno;
    }

    /// <summary>
    /// Lets go of the file, and of its lock, though this object lives on: reads and writes fail from now on. For calls that run
    /// meanwhile it waits as <see cref="TryReopenReadOnly"/> does.
    /// </summary>
    /// <returns>An error number when that can't be done; then nothing has changed.</returns>
    public Errno TryLetGo()
    {
        using SafeFileHandle nothing = LibC.ToHandle(LibC.open("/dev/null", LibC.O_RDONLY | LibC.O_CLOEXEC, 0));
        if (nothing.IsInvalid)
        {
            return LibC.LastErrno;
        }
        using SafeFileHandle witness = Reopen();
        if (witness.IsInvalid)
        {
            return LibC.LastErrno;
        }
        Errno errno = ReplaceBy(nothing);
        if (errno == Errno.None)
        {
            WaitWhileLocked(witness, LibC.F_WRLCK);
        }
        return errno;
    }

    private static Errno TryLock(SafeFileHandle file, short type, long lengthBytes)
    {
        var request = new LibC.flock_t { l_type = type, l_len = lengthBytes };
        if (LibC.fcntl(file, LibC.F_OFD_SETLK, &request) == 0)
        {
            return Errno.None;
        }
        return LibC.LastErrno == Errno.EACCES ? Errno.EAGAIN : LibC.LastErrno;
    }

    /// <summary>Waits for those who hold a lock that excludes one of this type, as far as <see cref="FormerCallsTime"/> goes.</summary>
    private static void WaitWhileLocked(SafeFileHandle file, short type)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < FormerCallsTime; Thread.Sleep(FormerCallsPollTime))
        {
            var request = new LibC.flock_t { l_type = type, l_len = AllBytes };
            if (LibC.fcntl(file, LibC.F_OFD_GETLK, &request) != 0 || request.l_type == LibC.F_UNLCK)
            {
                return;
            }
        }
    }

    /// <summary>A second opening of this very file, wherever its name leads to by now; invalid when there is an error.</summary>
    private SafeFileHandle Reopen(int access = LibC.O_RDONLY)
    {
        string link = $"/proc/self/fd/{_handle.DangerousGetHandle()}";
        return LibC.ToHandle(LibC.open(link, access | LibC.O_CLOEXEC | LibC.O_NONBLOCK, 0));
    }

    /// <summary>Puts another opening behind the same descriptor, in one step: every call meets the one or the other.</summary>
    private Errno ReplaceBy(SafeFileHandle opening)
    {
        while (LibC.dup3(opening, _handle, LibC.O_CLOEXEC) < 0)
        {
            if (LibC.LastErrno != Errno.EINTR)
            {
                return LibC.LastErrno;
            }
        }
        return Errno.None;
    }
}
