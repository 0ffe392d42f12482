using System.Globalization;
using System.Text;
using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>A partition of a loop device.</summary>
/// <param name="Number">Its device number.</param>
/// <param name="StartBytes">Where it starts on the disk.</param>
/// <param name="LengthBytes">Its length.</param>
public readonly record struct LoopPartition(DeviceNumber Number, long StartBytes, long LengthBytes);

/// <summary>A loop device that serves a block device instead of a file.</summary>
/// <param name="NodePath">Its node.</param>
/// <param name="IsReadOnly">True when nothing can be written through it.</param>
internal readonly record struct LoopUser(string NodePath, bool IsReadOnly);

/// <summary>A loop device of ours: the block device that the kernel makes of an open file.</summary>
public sealed unsafe class LoopDevice
{
    // Somebody else may take the free number between asking for it and using it.
    private const int MaxTries = 64;
    private const int MaxLabelBytes = 63;
    private const string ControlPath = "/dev/loop-control";

    // Which file it was bound to: filesystem and inode.
    private (ulong Device, ulong Inode) _backingFile;

    private LoopDevice(int index)
    {
        Index = index;
        Number = ReadNumber(index);
    }

    /// <summary>The label, as the kernel keeps it.</summary>
    public string Label { get; private set; } = "";

    /// <summary>N of /dev/loopN.</summary>
    public int Index { get; }

    /// <summary>The kernel's name: loopN.</summary>
    public string KernelName => $"loop{Index}";

    /// <summary>Device number of the whole disk.</summary>
    public DeviceNumber Number { get; }

    private string NodePath => $"/dev/{KernelName}";

    /// <summary>
    /// Binds a file to a free loop device: direct I/O, so that nothing is cached twice, partitions scanned.
    /// </summary>
    /// <param name="file">The file; the kernel keeps its own reference.</param>
    /// <param name="sectorSize">Logical sector size in bytes.</param>
    /// <param name="label">What losetup -l and the loop status show as the file's name.</param>
    /// <param name="isReadOnly">True: nobody can write to the block device.</param>
    /// <exception cref="CowloopException">There is no loop device to be had.</exception>
    public static LoopDevice Attach(SafeFileHandle file, int sectorSize, string label, bool isReadOnly = false)
    {
        using SafeFileHandle control = LibC.ToHandle(LibC.open(ControlPath, LibC.O_RDWR | LibC.O_CLOEXEC, 0));
        if (control.IsInvalid)
        {
            throw new CowloopException(
                LibC.LastErrno,
                $"cannot open {ControlPath}: {LibC.LastErrno.Text()}",
                "the kernel's loop driver is needed: modprobe loop, or give the container that device");
        }
        for (int attempt = 0; attempt < MaxTries; attempt++)
        {
            int index = LibC.ioctl(control, LibC.LOOP_CTL_GET_FREE, null);
            if (index < 0)
            {
                throw NoFreeDevice(LibC.LastErrno);
            }
            var device = new LoopDevice(index);
            Errno errno = device.TryConfigure(file, sectorSize, label, isReadOnly);
            if (errno == Errno.None)
            {
                return device;
            }
            if (errno != Errno.EBUSY)
            {
                throw new CowloopException(errno, $"cannot set up {device.NodePath}: {errno.Text()}");
            }
        }
        throw NoFreeDevice(Errno.EBUSY);
    }

    /// <summary>
    /// Takes the device apart unless somebody has it open. The kernel's own detach is lazy: with openers it succeeds and
    /// waits for the last close. So its effect is looked at, and taken back when the device is in use.
    /// </summary>
    /// <returns>
    /// <see cref="Errno.EBUSY"/> when it is in use, and then nothing has changed. <see cref="Errno.ENXIO"/> when it is not ours any more.
    /// </returns>
    public Errno TryDetach()
    {
        using SafeFileHandle? node = OpenOurs(out LibC.loop_info64 before);
        if (node is null)
        {
            return Errno.ENXIO;
        }
        // To take a detach back the kernel waits for all requests under way and lets none begin, so what is sure to be in use is asked first.
        if (IsHeld())
        {
            return Errno.EBUSY;
        }
        if (LibC.ioctl(node, LibC.LOOP_CLR_FD, null) != 0)
        {
            return LibC.LastErrno;
        }
        if (!TryGetStatus(node, out LibC.loop_info64 after))
        {
            // Not bound any more: our close, the last one, completes it.
            return Errno.None;
        }
        // Only what this call has set: it may have been wanted before.
        after.lo_flags = before.lo_flags;
        return LibC.ioctl(node, LibC.LOOP_SET_STATUS64, &after) == 0 ? Errno.EBUSY : LibC.LastErrno;
    }

