using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>
/// What the content of a file or block device goes through on its way to the disks: the block devices below its filesystem, and the files that loop
/// devices among them serve. What can't be followed, such as a filesystem of another machine, ends the way.
/// </summary>
public sealed class StorageStack
{
    private readonly IReadOnlyList<MountEntry> _mounts = Mounts.List();
    private readonly HashSet<DeviceNumber> _devices = [];
    private readonly List<FileIdentity> _files = [];

    private StorageStack()
    {
    }

    /// <summary>The block devices, disks with their partitions.</summary>
    public IReadOnlySet<DeviceNumber> Devices => _devices;

    /// <summary>Looks below a file, or below the directory of one that is to come; below nothing when there is neither.</summary>
    public static StorageStack Below(string path)
    {
        using SafeFileHandle found = Find(path);
        using SafeFileHandle? directory = found.IsInvalid ? Find(Path.GetDirectoryName(path) ?? path) : null;
        SafeFileHandle handle = directory ?? found;
        return handle.IsInvalid
            ? new StorageStack()
            : Below(FileIdentity.Of(handle, path), PosixFile.ReadLink($"/proc/self/fd/{handle.DangerousGetHandle()}") ?? path);
    }

    /// <summary>Looks below a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Its path, for filesystems that have no device of their number.</param>
    public static StorageStack Below(FileIdentity file, string path)
    {
        var stack = new StorageStack();
        if (file.Kind == FileKind.BlockDevice)
        {
            stack.AddDevice(file.TargetDevice);
        }
        else
        {
            stack.AddFilesystemOf(file, path);
        }
        return stack;
    }

    /// <summary>True when the content goes through this file or block device.</summary>
    public bool GoesThrough(FileIdentity other) => other.Kind == FileKind.BlockDevice
        ? _devices.Contains(other.TargetDevice)
        : _files.Exists(file => file.IsSameAs(other));

    /// <summary>Opens a path only to look at it: whatever is there.</summary>
    private static SafeFileHandle Find(string path) => LibC.ToHandle(LibC.open(path, LibC.O_PATH | LibC.O_CLOEXEC, 0));

    private void AddFilesystemOf(FileIdentity file, string path)
    {
        if (file.Device.Major != 0)
        {
            AddDevice(file.Device);
            return;
        }
        // A filesystem that has no device of its own number: in one or more that its mount tells.
        MountEntry? mount = _mounts.LastOrDefault(entry => entry.Device == file.Device) ?? FindMount(FileIdentity.MountIdOf(path));
        if (mount is not null && BlockNode.TargetOfListed(mount.Source) is DeviceNumber source)
        {
            foreach (DeviceNumber member in MembersOf(source, mount.FileSystemType))
            {
                AddDevice(member);
            }
        }
    }

    private MountEntry? FindMount(ulong id) => _mounts.FirstOrDefault(entry => entry.Id == id);

    private void AddDevice(DeviceNumber number)
    {
        if (!_devices.Add(number))
        {
            return;
        }
        string directory = $"/sys/dev/block/{number}";
        if (File.Exists($"{directory}/partition"))
        {
            // The kernel's directory of a partition lies in its disk's.
            string place = Path.GetFullPath(KernelText.TargetOf(directory), "/sys/dev/block");
            AddDeviceAt(Path.GetDirectoryName(place)!);
        }
        foreach (string below in KernelText.EntriesOf($"{directory}/slaves"))
        {
            AddDeviceAt(below);
        }
        string served = KernelText.ReadOrEmpty($"{directory}/loop/backing_file");
        if (served.Length > 0 && LoopDevice.FindServed(number) is FileIdentity file)
        {
            if (file.Kind == FileKind.BlockDevice)
            {
                AddDevice(file.TargetDevice);
            }
            else
            {
                _files.Add(file);
                AddFilesystemOf(file, served);
            }
        }
    }

    private void AddDeviceAt(string directory)
    {
        if (DeviceNumber.TryParse(KernelText.ReadOrEmpty($"{directory}/dev"), out DeviceNumber number))
        {
            AddDevice(number);
        }
    }

    /// <summary>The devices of a filesystem that may be on several.</summary>
    private static IEnumerable<DeviceNumber> MembersOf(DeviceNumber device, string fileSystemType)
    {
        yield return device;
        if (fileSystemType != "btrfs")
        {
            yield break;
        }
        string name = Path.GetFileName(KernelText.TargetOf($"/sys/dev/block/{device}"));
        foreach (string filesystem in KernelText.EntriesOf("/sys/fs/btrfs"))
        {
            string[] members = KernelText.EntriesOf($"{filesystem}/devices");
            if (!members.Any(member => Path.GetFileName(member) == name))
            {
                continue;
            }
            foreach (string member in members)
            {
                if (DeviceNumber.TryParse(KernelText.ReadOrEmpty($"{member}/dev"), out DeviceNumber number))
                {
                    yield return number;
                }
            }
        }
    }
}
