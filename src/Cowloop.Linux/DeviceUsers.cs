namespace Cowloop.Linux;

/// <summary>Something that keeps a block device open.</summary>
/// <param name="Text">What it is, for messages: <c>mounted read-write on /mnt</c>.</param>
/// <param name="Device">The disk or the partition that it uses.</param>
/// <param name="Mount">The mount when it is one.</param>
public sealed record DeviceUse(string Text, DeviceNumber Device, MountEntry? Mount = null);

/// <summary>
/// Who uses block devices: mounts, kernel holders, swap and open descriptors, as they were when it was made; one look
/// serves any number of devices. For people and their messages, never for the data path.
/// </summary>
public sealed class DeviceUsers
{
    private readonly ILookup<DeviceNumber, MountEntry> _mounts;
    private readonly HashSet<DeviceNumber> _swaps;
    private readonly Lazy<ILookup<DeviceNumber, LoopUser>> _loops;
    private readonly Lazy<ILookup<DeviceNumber, string>> _openers;

    /// <summary>Looks at the mounts now; at the processes only if they are asked about.</summary>
    /// <param name="nodeDirectory">Where there are block nodes besides /dev.</param>
    public DeviceUsers(string nodeDirectory)
        : this(new DeviceOpeners(nodeDirectory))
    {
    }

    /// <summary>The same, for one who looks often.</summary>
    /// <param name="openers">Looks at the processes.</param>
    public DeviceUsers(DeviceOpeners openers)
    {
        ArgumentNullException.ThrowIfNull(openers);
        _loops = new(() => LoopDevice.UsersOfNodes(openers.NodeDirectories));
        _openers = new(openers.Find);
        _mounts = Mounts.List().ToLookup(mount => mount.Disk);
        _swaps = [.. KernelText.ReadOrEmpty("/proc/swaps").Split('\n').Select(line => BlockNode.TargetOfListed(line.Split(' ')[0])).OfType<DeviceNumber>()];
    }

    /// <summary>
    /// Says what keeps a block device or one of its partitions in use for writing, or null: a filesystem mounted
    /// read-write, a kernel device on top, a writable loop device, or swap.
    /// </summary>
    public string? FindWriter(DeviceNumber device) =>
        WithPartitions(device).SelectMany(number => KernelUses(number, includeReadOnly: false)).FirstOrDefault()?.Text;

    /// <summary>Says what keeps a block device or one of its partitions open, or null when nothing that can be named does.</summary>
    public string? Describe(DeviceNumber device) => UsesOf(device).FirstOrDefault()?.Text;

    /// <summary>Number of opens that can be found, of the disk and its partitions.</summary>
    public int CountOpens(DeviceNumber device) => UsesOf(device).Count();

    /// <summary>All that keeps a block device or one of its partitions open, as far as it can be found.</summary>
    public IEnumerable<DeviceUse> UsesOf(DeviceNumber device)
    {
        DeviceNumber[] numbers = [.. WithPartitions(device)];
        return numbers.SelectMany(number => KernelUses(number, includeReadOnly: true))
            .Concat(numbers.SelectMany(number => _openers.Value[number].Select(opener => new DeviceUse(opener, number))));
    }

    /// <summary>True when the disk or one of its partitions is mounted, held or swapped on, which does not pass by itself.</summary>
    public bool IsHeld(DeviceNumber device) => DescribeHolder(device) is not null;

    /// <summary>Says what mounts, holds or swaps on a block device or one of its partitions, also read-only; or null.</summary>
    public string? DescribeHolder(DeviceNumber device) =>
        WithPartitions(device).SelectMany(number => KernelUses(number, includeReadOnly: true)).FirstOrDefault()?.Text;

    private IEnumerable<DeviceUse> KernelUses(DeviceNumber number, bool includeReadOnly)
    {
        foreach (MountEntry mount in _mounts[number])
        {
            if (includeReadOnly || !mount.IsReadOnly)
            {
                yield return new DeviceUse($"mounted {(mount.IsReadOnly ? "read-only" : "read-write")} on {mount.MountPoint}", number, mount);
            }
        }
        foreach (string holder in KernelText.EntriesOf($"/sys/dev/block/{number}/holders"))
        {
            yield return new DeviceUse($"held by /dev/{Path.GetFileName(holder)}", number);
        }
        foreach (LoopUser loop in _loops.Value[number])
        {
            if (includeReadOnly || !loop.IsReadOnly)
            {
                yield return new DeviceUse($"bound to the {(loop.IsReadOnly ? "" : "writable ")}loop device {loop.NodePath}", number);
            }
        }
        if (_swaps.Contains(number))
        {
            yield return new DeviceUse("in use as swap space", number);
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
}
