using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Opens the files that tools work on, with no more rights than they need; one that is in use elsewhere is refused.</summary>
internal static class FileOpener
{
    /// <summary>Opens a cowfile to look at it; it may be in use.</summary>
    /// <exception cref="CowloopException">It can't be opened.</exception>
    public static StoredFile OpenToLook(string name) => Seen(OpenRegular(name, writable: false), name);

    /// <summary>Opens a cowfile to read it; nobody can change it until it is closed.</summary>
    /// <exception cref="CowloopException">It can't be opened, or is in use.</exception>
    public static StoredFile OpenToRead(string name) => Seen(Claim(OpenRegular(name, writable: false), name, exclusive: false), name);

    /// <summary>Opens a cowfile to change it; nobody else can use it until it is closed.</summary>
    /// <exception cref="CowloopException">It can't be opened, or is in use.</exception>
    public static StoredFile OpenToChange(string name) => Seen(OpenToReplace(name), name);

    /// <summary>Opens a file that something else is to take the place of, whatever it is; nobody else can use it until it is closed.</summary>
    /// <exception cref="CowloopException">It can't be opened, or is in use.</exception>
    public static PosixFile OpenToReplace(string name) => Claim(OpenRegular(name, writable: true), name, exclusive: true);

    /// <summary>The file as the cowfile that it holds.</summary>
    private static StoredFile Seen(PosixFile file, string name)
    {
        try
        {
            return StoredFile.Open(file, name);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static PosixFile OpenRegular(string name, bool writable)
    {
        Errno errno = writable ? PosixFile.TryOpenAlone(name, out PosixFile? file) : PosixFile.TryOpenRead(name, out file);
        if (file is null)
        {
            throw new CowloopException(errno, $"{name} cannot be opened for {(writable ? "reading and writing" : "reading")}: {errno.Text()}");
        }
        if (file.Identity.Kind != FileKind.Regular && !(file.Identity.Kind == FileKind.BlockDevice && CompactFile.IsCompact(file)))
        {
            FileKind kind = file.Identity.Kind;
            file.Dispose();
            throw kind == FileKind.Directory
                ? new CowloopException(Errno.EISDIR, $"{name} is a directory", "name a cowfile")
                : new CowloopException(Errno.EINVAL, $"{name} is not a regular file", "name a cowfile");
        }
        return file;
    }

    private static PosixFile Claim(PosixFile file, string name, bool exclusive)
    {
        // Where a filesystem has no locks no service could have it either.
        if (file.TryLock(exclusive) != Errno.EAGAIN)
        {
            return file;
        }
        FileIdentity identity = file.Identity;
        file.Dispose();
        throw InUse(name, identity);
    }

    /// <summary>The refusal of a file that somebody else has locked; names the device when it is one of the service.</summary>
    public static CowloopException InUse(string name, FileIdentity identity)
    {
        DeviceStatus? device = ActiveDevices.FindByCowfile(identity);
        if (device is not null)
        {
            return new CowloopException(Errno.EBUSY, $"{name} is in use: it is the cowfile of {device.Path}", $"deactivate it first: cowdev -d {device.Path}");
        }
        device = ActiveDevices.FindByBase(identity);
        string role = "rdofile";
        if (device is null)
        {
            device = ActiveDevices.FindByLayer(identity);
            role = "layer";
        }
        return device is not null
            ? new CowloopException(Errno.EBUSY, $"{name} is in use: it is the {role} of {device.Path}", $"deactivate it first: cowdev -d {device.Path}")
            : new CowloopException(Errno.EBUSY, $"{name} is in use: another process has it locked", "wait until that has ended, or end it");
    }
}
