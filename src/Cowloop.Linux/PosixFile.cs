using System.Diagnostics.CodeAnalysis;
using System.Text;
using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>
/// A regular file or block device opened through the kernel. Transfers go on after short results and interruptions until
/// they are complete; a base and a cowfile are buffered by the page cache. PosixFile.Openings.cs locks a file, and exchanges the opening behind it.
/// </summary>
public sealed unsafe partial class PosixFile : IBlockFile
{
    // The kernel transfers at most this much in one call.
    private const int MaxTransferBytes = 0x7ffff000;
    private const int MaxPathBytes = 4096;
    private const long HoleTestBytes = 1 << 20;
    private const uint NewFileMode = 0x180; // 0600

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private long _deviceLengthBytes;
    private volatile bool _hasFailedSync;

    private PosixFile(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
        Identity = FileIdentity.Of(handle, path);
        if (Identity.Kind == FileKind.BlockDevice)
        {
            int sector = 0;
            if (AskDeviceLength() != Errno.None || LibC.ioctl(handle, LibC.BLKSSZGET, &sector) != 0)
            {
                throw new CowloopException(LibC.LastErrno, $"cannot ask the size of {path}: {LibC.LastErrno.Text()}");
            }
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
                return Volatile.Read(ref _deviceLengthBytes);
            }
            return RandomAccess.GetLength(_handle);
        }
    }

    /// <summary>Which file this is and when it was changed, as a base is known by; null for a block device, which does not know.</summary>
    public BaseHints? Hints => Identity.Kind == FileKind.Regular ? FileIdentity.HintsOf(_handle, _path) : null;

    /// <summary>Number of the filesystem it is on, the same after another mount.</summary>
    public ulong FileSystemId => FileIdentity.FileSystemIdOf(_handle, _path);

    /// <summary>Bytes that the file takes on disk now.</summary>
    public long AllocatedBytes => FileIdentity.AllocatedBytesOf(_handle, _path);

    /// <summary>Opens an existing file for reading. Never waits for a pipe's other end.</summary>
    /// <returns>An error number when it can't be opened.</returns>
    public static Errno TryOpenRead(string path, [NotNullWhen(true)] out PosixFile? file) =>
        TryOpen(path, LibC.O_RDONLY, out file);

    /// <summary>Opens an existing file for reading and writing.</summary>
    /// <returns>An error number when it can't be opened.</returns>
    public static Errno TryOpenReadWrite(string path, [NotNullWhen(true)] out PosixFile? file) =>
        TryOpen(path, LibC.O_RDWR, out file);

    /// <summary>
    /// Opens an existing file for reading and writing. A block device nobody else has then: neither a mount nor another program that asks for it alone.
    /// </summary>
    /// <returns>An error number when it can't be opened; <see cref="Errno.EBUSY"/> for a block device that somebody has.</returns>
    public static Errno TryOpenAlone(string path, [NotNullWhen(true)] out PosixFile? file)
    {
        bool isDevice = FileIdentity.TryGet(path, out FileIdentity identity) == Errno.None && identity.Kind == FileKind.BlockDevice;
        return TryOpen(path, LibC.O_RDWR | (isDevice ? LibC.O_EXCL : 0), out file);
    }

    /// <summary>Opens an existing file for reading and writing, unless its name is a symbolic link.</summary>
    /// <returns>An error number when it can't be opened.</returns>
    internal static Errno TryOpenNoLink(string path, [NotNullWhen(true)] out PosixFile? file) =>
        TryOpen(path, LibC.O_RDWR | LibC.O_NOFOLLOW, out file);

    /// <summary>Creates a file that does not exist yet, mode 0600 reduced by the umask; its name need not be durable.</summary>
    /// <returns>An error number when it can't be created.</returns>
    internal static Errno TryCreateTemporary(string path, [NotNullWhen(true)] out PosixFile? file) =>
        TryOpen(path, LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL, out file);

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

    /// <summary>Creates a file without a name: it is gone with its last opening, however that ends.</summary>
    /// <param name="directory">A directory of the filesystem that is to hold it.</param>
    /// <param name="file">The file.</param>
    /// <returns>An error number; <see cref="Errno.EOPNOTSUPP"/> when that filesystem knows no such files.</returns>
    public static Errno TryCreateUnnamed(string directory, [NotNullWhen(true)] out PosixFile? file) =>
        TryOpen(directory, LibC.O_RDWR | LibC.O_TMPFILE, out file);

    /// <summary>Creates a file in memory: it is gone with its last opening, however that ends.</summary>
    /// <param name="name">What to call it where open files are listed.</param>
    /// <param name="file">The file.</param>
    /// <returns>An error number when there can't be one.</returns>
    public static Errno TryCreateInMemory(string name, [NotNullWhen(true)] out PosixFile? file) =>
        TryTake(LibC.ToHandle(LibC.memfd_create(name, LibC.MFD_CLOEXEC)), name, out file);

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

    /// <summary>Tries whether its filesystem has holes. The file is empty, and is so again on return.</summary>
    /// <returns>True also when that can't be found out.</returns>
    public bool CanHaveHoles()
    {
        bool canHaveHoles = SetLength(HoleTestBytes) != Errno.None || AllocatedBytes < HoleTestBytes;
        _ = SetLength(0);
        return canHaveHoles;
    }

    /// <summary>Asks how much space the filesystem has that the file is on.</summary>
    public Errno TryGetSpace(out FileSystemSpace space) => FileSystemSpace.TryGet(_handle, out space);

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

    /// <summary>The descriptor, for calls that move data without memory of ours.</summary>
    internal SafeFileHandle Handle => _handle;

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
    /// <remarks>A block device has the length that it has. It is asked for that, and what is longer finds no space.</remarks>
    public Errno SetLength(long lengthBytes)
    {
        if (Identity.Kind == FileKind.BlockDevice)
        {
            Errno errno = AskDeviceLength();
            return errno == Errno.None && lengthBytes > LengthBytes ? Errno.ENOSPC : errno;
        }
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
        endBytes = startBytes < 0 ? startBytes : LibC.lseek(_handle, startBytes, LibC.SEEK_HOLE);
        if (endBytes > startBytes)
        {
            return Errno.None;
        }
        Errno errno = endBytes < 0 ? LibC.LastErrno : Errno.None;
        switch (errno)
        {
            case Errno.None:
                // Somebody has punched it out between the two looks. To call a hole data is always right; to call it the end would hide what follows.
                endBytes = Math.Max(startBytes, LengthBytes);
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
                _hasFailedSync = true;
                return LibC.LastErrno;
            }
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// What could not be written the page cache keeps as if it were on the disk, and no later sync tells. After a failed sync it is dropped, so that
    /// who opens the file next, a repair above all, reads what is really there.
    /// </remarks>
    public void Dispose()
    {
        if (_hasFailedSync && !_handle.IsClosed)
        {
            _ = LibC.posix_fadvise(_handle, 0, 0, LibC.POSIX_FADV_DONTNEED);
        }
        _handle.Dispose();
    }

    private Errno AskDeviceLength()
    {
        ulong length = 0;
        if (LibC.ioctl(_handle, LibC.BLKGETSIZE64, &length) != 0)
        {
            return LibC.LastErrno;
        }
        Volatile.Write(ref _deviceLengthBytes, (long)length);
        return Errno.None;
    }

    /// <summary>Makes the names in a file's directory durable.</summary>
    private static Errno SyncDirectoryOf(string path)
    {
        // Not normalised: behind a symbolic link ".." is not what it looks like.
        int slash = path.LastIndexOf('/');
        using SafeFileHandle handle = LibC.ToHandle(LibC.open(slash < 0 ? "." : path[..(slash + 1)], LibC.O_RDONLY | LibC.O_CLOEXEC, 0));
        // A directory that we may write but not read can't be synced by its descriptor; the file's own syncs must do.
        return handle.IsInvalid || LibC.fsync(handle) == 0 ? Errno.None : LibC.LastErrno;
    }

    private static Errno TryOpen(string path, int flags, out PosixFile? file) =>
        TryTake(LibC.ToHandle(LibC.open(path, flags | LibC.O_CLOEXEC | LibC.O_NONBLOCK, NewFileMode)), path, out file);

    private static Errno TryTake(SafeFileHandle handle, string path, out PosixFile? file)
    {
        file = null;
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
