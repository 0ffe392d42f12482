using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Images;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Opens a base for the tools.</summary>
internal static class BaseOpener
{
    /// <summary>Opens a base to look at it, as it is stored; it may be in use.</summary>
    /// <exception cref="CowloopException">It can't be opened.</exception>
    public static PosixFile OpenToLook(string name)
    {
        PosixFile file = TryOpen(name, writable: false);
        try
        {
            RefuseOtherKinds(name, file.Identity.Kind);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What a base holds: the file itself, or what is compressed in it.</summary>
    /// <param name="file">The file; owned by the result.</param>
    /// <param name="name">As the user named it.</param>
    /// <exception cref="CowloopException">It is a damaged compressed image.</exception>
    public static IBlockFile ContentOf(PosixFile file, string name) =>
        CloopIndex.IsCloop(file) ? CloopImage.Open(file, name, words => new NativeWords(words), schedule: null) : file;

    /// <summary>Opens a base to read it; it may be in use as a base, but nobody can change it until it is closed.</summary>
    /// <exception cref="CowloopException">It can't be opened, or somebody may be changing it.</exception>
    public static PosixFile OpenToRead(string name)
    {
        PosixFile file = OpenToLook(name);
        if (file.TryLock(exclusive: false) != Errno.EAGAIN)
        {
            return file;
        }
        FileIdentity identity = file.Identity;
        file.Dispose();
        throw FileOpener.InUse(name, identity);
    }

    /// <summary>Opens a base for a merge: only one that nobody else uses, and nobody can until it is closed.</summary>
    /// <param name="name">As the user named it.</param>
    /// <param name="writable">False: it is only looked at, with the same refusals.</param>
    /// <exception cref="CowloopException">It can't be opened, or is in use.</exception>
    public static PosixFile OpenToMerge(string name, bool writable)
    {
        PosixFile file = TryOpen(name, writable);
        try
        {
            RefuseOtherKinds(name, file.Identity.Kind);
            RefuseCompressed(name, file, "which nothing can be written into", "decompress it, and merge into that");
            RefuseIfInUse(name, file.Identity, "a base must not change under its users: end that use first");
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

    private static PosixFile TryOpen(string name, bool writable)
    {
        Errno errno = writable ? PosixFile.TryOpenReadWrite(name, out PosixFile? file) : PosixFile.TryOpenRead(name, out file);
        return file ?? throw new CowloopException(errno, $"{name} cannot be opened for {(writable ? "reading and writing" : "reading")}: {errno.Text()}");
    }

    private static void RefuseOtherKinds(string name, FileKind kind)
    {
        const string Hint = "name an image file or a block device";
        switch (kind)
        {
            case FileKind.Directory:
                throw new CowloopException(Errno.EISDIR, $"{name} is a directory", Hint);
            case FileKind.Other:
                throw new CowloopException(Errno.EINVAL, $"{name} is neither a regular file nor a block device", Hint);
        }
    }

    /// <summary>Refuses a base that does not hold its content as it is read.</summary>
    /// <param name="name">As the user named it.</param>
    /// <param name="file">The file.</param>
    /// <param name="why">What such a one can't be used for.</param>
    /// <param name="whatToDo">What the user can do, before the command that does the first part of it.</param>
    /// <exception cref="CowloopException">It is compressed.</exception>
    public static void RefuseCompressed(string name, PosixFile file, string why, string whatToDo)
    {
        if (CloopIndex.IsCloop(file))
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{name} is a compressed image (cloop), {why}",
                $"{whatToDo}: extract_compressed_fs {ShellWord.ForPath(name)} disk.img");
        }
    }

    /// <summary>Refuses an image or a block device that somebody else may be reading or writing.</summary>
    /// <param name="name">As the user named it.</param>
    /// <param name="identity">Which it is.</param>
    /// <param name="hint">What the user can do.</param>
    /// <exception cref="CowloopException">It is in use.</exception>
    public static void RefuseIfInUse(string name, FileIdentity identity, string hint)
    {
        if (ActiveDevices.FindByBase(identity) is not null || ActiveDevices.FindByCowfile(identity) is not null)
        {
            throw FileOpener.InUse(name, identity);
        }
        string? user = identity.Kind == FileKind.BlockDevice
            ? new DeviceUsers(CowloopPaths.FromEnvironment().DeviceDirectory).DescribeHolder(identity.TargetDevice)
            : LoopDevice.FindUser(identity) is string loop ? $"bound to the loop device {loop}" : null;
        if (user is not null)
        {
            throw new CowloopException(Errno.EBUSY, $"{name} is in use: {user}", hint);
        }
    }
}
