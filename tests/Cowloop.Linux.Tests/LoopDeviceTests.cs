using Cowloop.Core;
using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

public class LoopDeviceTests
{
    [RootFact(LoopDisk.Control, "blockdev")]
    public void An_attached_file_is_a_block_device()
    {
        using var disk = new LoopDisk(lengthBytes: 5 * LoopDisk.MiB, sectorSize: 1024);
        byte[] written = [.. Enumerable.Range(0, 4096).Select(index => (byte)index)];

        using (SafeFileHandle node = OpenNode(disk))
        {
            RandomAccess.Write(node, written, 8192);
            RandomAccess.FlushToDisk(node);
        }

        Assert.Equal($"{5 * LoopDisk.MiB}\n1024\n", Shell.Run("blockdev", "--getsize64", "--getss", disk.Node).Output);
        Assert.Equal(written, File.ReadAllBytes(disk.FilePath).AsSpan(8192, 4096).ToArray());
        Assert.Equal($"loop{disk.Device.Index}", disk.Device.KernelName);
        Assert.Equal(Errno.None, FileIdentity.TryGet(disk.Node, out FileIdentity identity));
        Assert.Equal(disk.Device.Number, identity.TargetDevice);
    }

    [RootFact(LoopDisk.Control)]
    public void A_sector_size_that_the_kernel_refuses_is_an_error()
    {
        using var directory = new TempDirectory();
        using SafeFileHandle file = File.OpenHandle(directory.MakeFile("disk.img", 1 << 20), access: FileAccess.ReadWrite);

        CowloopException exception = Assert.Throws<CowloopException>(() => LoopDevice.Attach(file, 300, "test"));

        Assert.Equal(Errno.EINVAL, exception.Errno);
    }

    [RootFact(LoopDisk.Control, "sfdisk", "partx")]
    public void Partitions_have_their_place_in_bytes()
    {
        using var disk = new LoopDisk();
        Assert.Empty(disk.Device.Partitions());

        disk.Partition();

        SortedDictionary<int, LoopPartition> partitions = disk.Device.Partitions();
        Assert.Equal([1, 2], partitions.Keys);
        Assert.Equal((1L << 20, 4L << 20), (partitions[1].StartBytes, partitions[1].LengthBytes));
        Assert.Equal((5L << 20, 10L << 20), (partitions[2].StartBytes, partitions[2].LengthBytes));
        Assert.Equal(Errno.None, FileIdentity.TryGet($"{disk.Node}p2", out FileIdentity node));
        Assert.Equal(node.TargetDevice, partitions[2].Number);
    }

    [RootFact(LoopDisk.Control, "blockdev")]
    public void A_read_only_one_refuses_changes_also_of_a_file_that_can_be_written()
    {
        using var directory = new TempDirectory();
        string path = directory.MakeFile("disk.img", 1 << 20);
        using SafeFileHandle file = File.OpenHandle(path, access: FileAccess.ReadWrite);
        LoopDevice device = LoopDevice.Attach(file, 512, "test", isReadOnly: true);
        try
        {
            string node = $"/dev/{device.KernelName}";
            Assert.Equal("1", Shell.Run("blockdev", "--getro", node).Line);
            Assert.NotEqual(0, Shell.Try("dd", "if=/dev/zero", $"of={node}", "bs=4096", "count=1", "conv=fsync").ExitCode);
            Assert.Equal(1 << 20, File.ReadAllBytes(node).Length);
        }
        finally
        {
            Assert.Equal(Errno.None, device.TryDetach());
        }
    }

    [RootFact(LoopDisk.Control, "sfdisk", "partx")]
    public void A_partition_table_that_changed_behind_its_back_is_read_again()
    {
        using var disk = new LoopDisk();
        disk.Partition();
        Assert.Equal(2, disk.Device.Partitions().Count);
        using (FileStream file = File.OpenWrite(disk.FilePath))
        {
            file.Write(new byte[4096]);
            file.Flush(flushToDisk: true);
        }
        Shell.Run("blockdev", "--flushbufs", disk.Node);
        disk.Device.ReadPartitionTable();
        Assert.Empty(disk.Device.Partitions());
    }

