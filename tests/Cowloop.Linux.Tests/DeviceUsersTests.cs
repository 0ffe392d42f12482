using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

public class DeviceUsersTests
{
    [RootFact(LoopDisk.Control)]
    public void Nobody_uses_an_idle_device()
    {
        using var disk = new LoopDisk();

        var users = new DeviceUsers("/dev/cow");

        Assert.Null(users.Describe(disk.Device.Number));
        Assert.Null(users.FindWriter(disk.Device.Number));
        Assert.Equal(0, users.CountOpens(disk.Device.Number));
        Assert.False(users.IsHeld(disk.Device.Number));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4")]
    public void A_mount_for_writing_is_named()
    {
        using var disk = new LoopDisk();
        Shell.Run("mkfs.ext4", "-q", disk.Node);
        string mountPoint = disk.MakeMountPoint("mnt");
        using var mounted = Mount.Of(disk.Node, mountPoint);

        var users = new DeviceUsers("/dev/cow");

        Assert.Equal($"mounted read-write on {mountPoint}", users.Describe(disk.Device.Number));
        Assert.Equal($"mounted read-write on {mountPoint}", users.FindWriter(disk.Device.Number));
        Assert.Equal(1, users.CountOpens(disk.Device.Number));
        Assert.True(users.IsHeld(disk.Device.Number));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4")]
    public void A_read_only_mount_holds_but_does_not_write()
    {
        using var disk = new LoopDisk();
        Shell.Run("mkfs.ext4", "-q", disk.Node);
        string mountPoint = disk.MakeMountPoint("mnt");
        using var mounted = Mount.Of(disk.Node, mountPoint, "-o", "ro");

        var users = new DeviceUsers("/dev/cow");

        Assert.Equal($"mounted read-only on {mountPoint}", users.Describe(disk.Device.Number));
        Assert.Null(users.FindWriter(disk.Device.Number));
        Assert.True(users.IsHeld(disk.Device.Number));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4")]
    public void A_read_only_view_of_a_writable_mount_is_a_writer()
    {
        using var disk = new LoopDisk();
        Shell.Run("mkfs.ext4", "-q", disk.Node);
        using var mounted = Mount.Of(disk.Node, disk.MakeMountPoint("mnt"));
        using var view = Mount.Of(disk.MakeMountPoint("mnt"), disk.MakeMountPoint("view"), "--bind", "-o", "ro");

        var users = new DeviceUsers("/dev/cow");

        Assert.NotNull(users.FindWriter(disk.Device.Number));
        Assert.Equal(2, users.CountOpens(disk.Device.Number));
    }

    [RootFact(LoopDisk.Control, "losetup")]
    public void A_loop_device_on_top_holds_and_writes_unless_it_is_read_only()
    {
        using var disk = new LoopDisk();
        using (LoopBack loop = LoopBack.Of(disk.Node))
        {
            var users = new DeviceUsers("/dev/cow");
            Assert.Equal($"bound to the writable loop device {loop.Path}", users.FindWriter(disk.Device.Number));
            Assert.Equal(1, users.CountOpens(disk.Device.Number));
            Assert.True(users.IsHeld(disk.Device.Number));
        }
        using (LoopBack loop = LoopBack.ReadOnly(disk.Node))
        {
            var users = new DeviceUsers("/dev/cow");
            Assert.Null(users.FindWriter(disk.Device.Number));
            Assert.Equal($"bound to the loop device {loop.Path}", users.Describe(disk.Device.Number));
        }
    }

    [RootFact(LoopDisk.Control)]
    public void An_open_descriptor_is_named_and_does_not_hold()
    {
        using var disk = new LoopDisk();
        using SafeFileHandle open = File.OpenHandle(disk.Node, share: FileShare.ReadWrite);

        var users = new DeviceUsers("/dev/cow");

        Assert.StartsWith($"open in process {Environment.ProcessId} (", users.Describe(disk.Device.Number), StringComparison.Ordinal);
        Assert.Equal(1, users.CountOpens(disk.Device.Number));
        Assert.Null(users.FindWriter(disk.Device.Number));
        Assert.False(users.IsHeld(disk.Device.Number));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4", "sfdisk", "partx")]
    public void A_mounted_partition_is_a_use_of_its_disk()
    {
        using var disk = new LoopDisk();
        disk.Partition();
        Shell.Run("mkfs.ext4", "-q", $"{disk.Node}p2");
        string mountPoint = disk.MakeMountPoint("mnt");
        using var mounted = Mount.Of($"{disk.Node}p2", mountPoint);
        using SafeFileHandle open = File.OpenHandle($"{disk.Node}p1", share: FileShare.ReadWrite);

        var users = new DeviceUsers("/dev/cow");

        Assert.Equal($"mounted read-write on {mountPoint}", users.FindWriter(disk.Device.Number));
        Assert.Equal(2, users.CountOpens(disk.Device.Number));
        Assert.True(users.IsHeld(disk.Device.Number));
        Assert.Equal(
            [(disk.Device.Partitions()[2].Number, mountPoint), (disk.Device.Partitions()[1].Number, null)],
            users.UsesOf(disk.Device.Number).Select(use => (use.Device, use.Mount?.MountPoint)));
        Assert.Equal(1, users.CountOpens(disk.Device.Partitions()[1].Number));
        Assert.False(users.IsHeld(disk.Device.Partitions()[1].Number));
    }

    [RootFact(LoopDisk.Control, "mkfs.btrfs")]
    public void A_filesystem_with_a_device_number_of_its_own_is_found_by_its_source()
    {
        using var disk = new LoopDisk(lengthBytes: 128 * LoopDisk.MiB);
        Shell.Run("mkfs.btrfs", "-q", disk.Node);
        string mountPoint = disk.MakeMountPoint("mnt");
        using var mounted = Mount.Of(disk.Node, mountPoint);
        Assert.Equal(0u, Assert.Single(Mounts.List(), entry => entry.MountPoint == mountPoint).Device.Major);

        Assert.Equal($"mounted read-write on {mountPoint}", new DeviceUsers("/dev/cow").FindWriter(disk.Device.Number));
    }

    [RootFact(LoopDisk.Control, "mkswap", "swapon", "swapoff")]
    public void Swap_space_is_a_writer()
    {
        using var disk = new LoopDisk();
        Shell.Run("mkswap", disk.Node);
        Shell.Run("swapon", disk.Node);
        try
        {
            var users = new DeviceUsers("/dev/cow");
            Assert.Equal("in use as swap space", users.FindWriter(disk.Device.Number));
            Assert.True(users.IsHeld(disk.Device.Number));
        }
        finally
        {
            Shell.Run("swapoff", disk.Node);
        }
    }

    [Fact]
    public void A_device_that_does_not_exist_has_no_users() =>
        Assert.Equal(0, new DeviceUsers("/dev/cow").CountOpens(new DeviceNumber(4000, 1)));
}
