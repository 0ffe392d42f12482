using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class StorageStackTests
{
    private static readonly DeviceNumber Foreign = new(4000, 1);

    [Fact]
    public void Below_a_file_are_the_devices_of_its_filesystem()
    {
        FileIdentity.TryGet("/", out FileIdentity root);

        var stack = StorageStack.Below(root with { Device = Foreign }, "/");

        Assert.Equal([Foreign], stack.Devices);
        Assert.True(stack.GoesThrough(new FileIdentity(FileKind.BlockDevice, default, 0, Foreign)));
        Assert.False(stack.GoesThrough(new FileIdentity(FileKind.BlockDevice, default, 0, Foreign with { Minor = 2 })));
        Assert.False(stack.GoesThrough(root));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4")]
    public void Below_a_loop_device_are_its_file_and_what_is_below_that()
    {
        using var outer = new LoopDisk(lengthBytes: 64 * LoopDisk.MiB);
        using Mount outerMount = MountExt4(outer, outer.Node);
        string image = outerMount["image"];
        MakeImage(image);
        using LoopBack inner = LoopBack.Of(image);
        using Mount innerMount = MountExt4(outer, inner.Path);
        FileIdentity.TryGet(image, out FileIdentity imageIdentity);
        FileIdentity.TryGet(outer.FilePath, out FileIdentity outerIdentity);
        File.WriteAllText(innerMount["file"], "");

        var stack = StorageStack.Below(innerMount["file"]);

        Assert.Contains(NumberOf(inner.Path), stack.Devices);
        Assert.Contains(outer.Device.Number, stack.Devices);
        Assert.True(stack.GoesThrough(imageIdentity));
        Assert.True(stack.GoesThrough(outerIdentity));
        Assert.False(StorageStack.Below(image).GoesThrough(imageIdentity));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4")]
    public void A_file_that_is_to_come_lies_where_its_directory_does()
    {
        using var disk = new LoopDisk();
        using Mount mount = MountExt4(disk, disk.Node);
        string link = disk.MakeMountPoint("links") + "/link";
        File.CreateSymbolicLink(link, mount.Path);

        Assert.Contains(disk.Device.Number, StorageStack.Below(mount["missing"]).Devices);
        Assert.Contains(disk.Device.Number, StorageStack.Below($"{link}/missing").Devices);
        Assert.Empty(StorageStack.Below(mount["missing/missing"]).Devices);
    }

    [RootFact(LoopDisk.Control, "sfdisk", "partx", "mkfs.ext4")]
    public void Below_a_partition_is_its_disk_and_no_other_partition()
    {
        using var disk = new LoopDisk();
        disk.Partition();
        using Mount mount = MountExt4(disk, $"{disk.Node}p2");

        var stack = StorageStack.Below(mount.Path);

        Assert.Contains(disk.Device.Number, stack.Devices);
        Assert.Contains(disk.Device.Partitions()[2].Number, stack.Devices);
        Assert.DoesNotContain(disk.Device.Partitions()[1].Number, stack.Devices);
    }

    [RootFact(LoopDisk.Control, "losetup", "mkfs.ext4")]
    public void A_loop_device_on_a_block_device_is_followed()
    {
        using var disk = new LoopDisk();
        using LoopBack second = LoopBack.Of(disk.Node);
        using Mount mount = MountExt4(disk, second.Path);

        Assert.Contains(disk.Device.Number, StorageStack.Below(mount.Path).Devices);
    }

    [RootFact(LoopDisk.Control, "dmsetup", "/dev/mapper/control")]
    public void Below_a_mapped_device_is_the_disk_that_it_is_on()
    {
        using var disk = new LoopDisk();
        string name = $"cowloop-test-{Guid.NewGuid():N}";
        Shell.Run("dmsetup", "create", name, "--noudevsync", "--table", $"0 2048 linear {disk.Node} 0");
        try
        {
            string number = Shell.Run("dmsetup", "info", "--columns", "--noheadings", "--separator", ":", "-o", "major,minor", name).Line;
            Assert.True(DeviceNumber.TryParse(number, out DeviceNumber mapped));
            FileIdentity.TryGet("/", out FileIdentity root);

            Assert.Contains(disk.Device.Number, StorageStack.Below(root with { Device = mapped }, "/").Devices);
        }
        finally
        {
            Shell.Run("dmsetup", "remove", "--noudevsync", name);
        }
    }

    /// <summary>Its files have a device number that no block device has, and in a subvolume another one than its mount.</summary>
    [RootFact(LoopDisk.Control, "mkfs.btrfs", "btrfs", "fs:btrfs")]
    public void All_devices_of_a_btrfs_are_below_it()
    {
        using var first = new LoopDisk(lengthBytes: 128 * LoopDisk.MiB);
        using var second = new LoopDisk(lengthBytes: 128 * LoopDisk.MiB);
        Shell.Run("mkfs.btrfs", "-q", first.Node, second.Node);
        using var mount = Mount.Of(first.Node, first.MakeMountPoint("mnt"));
        Shell.Run("btrfs", "subvolume", "create", mount["sub"]);
        File.WriteAllText(mount["sub/file"], "");

        var stack = StorageStack.Below(mount["sub/file"]);

        Assert.Contains(first.Device.Number, stack.Devices);
        Assert.Contains(second.Device.Number, stack.Devices);
    }

    [RootFact(LoopDisk.Control)]
    public void A_block_device_is_below_itself_wherever_its_node_lies()
    {
        using var disk = new LoopDisk();

        Assert.Contains(disk.Device.Number, StorageStack.Below(disk.Node).Devices);
    }

    [RootFact]
    public void Nothing_is_known_below_a_filesystem_in_memory()
    {
        using var directory = new TempDirectory();
        using var mount = Mount.Of("tmpfs", directory["mnt"], "-t", "tmpfs", "-o", "size=1m");

        Assert.Empty(StorageStack.Below(mount.Path).Devices);
    }

    private static Mount MountExt4(LoopDisk owner, string node)
    {
        Shell.Run("mkfs.ext4", "-q", node);
        return Mount.Of(node, owner.MakeMountPoint($"mnt-{Path.GetFileName(node)}"));
    }

    private static void MakeImage(string path)
    {
        using FileStream file = File.Create(path);
        file.SetLength(16 * LoopDisk.MiB);
    }

    private static DeviceNumber NumberOf(string node) => BlockNode.TargetOf(node) ?? throw new ArgumentException(node);
}