    /// <summary>Lets the kernel take the device apart as soon as its last user closes it; at once when there is none.</summary>
    /// <returns><see cref="Errno.ENXIO"/> when it is not ours any more.</returns>
    public Errno DetachOnLastClose()
    {
        using SafeFileHandle? node = OpenOurs(out _);
        if (node is null)
        {
            return Errno.ENXIO;
        }
        return LibC.ioctl(node, LibC.LOOP_CLR_FD, null) == 0 ? Errno.None : LibC.LastErrno;
    }

    /// <summary>
    /// Lets the kernel look at the partition table again: the content has changed behind its back. Nothing happens while a partition is in use.
    /// </summary>
    public void ReadPartitionTable()
    {
        using SafeFileHandle? node = OpenOurs(out _);
        if (node is not null)
        {
            _ = LibC.ioctl(node, LibC.BLKRRPART, null);
        }
    }

    /// <summary>The partitions that the kernel knows of this disk, by partition number.</summary>
    public SortedDictionary<int, LoopPartition> Partitions()
    {
        const int SysfsSectorBytes = 512;
        var partitions = new SortedDictionary<int, LoopPartition>();
        string directory = $"/sys/block/{KernelName}";
        if (!Directory.Exists(directory))
        {
            return partitions;
        }
        foreach (string path in Directory.EnumerateDirectories(directory, $"{KernelName}p*"))
        {
            // A partition may go while it is looked at.
            if (int.TryParse(KernelText.ReadOrEmpty($"{path}/partition"), CultureInfo.InvariantCulture, out int index)
                && DeviceNumber.TryParse(KernelText.ReadOrEmpty($"{path}/dev"), out DeviceNumber number)
                && long.TryParse(KernelText.ReadOrEmpty($"{path}/start"), CultureInfo.InvariantCulture, out long startSector)
                && long.TryParse(KernelText.ReadOrEmpty($"{path}/size"), CultureInfo.InvariantCulture, out long sectorCount))
            {
                partitions[index] = new LoopPartition(number, startSector * SysfsSectorBytes, sectorCount * SysfsSectorBytes);
            }
        }
        return partitions;
    }

    /// <summary>True while it is bound to the file that it was attached with, or found with.</summary>
    public bool IsBound
    {
        get
        {
            using SafeFileHandle? node = OpenOurs(out _);
            return node is not null;
        }
    }

    /// <summary>
    /// The loop devices that serve block devices, by the device that they serve. Opens none of them: to look must not make a device busy.
    /// </summary>
    /// <param name="nodeDirectories">Where there are block nodes, each with a slash behind it.</param>
    internal static ILookup<DeviceNumber, LoopUser> UsersOfNodes(IReadOnlyList<string> nodeDirectories)
    {
        var users = new List<(DeviceNumber Served, LoopUser User)>();
        foreach (string path in BoundDevices())
        {
            // Only names of nodes are worth a look at the file behind them: elsewhere it could be one that does not answer.
            string served = KernelText.ReadOrEmpty($"{path}/loop/backing_file");
            if (nodeDirectories.Any(directory => served.StartsWith(directory, StringComparison.Ordinal)) && BlockNode.TargetOf(served) is DeviceNumber number)
            {
                users.Add((number, new LoopUser($"/dev/{Path.GetFileName(path)}", KernelText.ReadOrEmpty($"{path}/ro") == "1")));
            }
        }
        return users.ToLookup(user => user.Served, user => user.User);
    }

    /// <summary>Says which file or block device a loop device serves.</summary>
    /// <returns>Null when it is no loop device, or serves none.</returns>
    internal static FileIdentity? FindServed(DeviceNumber number)
    {
        string? name = NameOf(number);
        if (name is null)
        {
            return null;
        }
        using SafeFileHandle node = LibC.ToHandle(LibC.open($"/dev/{name}", LibC.O_RDONLY | LibC.O_CLOEXEC, 0));
        if (!TryGetStatus(node, out LibC.loop_info64 info))
        {
            return null;
        }
        return new FileIdentity(
            info.lo_rdevice == 0 ? FileKind.Regular : FileKind.BlockDevice,
            DeviceNumber.FromDevice(info.lo_device),
            info.lo_inode,
            DeviceNumber.FromDevice(info.lo_rdevice));
    }

