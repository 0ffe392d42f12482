using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>Keeps a directory to one process, without a lock file that could be left behind.</summary>
public sealed class DirectoryLock : IDisposable
{
    private readonly SafeFileHandle _handle;

    private DirectoryLock(SafeFileHandle handle) => _handle = handle;

    /// <summary>Takes the lock, or returns null when another process has it.</summary>
    /// <exception cref="CowloopException">The directory can't be opened.</exception>
    public static DirectoryLock? TryTake(string path)
    {
        SafeFileHandle handle = LibC.ToHandle(LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0));
        if (handle.IsInvalid)
        {
            throw new CowloopException(LibC.LastErrno, $"cannot open {path}: {LibC.LastErrno.Text()}");
        }
        if (LibC.flock(handle, LibC.LOCK_EX | LibC.LOCK_NB) == 0)
        {
            return new DirectoryLock(handle);
        }
        handle.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
