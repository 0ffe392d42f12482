using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
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
    private const long HoleTestBytes = 1 << 20;
    private const uint NewFileMode = 0x180; // 0600

    // Lengths of a lock from offset 0. The last byte that can be locked is one that no file can have.
    private const long AllBytes = 0;
    private const long AllBytesButLast = long.MaxValue;

    private static readonly TimeSpan FormerCallsTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FormerCallsPollTime = TimeSpan.FromMilliseconds(1);

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
