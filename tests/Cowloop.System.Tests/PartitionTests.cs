using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Partitioned disks: every partition has a node, which comes and goes with the partition table.</summary>
public class PartitionTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string TwoPartitions = "label: gpt\nstart=1MiB, size=4MiB\nstart=5MiB, size=4MiB\n";
    private const string OnePartition = "label: gpt\nstart=1MiB, size=4MiB\n";

    [RootFact("sfdisk", "mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void Both_partitions_of_a_gpt_image_are_mounted_and_changed()
    {
        string image = Base(Images.Gpt(Temp["disk"]));
        CowDisk disk = Attach(image);
        Assert.Equal([disk.Partition(1), disk.Partition(2)], Partitions(disk));
        using (Mount first = Mount(disk.Partition(1)))
        using (Mount second = Mount(disk.Partition(2)))
        {
            Images.MustHoldContent(first.Path);
            Images.MustHoldContent(second.Path);
            File.WriteAllText(first["which"], "first\n");
            File.WriteAllText(second["which"], "second\n");
        }
        Service.Detach(disk);

        disk = Attach(image);
        foreach ((int number, string name) in new[] { (1, "first"), (2, "second") })
        {
            Shell.Run("fsck.ext4", "-f", "-n", disk.Partition(number));
            using Mount mount = Mount(disk.Partition(number));
            Assert.Equal($"{name}\n", File.ReadAllText(mount["which"]));
            Images.MustHoldContent(mount.Path);
        }
    }

    [RootFact("sfdisk")]
    public void Repartitioning_a_running_device_adds_and_removes_nodes()
    {
        CowDisk disk = Attach(Base(Images.Allocate(Temp["disk"], 16)));
        Assert.Empty(Partitions(disk));

        Images.Partition(disk.Path, TwoPartitions);
        Poll.Until("two partitions", () => Partitions(disk).Count == 2 && File.Exists(disk.Partition(1)) && File.Exists(disk.Partition(2)));
        Assert.Equal(4 * 1024 * 1024, BlockIo.SizeOf(disk.Partition(2)));
        BlockIo.Write(disk.Partition(2), 0, Data.Fill(0x5A, 4096));
        Assert.Equal(Data.Fill(0x5A, 4096), BlockIo.Read(disk.Path, 5 * 1024 * 1024, 4096));

        Images.Partition(disk.Path, OnePartition);
        Poll.Until("one partition", () => Partitions(disk).Count == 1 && !File.Exists(disk.Partition(2)));

        Shell.Run("sfdisk", "--quiet", "--delete", disk.Path);
        Poll.Until("no partition", () => Partitions(disk).Count == 0 && !File.Exists(disk.Partition(1)));
    }

    [RootFact("sfdisk", "mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void A_partition_is_the_base_of_another_device()
    {
        CowDisk disk = Attach(Base(Images.Gpt(Temp["disk"])), "lower.cow");
        CowDisk upper = Attach(disk.Partition(2), "upper.cow");
        Assert.Equal(16 * 1024 * 1024, BlockIo.SizeOf(upper.Path));
        using (Mount mount = Mount(upper.Path))
        {
            Images.MustHoldContent(mount.Path);
            File.WriteAllText(mount["greeting"], "from above\n");
        }
        Shell.Run("fsck.ext4", "-f", "-n", upper.Path);
        Service.Cowdev("-d", disk.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", $"cowdevice {upper.Number}");
        Service.Detach(upper);

        using Mount lower = Mount(disk.Partition(2));
        Images.MustHoldContent(lower.Path);
    }

    [RootFact("sfdisk", "mkfs.ext4", "fs:ext4")]
    public void A_mounted_partition_keeps_its_disk_active()
    {
        CowDisk disk = Attach(Base(Images.Gpt(Temp["disk"])));
        using (Mount mount = Mount(disk.Partition(1)))
        {
            Service.Cowdev("-d", disk.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", mount.Path);
            Images.MustHoldContent(mount.Path);
        }
        Service.Detach(disk);
    }

    private List<string> Partitions(CowDisk disk) =>
        [.. Service.Status(disk).GetProperty("partitions").EnumerateArray().Select(node => node.GetString()!)];
}