    /// <summary>The kernel's name of a loop device; null when the number is another one's.</summary>
    private static string? NameOf(DeviceNumber number)
    {
        string name = Path.GetFileName(KernelText.TargetOf($"/sys/dev/block/{number}"));
        return name.StartsWith("loop", StringComparison.Ordinal) ? name : null;
    }

    /// <summary>Finds the bound loop devices that have a label.</summary>
    /// <param name="filePrefix">How the path of the file behind them begins. No others are opened: their file may be one that does not answer.</param>
    /// <param name="isWanted">Gets the label as the kernel keeps it.</param>
    public static IReadOnlyList<LoopDevice> Find(string filePrefix, Predicate<string> isWanted)
    {
        ArgumentNullException.ThrowIfNull(isWanted);
        var found = new List<LoopDevice>();
        foreach (string path in BoundDevices())
        {
            if (!KernelText.ReadOrEmpty($"{path}/loop/backing_file").StartsWith(filePrefix, StringComparison.Ordinal)
                || !int.TryParse(Path.GetFileName(path).AsSpan("loop".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index))
            {
                continue;
            }
            var device = new LoopDevice(index);
            using SafeFileHandle? node = device.OpenNode(LibC.O_RDONLY);
            if (node is not null && TryGetStatus(node, out LibC.loop_info64 info) && isWanted(TextOf(info.lo_file_name)))
            {
                device.Remember(info);
                found.Add(device);
            }
        }
        return found;
    }

    /// <summary>Finds a loop device that is bound to a regular file for writing.</summary>
    /// <param name="file">The file.</param>
    /// <param name="others">Kernel names of devices that are known to have other files. They are not opened: who detaches one would find it busy.</param>
    /// <returns>Its path, or null.</returns>
    public static string? FindWritableUser(FileIdentity file, IReadOnlySet<string>? others = null) => FindUser(file, mayBeReadOnly: false, others);

    /// <summary>Finds a loop device that is bound to a regular file.</summary>
    /// <returns>Its path, or null.</returns>
    public static string? FindUser(FileIdentity file) => FindUser(file, mayBeReadOnly: true, null);

    private static string? FindUser(FileIdentity file, bool mayBeReadOnly, IReadOnlySet<string>? others)
    {
        foreach (string path in BoundDevices(others))
        {
            string node = $"/dev/{Path.GetFileName(path)}";
            using SafeFileHandle handle = LibC.ToHandle(LibC.open(node, LibC.O_RDONLY | LibC.O_CLOEXEC, 0));
            if (TryGetStatus(handle, out LibC.loop_info64 info)
                && (mayBeReadOnly || (info.lo_flags & LibC.LO_FLAGS_READ_ONLY) == 0)
                && info.lo_inode == file.Inode
                && DeviceNumber.FromDevice(info.lo_device) == file.Device)
            {
                return node;
            }
        }
        return null;
    }

    /// <summary>
    /// The directories of the bound loop devices in sysfs. The kernel's list has no device without a size, so however many are not bound, or are left out,
    /// they cost nothing.
    /// </summary>
    /// <param name="others">Kernel names that are left out.</param>
    private static IEnumerable<string> BoundDevices(IReadOnlySet<string>? others = null)
    {
        string list = KernelText.ReadOrEmpty("/proc/partitions");
        // "major minor #blocks name"; a partition of loop3 is loop3p1.
        IEnumerable<string> names = list.Length > 0
            ? list.Split('\n').Select(line => line[(line.LastIndexOf(' ') + 1)..])
            : KernelText.EntriesOf("/sys/block").Select(path => Path.GetFileName(path));
        return names
            .Where(name => name.StartsWith("loop", StringComparison.Ordinal)
                && !name.AsSpan("loop".Length).ContainsAnyExceptInRange('0', '9')
                && others?.Contains(name) != true)
            .Select(name => $"/sys/block/{name}")
            .Where(path => Directory.Exists($"{path}/loop"));
    }

    private static string TextOf(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? text : text[..end]);
    }

