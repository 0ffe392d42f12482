using System.Diagnostics.CodeAnalysis;
using System.Text;
using Cowloop.Core;
using Cowloop.Core.Files;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>
/// A regular file or block device opened through the kernel. Transfers go on after short results and interruptions until
/// they are complete; a base and a cowfile are buffered by the page cache.
/// </summary>
public sealed unsafe class PosixFile : IBlockFile
{
    // The kernel transfers at most this much in one call.
    private const int MaxTransferBytes = 0x7ffff000;
    private const int MaxPathBytes = 4096;
    private const uint NewFileMode = 0x180; // 0600

    private readonly SafeFileHandle _handle;
    private readonly long _deviceLengthBytes;

    private PosixFile(SafeFileHandle handle, string path)
    {
        _handle = handle;
        Identity = FileIdentity.Of(handle, path);
        if (Identity.Kind == FileKind.BlockDevice)
        {
            ulong length = 0;
            int sector = 0;
            if (LibC.ioctl(handle, LibC.BLKGETSIZE64, &length) != 0 || LibC.ioctl(handle, LibC.BLKSSZGET, &sector) != 0)
            {
                throw new CowloopException(LibC.LastErrno, $"cannot ask the size of {path}: {LibC.LastErrno.Text()}");
            }
            _deviceLengthBytes = (long)length;
            SectorSize = sector;
        }
    }

    /// <summary>Which file this is.</summary>
    public FileIdentity Identity { get; }

    /// <summary>Logical sector size of a block device; 512 for a regular file.</summary>
    public int SectorSize { get; } = 512;

    /// <inheritdoc/>
    public long LengthBytes
    {
        get
        {
            if (Identity.Kind == FileKind.BlockDevice)
            {
                return _deviceLengthBytes;
            }
            return RandomAccess.GetLength(_handle);
        }
    }

    /// <summary>Opens an existing file for reading. Never waits for a pipe's other end.</summary>
    /// <returns>An error number when it can't be opened.</returns>
    public static Errno TryOpenRead(string path, [NotNullWhen(true)] out PosixFile? file) =>
        TryOpen(path, LibC.O_RDONLY, out file);

    /// <summary>Opens an existing file for reading and writing.</summary>
    /// <returns>An error number when it can't be opened.</returns>
    public static Errno TryOpenReadWrite(string path, [NotNullWhen(true)] out PosixFile? file) =>
        TryOpen(path, LibC.O_RDWR, out file);

    /// <summary>Creates a file that does not exist yet, mode 0600 reduced by the umask, and makes its name durable.</summary>
    /// <returns>An error number when it can't be created; <see cref="Errno.EEXIST"/> when somebody else was faster.</returns>
    public static Errno TryCreate(string path, [NotNullWhen(true)] out PosixFile? file)
    {
        Errno errno = TryOpen(path, LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL, out file);
        if (file is null)
        {
            return errno;
        }
        errno = SyncDirectoryOf(path);
        if (errno != Errno.None)
        {
            file.Dispose();
            file = null;
            _ = LibC.unlink(path);
        }
        return errno;
    }

    /// <summary>Removes a name, for instance of a file that was created and then could not be used.</summary>
    public static Errno Unlink(string path) => LibC.unlink(path) == 0 ? Errno.None : LibC.LastErrno;

    /// <summary>Gives a file another name in the same filesystem, in place of the file that has it now, and makes that durable.</summary>
    /// <returns>An error number; the file may have its new name nevertheless, and then it is only not durable.</returns>
    public static Errno Rename(string path, string newPath) => LibC.rename(path, newPath) == 0 ? SyncDirectoryOf(newPath) : LibC.LastErrno;

    /// <summary>Says where a symbolic link leads, as it is written in it.</summary>
    /// <returns>Null when the path is no symbolic link, or can't be looked at.</returns>
    public static string? ReadLink(string path)
    {
        // SAFETY: the kernel writes at most the given number of bytes.
        byte* target = stackalloc byte[MaxPathBytes];
        nint length = LibC.readlink(path, target, MaxPathBytes);
        return length < 0 ? null : Encoding.UTF8.GetString(target, (int)length);
    }

    /// <summary>
    /// Takes a lock on the whole file that belongs to this opening of it and ends with it: exclusive for a cowfile,
    /// shared for a base. Does not wait.
    /// </summary>
    /// <returns><see cref="Errno.EAGAIN"/> when another opening holds a lock that excludes this one.</returns>
    public Errno TryLock(bool exclusive)
    {
        var request = new LibC.flock_t { l_type = exclusive ? LibC.F_WRLCK : LibC.F_RDLCK };
        int result = LibC.fcntl(_handle, LibC.F_OFD_SETLK, &request);
        if (result == 0)
        {
            return Errno.None;
        }
        return LibC.LastErrno == Errno.EACCES ? Errno.EAGAIN : LibC.LastErrno;
    }

