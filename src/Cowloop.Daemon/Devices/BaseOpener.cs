using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>An opened base.</summary>
/// <param name="File">What it holds; owned by the holder.</param>
/// <param name="Identity">Which file it is, compressed or not.</param>
/// <param name="Hints">Which file it is and when it was changed; null for one that does not know.</param>
/// <param name="SectorSize">Logical sector size that the device shows.</param>
/// <param name="Lower">The active device that it is, or null. It counts one dependent more for this.</param>
/// <param name="LowerNode">The node of that device, or of its partition, whatever name led to it.</param>
/// <param name="Warnings">What the user should know.</param>
internal sealed record OpenedBase(
    IBlockFile File,
    FileIdentity Identity,
    BaseHints? Hints,
    int SectorSize,
    CowDevice? Lower,
    string? LowerNode,
    IReadOnlyList<string> Warnings) : IDisposable
{
    /// <summary>Gives up a base that came to no use.</summary>
    public void Dispose()
    {
        File.Dispose();
        Lower?.RemoveDependent();
    }
}

/// <summary>Opens the base of a new device: specification 4.4 steps 6-9, and that nobody else writes to it meanwhile.</summary>
internal sealed class BaseOpener(DeviceTable table, CowloopPaths paths)
{
    private readonly CompressedBases _compressed = new();

    /// <summary>Opens a base read-only, decompressed if it is compressed, and locks it shared.</summary>
    /// <param name="name">As the user named it, for messages.</param>
    /// <param name="path">Absolute path.</param>
    /// <param name="acceptBase">Take it even though somebody may be writing to it.</param>
    /// <exception cref="CowloopException">It can't serve as a base.</exception>
    public OpenedBase Open(string name, string path, bool acceptBase)
    {
        Errno errno = FileIdentity.TryGet(path, out FileIdentity identity);
        if (errno != Errno.None)
        {
            throw NotOpened(name, errno);
        }
        if (identity.Kind is not (FileKind.Regular or FileKind.BlockDevice))
        {
            throw new CowloopException(Errno.EINVAL, $"{name} not regular file or blockdev", "name an image file or a block device");
        }
        if (!acceptBase)
        {
            RefuseIfWritten(name, identity);
        }
        OpenedBase opened = identity.Kind == FileKind.BlockDevice && TryOpenStacked(name, identity) is OpenedBase stacked
            ? stacked
            : OpenFile(name, path, acceptBase);
        try
        {
            opened = _compressed.Recognise(name, opened);
            CheckSize(name, opened.File.LengthBytes);
            return opened.Identity.Kind == FileKind.Regular && opened.File.LengthBytes % CowLayout.BlockSize != 0
                ? opened with { Warnings = [.. opened.Warnings, $"rdofile {name} truncated to multiple of {CowLayout.BlockSize} bytes"] }
                : opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private static void CheckSize(string name, long lengthBytes)
    {
        long blockCount = lengthBytes / CowLayout.BlockSize;
        if (blockCount == 0)
        {
            throw new CowloopException(Errno.EINVAL, $"{name} has no contents", $"a base has at least {CowLayout.BlockSize} bytes");
        }
        if (blockCount > CowLayout.MaxBlockCount)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"{name} is too large: {lengthBytes} bytes, and a cowfile carries at most {CowLayout.MaxBlockCount * CowLayout.BlockSize}",
                "use a smaller image, or a partition of it");
        }
    }

    /// <summary>Another active device, or a partition of one, is read in process: through its own block device a worker could wait for itself.</summary>
    private OpenedBase? TryOpenStacked(string name, FileIdentity identity)
    {
        foreach (CowDevice lower in table.List())
        {
            if (!lower.IsAttached)
            {
                continue;
            }
            long startBytes = 0;
            long lengthBytes = lower.Disk.Info.LengthBytes;
            string node = paths.Node(lower.Number);
            if (lower.Attachment.Loop.Number != identity.TargetDevice)
            {
                (int index, LoopPartition partition) = lower.Attachment.Loop.Partitions()
                    .FirstOrDefault(candidate => candidate.Value.Number == identity.TargetDevice);
                if (partition.LengthBytes == 0)
                {
                    continue;
                }
                node = paths.Partition(lower.Number, index);
                startBytes = partition.StartBytes;
                lengthBytes = partition.LengthBytes;
            }
            // Not to be overridden: the device below refuses writes from now on, which would break a mounted filesystem.
            if (new DeviceUsers(paths.DeviceDirectory).FindWriter(lower.Attachment.Loop.Number) is string writer)
            {
                throw new CowloopException(Errno.EBUSY, $"rdofile {name} is in use: {writer}", "unmount it, or remount it read-only");
            }
            if (!lower.TryAddDependent())
            {
                throw new CowloopException(Errno.EBUSY, $"rdofile {name} is just being deactivated", "activate it again first");
            }
            return new OpenedBase(new DeviceFile(lower.Disk, startBytes, lengthBytes), identity, null, lower.Disk.Info.SectorSize, lower, node, []);
        }
        return null;
    }

    private static OpenedBase OpenFile(string name, string path, bool acceptBase)
    {
        Errno errno = PosixFile.TryOpenRead(path, out PosixFile? file);
        if (file is null)
        {
            throw NotOpened(name, errno);
        }
        try
        {
            var warnings = new List<string>();
            errno = file.TryLock(exclusive: false);
            if (errno == Errno.EAGAIN && !acceptBase)
            {
                throw InUse(name, "another process has it locked for writing, as the cowfile of an overlay or for a merge");
            }
            if (errno != Errno.None)
            {
                warnings.Add($"rdofile {name} could not be locked ({errno.Text()}): see that nobody changes it while it is in use");
            }
            return new OpenedBase(file, file.Identity, file.Hints, file.SectorSize, null, null, warnings);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void RefuseIfWritten(string name, FileIdentity identity)
    {
        if (table.FindByCowfile(identity) is CowDevice owner)
        {
            throw InUse(name, $"it is the cowfile of cowdevice {owner.Number}");
        }
        if (identity.Kind == FileKind.BlockDevice)
        {
            if (new DeviceUsers(paths.DeviceDirectory).FindWriter(identity.TargetDevice) is string writer)
            {
                throw InUse(name, writer);
            }
        }
        else if (LoopDevice.FindWritableUser(identity, OwnLoopDevices()) is string loop)
        {
            throw InUse(name, $"bound to the writable loop device {loop}");
        }
    }

    private HashSet<string> OwnLoopDevices() => [.. table.List().Where(device => device.IsAttached).Select(device => device.Attachment.Loop.KernelName)];

    private static CowloopException NotOpened(string name, Errno errno) =>
        new(Errno.EINVAL, $"open of rdofile {name} failed: {errno.Text()}", errno == Errno.ENOENT ? "check the path" : null);

    private static CowloopException InUse(string name, string by) => new(
        Errno.EBUSY,
        $"rdofile {name} is in use: {by}",
        "a base must not change: end that use, or give --accept-base if it does not write");
}
