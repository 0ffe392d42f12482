using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class BackingDisksTests
{
    [RootFact(LoopDisk.Control, "mkfs.ext4", "fs:ext4")]
    public void A_file_needs_the_device_of_its_filesystem_and_what_that_lies_on()
    {
        using var disk = new LoopDisk();
        Shell.Run("mkfs.ext4", "-q", disk.Node);
        using var mounted = Mount.Of(disk.Node, disk.MakeMountPoint("mnt"));
        File.WriteAllText(mounted["file"], "text");

        IReadOnlySet<DeviceNumber> disks = BackingDisks.Of(mounted["file"]);

        Assert.Contains(disk.Device.Number, disks);
        Assert.Superset(BackingDisks.Of(disk.FilePath).ToHashSet(), disks.ToHashSet());
        Assert.DoesNotContain(disk.Device.Number, BackingDisks.Of(disk.FilePath));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4", "fs:ext4", "sfdisk", "partx")]
    public void A_partition_needs_its_disk()
    {
        using var disk = new LoopDisk();
        disk.Partition();
        Shell.Run("mkfs.ext4", "-q", $"{disk.Node}p2");
        using var mounted = Mount.Of($"{disk.Node}p2", disk.MakeMountPoint("mnt"));

        IReadOnlySet<DeviceNumber> disks = BackingDisks.Of(mounted.Path);

        Assert.Contains(disk.Device.Number, disks);
        Assert.Contains(disk.Device.Partitions()[2].Number, disks);
        Assert.DoesNotContain(disk.Device.Partitions()[1].Number, disks);
    }

    [RootFact(LoopDisk.Control, "mkfs.btrfs", "fs:btrfs")]
    public void A_filesystem_with_a_device_number_of_its_own_is_found_by_its_source()
    {
        using var disk = new LoopDisk(lengthBytes: 128 * LoopDisk.MiB);
        Shell.Run("mkfs.btrfs", "-q", disk.Node);
        using var mounted = Mount.Of(disk.Node, disk.MakeMountPoint("mnt"));
        Shell.Run("btrfs", "subvolume", "create", mounted["sub"]);

        Assert.Contains(disk.Device.Number, BackingDisks.Of(mounted["sub"]));
    }

    [RootFact(LoopDisk.Control)]
    public void A_block_device_needs_itself()
    {
        using var disk = new LoopDisk();

        Assert.Contains(disk.Device.Number, BackingDisks.Of(disk.Node));
    }

    [RootFact]
    public void A_file_in_memory_needs_none_and_neither_does_a_missing_one()
    {
        using var directory = new TempDirectory();
        using var memory = Mount.Of("tmpfs", directory["mnt"], "-t", "tmpfs", "-o", "size=1m");

        Assert.Empty(BackingDisks.Of(memory.Path));
        Assert.Empty(BackingDisks.Of(directory["missing"]));
    }
}