    /// <inheritdoc/>
    public Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        // SAFETY: the kernel writes at most `count` bytes, the length of the pinned rest of the span.
        fixed (byte* start = target)
        {
            for (int done = 0; done < target.Length;)
            {
                nint count = Math.Min(target.Length - done, MaxTransferBytes);
                nint result = LibC.pread(_handle, start + done, count, offsetBytes + done);
                if (result < 0)
                {
                    if (LibC.LastErrno == Errno.EINTR)
                    {
                        continue;
                    }
                    return LibC.LastErrno;
                }
                if (result == 0)
                {
                    return Errno.EIO;
                }
                done += (int)result;
            }
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        // SAFETY: the kernel reads at most `count` bytes, the length of the pinned rest of the span.
        fixed (byte* start = source)
        {
            for (int done = 0; done < source.Length;)
            {
                nint count = Math.Min(source.Length - done, MaxTransferBytes);
                nint result = LibC.pwrite(_handle, start + done, count, offsetBytes + done);
                if (result < 0)
                {
                    if (LibC.LastErrno == Errno.EINTR)
                    {
                        continue;
                    }
                    return LibC.LastErrno;
                }
                if (result == 0)
                {
                    return Errno.EIO;
                }
                done += (int)result;
            }
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) =>
        Fallocate(LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE, offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes) => Fallocate(0, offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public Errno SetLength(long lengthBytes)
    {
        while (LibC.ftruncate(_handle, lengthBytes) != 0)
        {
            if (LibC.LastErrno != Errno.EINTR)
            {
                return LibC.LastErrno;
            }
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = LibC.lseek(_handle, offsetBytes, LibC.SEEK_DATA);
        Errno errno = startBytes >= 0 ? Errno.None : LibC.LastErrno;
        switch (errno)
        {
            case Errno.None:
                endBytes = LibC.lseek(_handle, startBytes, LibC.SEEK_HOLE);
                // Somebody may cut the file or punch between the two looks.
                endBytes = endBytes < 0 ? startBytes : endBytes;
                return Errno.None;
            case Errno.ENXIO:
                startBytes = endBytes = Math.Max(offsetBytes, LengthBytes);
                return Errno.None;
            case Errno.EINVAL:
                // A block device, or a filesystem that does not know its holes.
                startBytes = offsetBytes;
                endBytes = Math.Max(offsetBytes, LengthBytes);
                return Errno.None;
            default:
                startBytes = endBytes = offsetBytes;
                return errno;
        }
    }

    /// <inheritdoc/>
    public Errno Sync()
    {
        while (LibC.fdatasync(_handle) != 0)
        {
            if (LibC.LastErrno != Errno.EINTR)
            {
                return LibC.LastErrno;
            }
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    /// <summary>Makes the names in a file's directory durable.</summary>
    private static Errno SyncDirectoryOf(string path)
    {
        // Not normalised: behind a symbolic link ".." is not what it looks like.
        int slash = path.LastIndexOf('/');
        using SafeFileHandle handle = LibC.ToHandle(LibC.open(slash < 0 ? "." : path[..(slash + 1)], LibC.O_RDONLY | LibC.O_CLOEXEC, 0));
        // A directory that we may write but not read can't be synced by its descriptor; the file's own syncs must do.
        return handle.IsInvalid || LibC.fsync(handle) == 0 ? Errno.None : LibC.LastErrno;
    }

    private static Errno TryOpen(string path, int flags, out PosixFile? file)
    {
        file = null;
        SafeFileHandle handle = LibC.ToHandle(LibC.open(path, flags | LibC.O_CLOEXEC | LibC.O_NONBLOCK, NewFileMode));
        if (handle.IsInvalid)
        {
            Errno errno = LibC.LastErrno;
            handle.Dispose();
            return errno;
        }
        try
        {
            file = new PosixFile(handle, path);
            return Errno.None;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private Errno Fallocate(int mode, long offsetBytes, long lengthBytes)
    {
        while (LibC.fallocate(_handle, mode, offsetBytes, lengthBytes) != 0)
        {
            if (LibC.LastErrno != Errno.EINTR)
            {
                return LibC.LastErrno;
            }
        }
        return Errno.None;
    }
}
