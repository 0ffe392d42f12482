using System.Globalization;
using Cowloop.Core;
using Cowloop.Core.Format;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>A device number.</summary>
public readonly record struct DeviceNumber(uint Major, uint Minor)
{
    /// <summary>The number as the kernel's dev_t.</summary>
    internal ulong ToDevice() =>
        ((ulong)(Major & 0xfffff000) << 32) | ((ulong)(Major & 0xfff) << 8) | ((ulong)(Minor & 0xffffff00) << 12) | (Minor & 0xff);

    /// <summary>Splits a number as the kernel encodes it in 64 bits for user space.</summary>
    internal static DeviceNumber FromDevice(ulong device) =>
        new((uint)((device >> 32 & 0xfffff000) | (device >> 8 & 0xfff)), (uint)((device >> 12 & 0xffffff00) | (device & 0xff)));

    /// <summary>Reads <c>MAJOR:MINOR</c>, as sysfs and mountinfo spell it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DeviceNumber number)
    {
        number = default;
        int colon = text.IndexOf(':');
        if (colon < 0
            || !uint.TryParse(text[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out uint major)
            || !uint.TryParse(text[(colon + 1)..].TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out uint minor))
        {
            return false;
        }
        number = new DeviceNumber(major, minor);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Major}:{Minor}";
}

/// <summary>What kind of file a path leads to.</summary>
public enum FileKind
{
    /// <summary>Neither of the others: a pipe, a socket, a character device.</summary>
    Other,
    /// <summary>A regular file.</summary>
    Regular,
    /// <summary>A directory.</summary>
    Directory,
    /// <summary>A block device.</summary>
    BlockDevice,
}

/// <summary>
/// Which file a path or descriptor leads to, symbolic links followed: two names of one file are equal in
/// <see cref="Device"/> and <see cref="Inode"/>.
/// </summary>
/// <param name="Kind">Kind of file.</param>
/// <param name="Device">Number of the filesystem it is on.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="TargetDevice">The device that a device node stands for.</param>
public readonly record struct FileIdentity(FileKind Kind, DeviceNumber Device, ulong Inode, DeviceNumber TargetDevice)
{
    /// <summary>Tells it from every other file that there is, in all containers of the kernel.</summary>
    public string Tag => $"{Device}:{Inode}";

    /// <summary>True when both are the same file, or nodes of the same block device.</summary>
    public bool IsSameAs(FileIdentity other) => Kind == FileKind.BlockDevice && other.Kind == FileKind.BlockDevice
        ? TargetDevice == other.TargetDevice
        : Device == other.Device && Inode == other.Inode;

    /// <summary>Looks at a path.</summary>
    /// <returns>An error number, for instance <see cref="Errno.ENOENT"/>.</returns>
    public static unsafe Errno TryGet(string path, out FileIdentity identity)
    {
        LibC.statx_t stat;
        int result = LibC.statx(LibC.AT_FDCWD, path, 0, LibC.STATX_BASIC_STATS, &stat);
        identity = result == 0 ? From(stat) : default;
        return result == 0 ? Errno.None : LibC.LastErrno;
    }

    /// <summary>Which mount a path leads to: <see cref="MountEntry.Id"/>; 0 when that can't be told.</summary>
    internal static unsafe ulong MountIdOf(string path)
    {
        LibC.statx_t stat;
        return LibC.statx(LibC.AT_FDCWD, path, 0, LibC.STATX_MNT_ID, &stat) == 0 ? stat.stx_mnt_id : 0;
    }

    /// <summary>True for a directory, not a link to one, that is this user's and that nobody has the given permissions for.</summary>
    internal static unsafe bool IsOwnDirectory(string path, uint forbiddenMode)
    {
        LibC.statx_t stat;
        return LibC.statx(LibC.AT_FDCWD, path, LibC.AT_SYMLINK_NOFOLLOW, LibC.STATX_BASIC_STATS, &stat) == 0
            && (stat.stx_mode & LibC.S_IFMT) == LibC.S_IFDIR
            && (stat.stx_mode & forbiddenMode) == 0
            && stat.stx_uid == (uint)LibC.geteuid();
    }

    /// <summary>Looks at an open file.</summary>
    internal static FileIdentity Of(SafeFileHandle file, string path) => From(Look(file, path));

    /// <summary>Number of the filesystem that an open file is on, without asking the filesystem anything.</summary>
    internal static unsafe DeviceNumber FileSystemNumberOf(SafeFileHandle file)
    {
        LibC.statx_t stat = Look(file, "the filesystem", LibC.AT_STATX_DONT_SYNC);
        return new DeviceNumber(stat.stx_dev_major, stat.stx_dev_minor);
    }

    /// <summary>Bytes that an open file takes on disk.</summary>
    internal static long AllocatedBytesOf(SafeFileHandle file, string path) => (long)Look(file, path).stx_blocks * 512;

    /// <summary>When an open file was changed, and where it is.</summary>
    internal static BaseHints HintsOf(SafeFileHandle file, string path)
    {
        LibC.statx_t stat = Look(file, path);
        return new BaseHints(FileSystemIdOf(file, path), stat.stx_ino, ToNanoseconds(stat.stx_mtime), ToNanoseconds(stat.stx_ctime));
    }

    /// <summary>
    /// The number of the filesystem that an open file is on: the same after it has been mounted again, as far as the filesystem sees to that.
    /// </summary>
    internal static unsafe ulong FileSystemIdOf(SafeFileHandle file, string path)
    {
        LibC.statvfs_t stat;
        return LibC.fstatvfs(file, &stat) == 0
            ? stat.f_fsid
            : throw new CowloopException(LibC.LastErrno, $"cannot look at the filesystem of {path}: {LibC.LastErrno.Text()}");
    }

    private static long ToNanoseconds(in LibC.statx_timestamp time) => time.tv_sec * 1_000_000_000 + time.tv_nsec;

    private static unsafe LibC.statx_t Look(SafeFileHandle file, string path, int flags = 0)
    {
        LibC.statx_t stat;
        bool added = false;
        try
        {
            file.DangerousAddRef(ref added);
            return LibC.statx((int)file.DangerousGetHandle(), "", LibC.AT_EMPTY_PATH | flags, LibC.STATX_BASIC_STATS, &stat) == 0
                ? stat
                : throw new CowloopException(LibC.LastErrno, $"cannot look at {path}: {LibC.LastErrno.Text()}");
        }
        finally
        {
            if (added)
            {
                file.DangerousRelease();
            }
        }
    }

    private static FileIdentity From(in LibC.statx_t stat) => new(
        (stat.stx_mode & LibC.S_IFMT) switch
        {
            LibC.S_IFREG => FileKind.Regular,
            LibC.S_IFDIR => FileKind.Directory,
            LibC.S_IFBLK => FileKind.BlockDevice,
            _ => FileKind.Other,
        },
        new DeviceNumber(stat.stx_dev_major, stat.stx_dev_minor),
        stat.stx_ino,
        new DeviceNumber(stat.stx_rdev_major, stat.stx_rdev_minor));
}
