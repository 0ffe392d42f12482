using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Opens a base that is to be changed by a merge: only one that nobody else uses.</summary>
internal static class BaseOpener
{
    /// <summary>Opens a base and keeps it from being used by others until it is closed.</summary>
    /// <param name="name">As the user named it.</param>
    /// <param name="writable">False: it is only looked at, with the same refusals.</param>
    /// <exception cref="CowloopException">It can't be opened, or is in use.</exception>
    public static PosixFile Open(string name, bool writable)
    {
        Errno errno = writable ? PosixFile.TryOpenReadWrite(name, out PosixFile? file) : PosixFile.TryOpenRead(name, out file);
        if (file is null)
        {
            throw new CowloopException(errno, $"{name} cannot be opened for {(writable ? "reading and writing" : "reading")}: {errno.Text()}");
        }
        try
        {
            RefuseIfInUse(name, file.Identity);
            if (file.TryLock(exclusive: writable) == Errno.EAGAIN)
            {
                throw FileOpener.InUse(name, file.Identity);
            }
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static void RefuseIfInUse(string name, FileIdentity identity)
    {
        switch (identity.Kind)
        {
            case FileKind.Directory:
                throw new CowloopException(Errno.EISDIR, $"{name} is a directory", "name an image file or a block device");
            case FileKind.Other:
                throw new CowloopException(Errno.EINVAL, $"{name} is neither a regular file nor a block device", "name an image file or a block device");
        }
        if (ActiveDevices.FindByBase(identity) is not null || ActiveDevices.FindByCowfile(identity) is not null)
        {
            throw FileOpener.InUse(name, identity);
        }
        string? user = identity.Kind == FileKind.BlockDevice
            ? new DeviceUsers(CowloopPaths.FromEnvironment().DeviceDirectory).DescribeHolder(identity.TargetDevice)
            : LoopDevice.FindUser(identity) is string loop ? $"bound to the loop device {loop}" : null;
        if (user is not null)
        {
            throw new CowloopException(Errno.EBUSY, $"{name} is in use: {user}", "a base must not change under its users: end that use first");
        }
    }
}
