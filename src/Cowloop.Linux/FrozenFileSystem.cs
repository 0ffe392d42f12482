using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>A mounted filesystem that is frozen until this is disposed: all it had in memory is written, and changes of it wait.</summary>
public sealed unsafe class FrozenFileSystem : IDisposable
{
    private readonly SafeFileHandle _mountPoint;

    private FrozenFileSystem(SafeFileHandle mountPoint) => _mountPoint = mountPoint;

    /// <summary>Freezes a filesystem.</summary>
    /// <param name="mountPoint">A directory of it.</param>
    /// <param name="isWanted">Given the device that it is on, says whether that is the right one.</param>
    /// <exception cref="CowloopException">It is on another device, can't be frozen, or is frozen already.</exception>
    public static FrozenFileSystem Freeze(string mountPoint, Predicate<DeviceNumber> isWanted)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        SafeFileHandle handle = LibC.ToHandle(LibC.open(mountPoint, LibC.O_RDONLY | LibC.O_CLOEXEC | LibC.O_NONBLOCK, 0));
        try
        {
            if (handle.IsInvalid)
            {
                Errno reason = LibC.LastErrno;
                throw new CowloopException(reason, $"{mountPoint} cannot be opened: {reason.Text()}", "name the directory that it is mounted on");
            }
            if (!isWanted(FileIdentity.Of(handle, mountPoint).Device))
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"{mountPoint} is on another device",
                    "name the directory that the cowdevice, or a partition of it, is mounted on");
            }
            if (LibC.ioctl(handle, LibC.FIFREEZE, null) != 0)
            {
                Errno errno = LibC.LastErrno;
                string? hint = errno switch
                {
                    Errno.EOPNOTSUPP => "its filesystem knows no freezing: leave --freeze out, the snapshot is then what a loss of power would leave",
                    Errno.EBUSY => "somebody has frozen it already; if that was forgotten: fsfreeze --unfreeze",
                    _ => null,
                };
                throw new CowloopException(errno, $"the filesystem on {mountPoint} cannot be frozen: {errno.Text()}", hint);
            }
            return new FrozenFileSystem(handle);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Lets changes go on.</summary>
    public void Dispose()
    {
        if (!_mountPoint.IsClosed)
        {
            _ = LibC.ioctl(_mountPoint, LibC.FITHAW, null);
            _mountPoint.Dispose();
        }
    }
}