    /// <summary>A longer label is cut; one byte stays 0, for it is a C string.</summary>
    private static void PutLabel(Span<byte> target, string label) =>
        Encoding.UTF8.GetEncoder().Convert(label, target[..MaxLabelBytes], true, out _, out _, out _);

    private static DeviceNumber ReadNumber(int index) =>
        DeviceNumber.TryParse(KernelText.ReadOrEmpty($"/sys/block/loop{index}/dev"), out DeviceNumber number)
            ? number
            : new DeviceNumber(7, (uint)index);

    private static CowloopException NoFreeDevice(Errno errno) =>
        new(errno, $"no free loop device: {errno.Text()}", "losetup -l lists the ones in use; detach one that is not needed");

    private Errno TryConfigure(SafeFileHandle file, int sectorSize, string label, bool isReadOnly)
    {
        using SafeFileHandle? node = OpenNode(LibC.O_RDWR);
        if (node is null)
        {
            return LibC.LastErrno;
        }
        var config = new LibC.loop_config { block_size = (uint)sectorSize };
        config.info.lo_flags = LibC.LO_FLAGS_PARTSCAN | LibC.LO_FLAGS_DIRECT_IO | (isReadOnly ? LibC.LO_FLAGS_READ_ONLY : 0);
        PutLabel(config.info.lo_file_name, label);
        bool added = false;
        try
        {
            file.DangerousAddRef(ref added);
            config.fd = (uint)file.DangerousGetHandle();
            if (LibC.ioctl(node, LibC.LOOP_CONFIGURE, &config) != 0)
            {
                return LibC.LastErrno;
            }
            if (!TryGetStatus(node, out LibC.loop_info64 info))
            {
                return LibC.LastErrno;
            }
            Remember(info);
            return Errno.None;
        }
        finally
        {
            if (added)
            {
                file.DangerousRelease();
            }
        }
    }

    /// <summary>
    /// Opens the device if it is still bound to the file it was attached with; somebody else may have taken it away, and its number may
    /// serve another file by now. Read-only: that is enough, and makes no device manager look at the device again.
    /// </summary>
    private SafeFileHandle? OpenOurs(out LibC.loop_info64 info)
    {
        info = default;
        SafeFileHandle? node = OpenNode(LibC.O_RDONLY);
        if (node is null)
        {
            return null;
        }
        if (TryGetStatus(node, out info) && (info.lo_device, info.lo_inode) == _backingFile)
        {
            return node;
        }
        node.Dispose();
        return null;
    }

    /// <summary>Asks what an opened device is bound to.</summary>
    /// <returns>False when it is not opened, or not bound.</returns>
    private static bool TryGetStatus(SafeFileHandle node, out LibC.loop_info64 info)
    {
        fixed (LibC.loop_info64* status = &info)
        {
            return !node.IsInvalid && LibC.ioctl(node, LibC.LOOP_GET_STATUS64, status) == 0;
        }
    }

    /// <summary>What it is bound to and how it is labelled, as the kernel keeps it.</summary>
    private void Remember(in LibC.loop_info64 info)
    {
        _backingFile = (info.lo_device, info.lo_inode);
        ReadOnlySpan<byte> label = info.lo_file_name;
        Label = TextOf(label);
    }

    /// <summary>True when a filesystem, in whatever mount namespace, or another block device has the device or a partition of it to itself.</summary>
    private bool IsHeld()
    {
        using SafeFileHandle node = LibC.ToHandle(LibC.open(NodePath, LibC.O_RDONLY | LibC.O_EXCL | LibC.O_CLOEXEC, 0));
        return node.IsInvalid && LibC.LastErrno == Errno.EBUSY;
    }

    /// <summary>Opens the device; in a container without udev or devtmpfs the kernel's node is made first.</summary>
    private SafeFileHandle? OpenNode(int flags)
    {
        SafeFileHandle node = LibC.ToHandle(LibC.open(NodePath, flags | LibC.O_CLOEXEC, 0));
        if (node.IsInvalid && LibC.LastErrno == Errno.ENOENT && BlockNode.TryCreate(NodePath, Number) == Errno.None)
        {
            node = LibC.ToHandle(LibC.open(NodePath, flags | LibC.O_CLOEXEC, 0));
        }
        return node.IsInvalid ? null : node;
    }
}
