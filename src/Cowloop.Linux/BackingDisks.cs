namespace Cowloop.Linux;

/// <summary>
/// Which block devices a file needs: the one that its filesystem is on, and all below that, through partitions, device mapper and loop
/// devices. For what is asked rarely; it looks at sysfs and the list of mounts.
/// </summary>
public static class BackingDisks
{
    /// <summary>Finds them.</summary>
    /// <param name="path">A file, directory or block device.</param>
    /// <returns>Disks and partitions; empty when there are none, as for a file in memory, or when they can't be found.</returns>
    public static IReadOnlySet<DeviceNumber> Of(string path)
    {
        var disks = new HashSet<DeviceNumber>();
        AddBelow(path, disks);
        return disks;
    }

    private static void AddBelow(string path, HashSet<DeviceNumber> disks)
    {
        if (BlockNode.TargetOf(path) is DeviceNumber device)
        {
            Add(device, disks);
        }
        else if (FileIdentity.MountIdOf(path) is ulong id and not 0 && Mounts.List().FirstOrDefault(mount => mount.Id == id) is MountEntry mount)
        {
            Add(mount.Disk, disks);
        }
    }

    private static void Add(DeviceNumber number, HashSet<DeviceNumber> disks)
    {
        string directory = $"/sys/dev/block/{number}";
        string target = KernelText.TargetOf(directory);
        if (target.Length == 0 || !disks.Add(number))
        {
            return;
        }
        if (File.Exists($"{directory}/partition"))
        {
            // The link leads to .../DISK/PARTITION.
            AddByText(Path.GetFullPath($"{target}/../dev", "/sys/dev/block"), disks);
        }
        foreach (string slave in KernelText.EntriesOf($"{directory}/slaves"))
        {
            AddByText($"{slave}/dev", disks);
        }
        string backingFile = KernelText.ReadOrEmpty($"{directory}/loop/backing_file");
        if (backingFile.Length > 0)
        {
            AddBelow(backingFile, disks);
        }
    }

    private static void AddByText(string path, HashSet<DeviceNumber> disks)
    {
        if (DeviceNumber.TryParse(KernelText.ReadOrEmpty(path), out DeviceNumber number))
        {
            Add(number, disks);
        }
    }
}
