using System.Globalization;
using System.Text;
using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>One line of mountinfo.</summary>
/// <param name="Id">Number of the mount.</param>
/// <param name="Root">What of the filesystem is mounted there: a slash for all of it.</param>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="Device">Number of the filesystem; not the disk's for some filesystems (btrfs).</param>
/// <param name="Source">What was mounted.</param>
/// <param name="FileSystemType">Type, for instance ext4.</param>
/// <param name="IsReadOnly">True when the filesystem itself is read-only, not just this view of it.</param>
public sealed record MountEntry(
    ulong Id,
    string Root,
    string MountPoint,
    DeviceNumber Device,
    string Source,
    string FileSystemType,
    bool IsReadOnly)
{
    /// <summary>The disk that is mounted. btrfs and others have a number of their own: there the source's node tells.</summary>
    internal DeviceNumber Disk => Device.Major != 0 ? Device : BlockNode.TargetOfListed(Source) ?? Device;
}

/// <summary>Mounting, unmounting, and what is mounted.</summary>
public static class Mounts
{
    /// <summary>Lists this process's mounts.</summary>
    public static IReadOnlyList<MountEntry> List()
    {
        var entries = new List<MountEntry>();
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            // ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPEROPTIONS
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-", 6);
            if (dash > 0
                && dash + 3 < fields.Length
                && ulong.TryParse(fields[0], CultureInfo.InvariantCulture, out ulong id)
                && DeviceNumber.TryParse(fields[2], out DeviceNumber number))
            {
                bool isReadOnly = fields[dash + 3].Split(',').Contains("ro");
                entries.Add(new MountEntry(
                    id,
                    Unescape(fields[3]),
                    Unescape(fields[4]),
                    number,
                    Unescape(fields[dash + 2]),
                    fields[dash + 1],
                    isReadOnly));
            }
        }
        return entries;
    }

    /// <summary>Mounts a FUSE connection where everybody can see and read it.</summary>
    /// <param name="connection">An open /dev/fuse.</param>
    /// <param name="path">An existing directory.</param>
    /// <param name="name">What mount and findmnt show as its source.</param>
    /// <exception cref="CowloopException">The kernel refuses.</exception>
    public static void MountFuseReadOnly(SafeFileHandle connection, string path, string name)
    {
        string options = $"fd={connection.DangerousGetHandle()},rootmode=40555,user_id=0,group_id=0,allow_other,default_permissions";
        if (LibC.mount(name, path, "fuse.cowloop", LibC.MS_RDONLY | LibC.MS_NOSUID | LibC.MS_NODEV | LibC.MS_NOEXEC, options) != 0)
        {
            throw Refused(LibC.LastErrno, $"on {path}");
        }
    }

    /// <summary>
    /// Mounts a FUSE connection nowhere: only the returned descriptor leads to it, and it goes with the last reference.
    /// So nothing is left behind in the file tree however the process ends, and nobody walks into it by accident.
    /// </summary>
    /// <param name="connection">An open /dev/fuse.</param>
    /// <param name="maxReadBytes">The largest read request.</param>
    /// <exception cref="CowloopException">The kernel refuses.</exception>
    public static SafeFileHandle MountFuseDetached(SafeFileHandle connection, int maxReadBytes)
    {
        return MountDetached(
            "fuse",
            [
                ("source", "cowloop"),
                ("fd", connection.DangerousGetHandle().ToString(CultureInfo.InvariantCulture)),
                ("rootmode", "40700"),
                ("user_id", "0"),
                ("group_id", "0"),
                ("max_read", maxReadBytes.ToString(CultureInfo.InvariantCulture)),
            ]);
    }

    /// <summary>Opens the file that ends a FUSE connection when something is written to it.</summary>
    /// <param name="mount">A mount of the connection.</param>
    /// <exception cref="CowloopException">It can't be opened.</exception>
    internal static SafeFileHandle OpenFuseAbort(SafeFileHandle mount)
    {
        using SafeFileHandle control = MountDetached("fusectl", []);
        return OpenBelow(control, $"{FileIdentity.FileSystemNumberOf(mount).Minor}/abort", LibC.O_WRONLY);
    }

    /// <summary>Opens a file of a detached mount for reading and writing.</summary>
    /// <exception cref="CowloopException">It can't be opened.</exception>
    public static SafeFileHandle OpenBelow(SafeFileHandle mount, string name) => OpenBelow(mount, name, LibC.O_RDWR);

    /// <summary>Takes a mount out of the file tree now; it ends when its last user is gone.</summary>
    public static Errno Detach(string path) => LibC.umount2(path, LibC.MNT_DETACH) == 0 ? Errno.None : LibC.LastErrno;

    private static SafeFileHandle OpenBelow(SafeFileHandle mount, string name, int flags)
    {
        SafeFileHandle file = LibC.ToHandle(LibC.openat(mount, name, flags | LibC.O_CLOEXEC, 0));
        return file.IsInvalid
            ? throw new CowloopException(LibC.LastErrno, $"cannot open the device file {name}: {LibC.LastErrno.Text()}")
            : file;
    }

    private static SafeFileHandle MountDetached(string type, ReadOnlySpan<(string Key, string Value)> options)
    {
        using SafeFileHandle context = LibC.ToHandle(LibC.fsopen(LibC.SYS_fsopen, type, LibC.FSOPEN_CLOEXEC));
        if (context.IsInvalid)
        {
            throw Refused(LibC.LastErrno, "(fsopen)");
        }
        foreach ((string key, string value) in options)
        {
            if (LibC.fsconfig(LibC.SYS_fsconfig, context, LibC.FSCONFIG_SET_STRING, key, value, 0) != 0)
            {
                throw Refused(LibC.LastErrno, $"({key}={value})");
            }
        }
        if (LibC.fsconfig(LibC.SYS_fsconfig, context, LibC.FSCONFIG_CMD_CREATE, null, null, 0) != 0)
        {
            throw Refused(LibC.LastErrno, "(create)");
        }
        SafeFileHandle mount = LibC.ToHandle(LibC.fsmount(
            LibC.SYS_fsmount,
            context,
            LibC.FSMOUNT_CLOEXEC,
            LibC.MOUNT_ATTR_NOSUID | LibC.MOUNT_ATTR_NODEV | LibC.MOUNT_ATTR_NOEXEC));
        return mount.IsInvalid ? throw Refused(LibC.LastErrno, "(fsmount)") : mount;
    }

    private static CowloopException Refused(Errno errno, string where) =>
        new(errno, $"cannot mount a FUSE filesystem {where}: {errno.Text()}", "root and the kernel's FUSE driver are needed: modprobe fuse");

    /// <summary>mountinfo writes blanks, tabs, newlines and backslashes as three octal digits.</summary>
    private static string Unescape(string field)
    {
        if (!field.Contains('\\'))
        {
            return field;
        }
        var text = new StringBuilder(field.Length);
        for (int index = 0; index < field.Length; index++)
        {
            if (field[index] == '\\' && index + 3 < field.Length)
            {
                text.Append((char)Convert.ToInt32(field.Substring(index + 1, 3), 8));
                index += 3;
            }
            else
            {
                text.Append(field[index]);
            }
        }
        return text.ToString();
    }
}