    [RootFact(LoopDisk.Control)]
    public void Detaching_an_idle_device_frees_it()
    {
        using var disk = new LoopDisk();

        Assert.Equal(Errno.None, disk.Device.TryDetach());

        Assert.False(disk.IsBound);
        Assert.Equal(Errno.ENXIO, disk.Device.TryDetach());
    }

    [RootFact(LoopDisk.Control)]
    public void A_device_in_use_is_busy_and_stays_as_it_was()
    {
        using var disk = new LoopDisk();
        using (SafeFileHandle user = OpenNode(disk))
        {
            Assert.Equal(Errno.EBUSY, disk.Device.TryDetach());

            RandomAccess.Write(user, new byte[] { 1, 2, 3, 4 }, 0);
            RandomAccess.FlushToDisk(user);
            using SafeFileHandle second = OpenNode(disk);
            byte[] read = new byte[4];
            Assert.Equal(4, RandomAccess.Read(second, read, 0));
            Assert.Equal([1, 2, 3, 4], read);
        }
        // The kernel's lazy detach would take it away with the last close.
        Assert.Equal("0\n", File.ReadAllText($"/sys/block/{disk.Device.KernelName}/loop/autoclear"));
        Assert.True(disk.IsBound);
        Assert.Equal(Errno.None, disk.Device.TryDetach());
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4")]
    public void A_mounted_device_is_busy_and_stays_mounted()
    {
        using var disk = new LoopDisk();
        Shell.Run("mkfs.ext4", "-q", disk.Node);
        string mountPoint = disk.MakeMountPoint("mnt");
        using (Mount.Of(disk.Node, mountPoint))
        {
            Assert.Equal(Errno.EBUSY, disk.Device.TryDetach());

            File.WriteAllText($"{mountPoint}/file", "still here");
        }
        Assert.Equal(Errno.None, disk.Device.TryDetach());
    }

    [RootFact(LoopDisk.Control)]
    public void DetachOnLastClose_waits_for_the_last_user()
    {
        using var disk = new LoopDisk();
        using (OpenNode(disk))
        {
            Assert.Equal(Errno.None, disk.Device.DetachOnLastClose());
            Assert.True(disk.IsBound);
        }
        Poll.Until("the device is free", () => !disk.IsBound);
    }

    [RootFact(LoopDisk.Control)]
    public void DetachOnLastClose_frees_an_idle_device_at_once()
    {
        using var disk = new LoopDisk();

        Assert.Equal(Errno.None, disk.Device.DetachOnLastClose());

        Assert.False(disk.IsBound);
    }

    [RootFact(LoopDisk.Control)]
    public void Find_finds_bound_devices_by_their_label()
    {
        using var disk = new LoopDisk("cow-70");
        using var other = new LoopDisk("cow-7");

        LoopDevice found = Assert.Single(LoopDevice.Find(disk.FilePath, label => label == "cow-70"));

        Assert.Equal((disk.Device.Index, "cow-70"), (found.Index, found.Label));
        Assert.True(found.IsBound);
        Assert.Equal(Errno.None, found.DetachOnLastClose());
        Assert.False(found.IsBound);
        Assert.False(disk.IsBound);
        Assert.Empty(LoopDevice.Find(disk.FilePath, label => label == "cow-70"));
        Assert.True(other.IsBound);
        // Those that have other files are not even opened.
        Assert.Empty(LoopDevice.Find(disk.FilePath, label => label == "cow-7"));
    }

    [RootFact(LoopDisk.Control)]
    public void A_label_longer_than_the_kernels_field_is_cut()
    {
        string label = new('x', 100);
        using var disk = new LoopDisk(label);

        Assert.Equal(label[..63], disk.Device.Label);
        Assert.Single(LoopDevice.Find(disk.FilePath, found => found == label[..63]));
    }

    [RootFact(LoopDisk.Control, "losetup")]
    public void A_found_device_whose_number_serves_another_file_is_not_bound()
    {
        using var disk = new LoopDisk("cow-71");
        using var directory = new TempDirectory();
        LoopDevice found = Assert.Single(LoopDevice.Find(disk.FilePath, label => label == "cow-71"));
        Shell.Run("losetup", "--detach", disk.Node);
        Shell.Run("losetup", disk.Node, directory.MakeFile("foreign.img", 1 << 20));
        try
        {
            Assert.False(found.IsBound);
            Assert.Equal(Errno.ENXIO, found.DetachOnLastClose());
        }
        finally
        {
            Shell.Run("losetup", "--detach", disk.Node);
        }
    }

    /// <summary>Somebody else has detached our device, and its number serves another file now.</summary>
    [RootFact(LoopDisk.Control, "losetup")]
    public void A_number_that_serves_another_file_is_left_alone()
    {
        using var disk = new LoopDisk();
        using var directory = new TempDirectory();
        string foreign = directory.MakeFile("foreign.img", 1 << 20);
        Shell.Run("losetup", "--detach", disk.Node);
        Shell.Run("losetup", disk.Node, foreign);
        try
        {
            Assert.Equal(Errno.ENXIO, disk.Device.TryDetach());
            Assert.Equal(Errno.ENXIO, disk.Device.DetachOnLastClose());
            Assert.True(disk.IsBound);
        }
        finally
        {
            Shell.Run("losetup", "--detach", disk.Node);
        }
    }

    /// <summary>A detach that is refused must not take back one that was asked for before.</summary>
    [RootFact(LoopDisk.Control)]
    public void A_refused_detach_keeps_an_earlier_wish_for_the_last_close()
    {
        using var disk = new LoopDisk();
        using (new FileStream(disk.Node, FileMode.Open, FileAccess.Read))
        {
            Assert.Equal(Errno.None, disk.Device.DetachOnLastClose());
            Assert.Equal(Errno.EBUSY, disk.Device.TryDetach());
            Assert.True(disk.IsBound);
        }
        Assert.False(disk.IsBound);
    }

    [RootFact(LoopDisk.Control)]
    public void FindWritableUser_finds_the_device_of_a_file()
    {
        using var disk = new LoopDisk();
        FileIdentity.TryGet(disk.FilePath, out FileIdentity file);

        Assert.Equal(disk.Node, LoopDevice.FindWritableUser(file));
        Assert.Null(LoopDevice.FindWritableUser(file, new HashSet<string> { disk.Device.KernelName }));

        disk.Device.TryDetach();
        Assert.Null(LoopDevice.FindWritableUser(file));
    }

    [RootFact(LoopDisk.Control, "losetup")]
    public void FindWritableUser_ignores_a_read_only_device()
    {
        using var directory = new TempDirectory();
        string path = directory.MakeFile("disk.img", 1 << 20);
        FileIdentity.TryGet(path, out FileIdentity file);
        string node = Shell.Run("losetup", "--find", "--show", "--read-only", path).Output.TrimEnd();
        try
        {
            Assert.Null(LoopDevice.FindWritableUser(file));
        }
        finally
        {
            Shell.Run("losetup", "--detach", node);
        }
    }

    [RootFact(LoopDisk.Control, "losetup")]
    public void FindServed_tells_the_file_or_the_block_device()
    {
        using var disk = new LoopDisk();
        FileIdentity.TryGet(disk.FilePath, out FileIdentity file);
        using LoopBack above = LoopBack.Of(disk.Node);
        FileIdentity.TryGet(above.Path, out FileIdentity aboveNode);

        FileIdentity? served = LoopDevice.FindServed(disk.Device.Number);
        FileIdentity? servedAbove = LoopDevice.FindServed(aboveNode.TargetDevice);

        Assert.True(served?.IsSameAs(file));
        Assert.Equal(FileKind.Regular, served?.Kind);
        Assert.Equal((FileKind.BlockDevice, disk.Device.Number), (servedAbove?.Kind, servedAbove?.TargetDevice));
        Assert.Null(LoopDevice.FindServed(new DeviceNumber(4000, 1)));
    }

    private static SafeFileHandle OpenNode(LoopDisk disk) =>
        File.OpenHandle(disk.Node, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
}
