using System.Globalization;
using Cowloop.Core;

namespace Cowloop.Linux;

/// <summary>
/// Who uses block devices: mounts, kernel holders, swap and open descriptors, as they were when it was made; one look
/// serves any number of devices. For people and their messages, never for the data path.
/// </summary>
public sealed class DeviceUsers
{
    private readonly ILookup<DeviceNumber, MountEntry> _mounts;
    private readonly HashSet<DeviceNumber> _swaps;
    private readonly Lazy<ILookup<DeviceNumber, string>> _openers;

    /// <summary>Looks at the mounts now; at the processes only if they are asked about.</summary>
    /// <param name="nodeDirectory">Where there are block nodes besides /dev.</param>
    public DeviceUsers(string nodeDirectory)
    {
        _openers = new(() => FindOpeners(["/dev/", $"{nodeDirectory}/"]));
        _mounts = Mounts.List().ToLookup(DiskOf);
        _swaps = [.. KernelText.ReadOrEmpty("/proc/swaps").Split('\n').Select(line => NodeTarget(line.Split(' ')[0])).OfType<DeviceNumber>()];
    }

    /// <summary>
    /// Says what keeps a block device or one of its partitions in use for writing, or null: a filesystem mounted
    /// read-write, a kernel device on top, or swap.
    /// </summary>
    public string? FindWriter(DeviceNumber device) =>
        WithPartitions(device).SelectMany(number => KernelUsers(number, includeReadOnly: false)).FirstOrDefault();

    /// <summary>Says what keeps a block device or one of its partitions open, or null when nothing that can be named does.</summary>
    public string? Describe(DeviceNumber device) => AllUsers(device).FirstOrDefault();

    /// <summary>Number of opens that can be found, of the disk and its partitions.</summary>
    public int CountOpens(DeviceNumber device) => AllUsers(device).Count();

    /// <summary>True when the disk or one of its partitions is mounted, held or swapped on, which does not pass by itself.</summary>
    public bool IsHeld(DeviceNumber device) => DescribeHolder(device) is not null;

    /// <summary>Says what mounts, holds or swaps on a block device or one of its partitions, also read-only; or null.</summary>
    public string? DescribeHolder(DeviceNumber device) =>
        WithPartitions(device).SelectMany(number => KernelUsers(number, includeReadOnly: true)).FirstOrDefault();

    private IEnumerable<string> AllUsers(DeviceNumber device)
    {
        DeviceNumber[] numbers = [.. WithPartitions(device)];
        return numbers.SelectMany(number => KernelUsers(number, includeReadOnly: true))
            .Concat(numbers.SelectMany(number => _openers.Value[number]));
    }

    private IEnumerable<string> KernelUsers(DeviceNumber number, bool includeReadOnly)
    {
        foreach (MountEntry mount in _mounts[number])
        {
            if (includeReadOnly || !mount.IsReadOnly)
            {
                yield return $"mounted {(mount.IsReadOnly ? "read-only" : "read-write")} on {mount.MountPoint}";
            }
        }
        foreach (string holder in KernelText.EntriesOf($"/sys/dev/block/{number}/holders"))
        {
            yield return $"held by /dev/{Path.GetFileName(holder)}";
        }
        if (_swaps.Contains(number))
        {
            yield return "in use as swap space";
        }
    }

    private static IEnumerable<DeviceNumber> WithPartitions(DeviceNumber device)
    {
        yield return device;
        foreach (string child in KernelText.EntriesOf($"/sys/dev/block/{device}"))
        {
            if (File.Exists($"{child}/partition") && DeviceNumber.TryParse(KernelText.ReadOrEmpty($"{child}/dev"), out DeviceNumber partition))
            {
                yield return partition;
            }
        }
    }

    /// <summary>The disk that is mounted. btrfs and others have a number of their own: there the source's node tells.</summary>
    private static DeviceNumber DiskOf(MountEntry mount) =>
        mount.Device.Major != 0 ? mount.Device : NodeTarget(mount.Source) ?? mount.Device;

    private static DeviceNumber? NodeTarget(string path) =>
        path.StartsWith('/')
        && FileIdentity.TryGet(path, out FileIdentity identity) == Errno.None
        && identity.Kind == FileKind.BlockDevice
            ? identity.TargetDevice
            : null;

    private static ILookup<DeviceNumber, string> FindOpeners(string[] directories)
    {
        var openers = new List<(DeviceNumber Device, string User)>();
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int id))
            {
                continue;
            }
            foreach (string descriptor in KernelText.EntriesOf($"{process}/fd"))
            {
                // Only names of nodes are worth a look at the file behind them: elsewhere it could be one that does not answer.
                string target = KernelText.TargetOf(descriptor);
                if (directories.Any(directory => target.StartsWith(directory, StringComparison.Ordinal)) && NodeTarget(descriptor) is DeviceNumber device)
                {
                    openers.Add((device, $"open in process {id} ({KernelText.ReadOrEmpty($"{process}/comm")})"));
                }
            }
        }
        return openers.ToLookup(opener => opener.Device, opener => opener.User);
    }
}
