using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>An opened and locked cowfile, contents not looked at yet.</summary>
/// <param name="File">The file; owned by the holder.</param>
/// <param name="IsNew">True when it did not exist before.</param>
/// <param name="IsOnCowdevice">True when it lies on a filesystem on another cowdevice.</param>
internal sealed record OpenedCowfile(PosixFile File, bool IsNew, bool IsOnCowdevice);

/// <summary>Opens the cowfile of a new device: specification 4.4 steps 11-14.</summary>
internal sealed class CowfileOpener(DeviceTable table)
{
    // Somebody may create or remove the file between our looks at it.
    private const int MaxTries = 8;

    private readonly CowfilePlacement _placement = new(table);

    /// <summary>Opens a cowfile for reading and writing, or creates it, and locks it exclusively.</summary>
    /// <param name="name">As the user named it, for messages.</param>
    /// <param name="path">Absolute path.</param>
    /// <param name="baseIdentity">Which file the base is.</param>
    /// <param name="former">Which file it must be, and then none is created; null for any.</param>
    /// <exception cref="CowloopException">It can't serve as a cowfile; nothing has been created.</exception>
    public OpenedCowfile Open(string name, string path, FileIdentity baseIdentity, FileIdentity? former)
    {
        bool isOnCowdevice = _placement.Check(name, path, baseIdentity);
        for (int attempt = 0; attempt < MaxTries; attempt++)
        {
            (PosixFile file, bool isNew) = OpenOrCreate(name, path, mayCreate: former is null);
            try
            {
                if (former is FileIdentity wanted && !file.Identity.IsSameAs(wanted))
                {
                    throw new CowloopException(Errno.EINVAL, $"cowfile {name} is another file than before", "move the former one back, if there is still one");
                }
                Claim(name, file, baseIdentity);
            }
            catch (CowloopException exception) when (exception.Errno == Errno.EBUSY)
            {
                // Not to be removed even if it was created here: another activation was faster with the lock, and it is that one's cowfile now.
                file.Dispose();
                throw;
            }
            catch
            {
                Discard(new OpenedCowfile(file, isNew, isOnCowdevice), path);
                throw;
            }
            // One that had the lock before may have come to nothing and removed the file.
            if (FileIdentity.TryGet(path, out FileIdentity named) == Errno.None && named.IsSameAs(file.Identity))
            {
                return new OpenedCowfile(file, isNew, isOnCowdevice);
            }
            file.Dispose();
        }
        throw new CowloopException(Errno.EBUSY, $"{name}: created and removed again by others all the time", "end that use first");
    }

    /// <summary>Closes a cowfile that came to no use and removes it if it was created for that.</summary>
    public static void Discard(OpenedCowfile cowfile, string path)
    {
        if (cowfile.IsNew)
        {
            Remove(path);
        }
        cowfile.File.Dispose();
    }

    /// <summary>Removes a cowfile that was created and came to no use, while it is locked: later it could be somebody else's.</summary>
    public static void Remove(string path)
    {
        Errno errno = PosixFile.Unlink(path);
        if (errno != Errno.None)
        {
            ServiceLog.Warning($"cannot remove the unused {path}: {errno.Text()}");
        }
    }

    private static (PosixFile File, bool IsNew) OpenOrCreate(string name, string path, bool mayCreate)
    {
        Errno errno = Errno.ENOENT;
        for (int attempt = 0; attempt < MaxTries; attempt++)
        {
            errno = PosixFile.TryOpenAlone(path, out PosixFile? file);
            if (file is not null)
            {
                return (file, false);
            }
            if (errno != Errno.ENOENT || !mayCreate)
            {
                break;
            }
            errno = PosixFile.TryCreate(path, out file);
            if (file is not null)
            {
                return (file, true);
            }
            if (errno != Errno.EEXIST)
            {
                break;
            }
        }
        throw new CowloopException(Errno.EINVAL, $"failed to open file {name} for read-write: {errno.Text()}");
    }

    private void Claim(string name, PosixFile file, FileIdentity baseIdentity)
    {
        if (file.Identity.Kind == FileKind.BlockDevice && !CompactFile.IsCompact(file))
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{name} is not regular file, and a block device without a compact store",
                $"make one on it: cowloop create --store compact BASE {ShellWord.ForPath(name)}");
        }
        if (file.Identity.Kind is not (FileKind.Regular or FileKind.BlockDevice))
        {
            throw new CowloopException(Errno.EINVAL, $"{name} is not regular file", "name a cowfile, or a file that does not exist yet");
        }
        if (file.Identity.IsSameAs(baseIdentity))
        {
            throw new CowloopException(Errno.EINVAL, $"rdofile and cowfile {name} are the same file", "name another file for the changes");
        }
        if (table.FindByCowfile(file.Identity) is CowDevice owner)
        {
            throw new CowloopException(
                Errno.EBUSY,
                $"{name}: already in use as cow of cowdevice {owner.Number}",
                "every device needs a cowfile of its own");
        }
        Errno errno = file.TryLock(exclusive: true);
        if (errno == Errno.EAGAIN)
        {
            string by = table.FindByBase(file.Identity) is CowDevice user ? $"it is the rdofile of cowdevice {user.Number}"
                : table.FindByLayer(file.Identity) is CowDevice upper ? $"it is a layer of cowdevice {upper.Number}"
                : "another process has it open as cowfile or rdofile";
            throw new CowloopException(Errno.EBUSY, $"{name}: already in use: {by}", "end that use first");
        }
        if (errno != Errno.None)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {name} cannot be locked: {errno.Text()}",
                "put it on a filesystem that supports file locks");
        }
    }
}
