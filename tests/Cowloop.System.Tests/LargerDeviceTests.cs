using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Devices that are larger than their base.</summary>
public class LargerDeviceTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    private const int ImageLength = 1024 * 1024;
    private const int DeviceLength = 3 * ImageLength;

    [RootFact]
    public void Behind_the_base_there_are_zeros_that_can_be_written_to()
    {
        string image = NumbersBase();
        byte[] expected = [.. File.ReadAllBytes(image), .. new byte[DeviceLength - ImageLength]];
        CowDisk disk = AttachWith(image, Temp["my.cow"], "--size", "3M");
        MustShow(expected, disk);
        Write(disk, expected, ImageLength - 4096, Data.Random(1, 65_536));
        Write(disk, expected, DeviceLength - 512, Data.Random(2, 512));
        MustShow(expected, disk);
        Service.Detach(disk);
        Assert.Matches(@"header-version: +2\n", Service.Run("cowlist", disk.Cowfile).MustSucceed().Output);
        Assert.Empty(CowfileRest.Problems(disk.Cowfile, image));

        // The cowfile knows the size.
        disk = Attach(image, "my.cow");
        MustShow(expected, disk);
        Service.Detach(disk);
        MustShow(expected, AttachWith(image, Temp["my.cow"], "--size", "3M"));
    }

    /// <summary>A base need not end at the end of a block; the rest of that block is not part of a device as large as the base.</summary>
    [RootFact]
    public void A_part_of_a_block_at_the_end_of_the_base_is_seen()
    {
        string image = Base(Data.RandomFile(Temp["image"], 1, 10_240 + 512));
        byte[] expected = [.. File.ReadAllBytes(image), .. new byte[20_480 - 10_240 - 512]];
        CowDisk disk = AttachWith(image, Temp["my.cow"], "--size", "20K");
        MustShow(expected, disk);
        Write(disk, expected, 10_752, Data.Random(2, 512));
        MustShow(expected, disk);
    }

    [RootFact("mkfs.ext4", "fs:ext4", "resize2fs")]
    public void A_filesystem_can_be_made_larger()
    {
        string image = Base(Images.Ext4(Temp["image"], sizeMiB: 16));
        CowDisk disk = AttachWith(image, Temp["my.cow"], "--size", "64M");
        Shell.Run("e2fsck", "-fp", disk.Path);
        Shell.Run("resize2fs", disk.Path);
        using (Mount mount = Mount(disk.Path))
        {
            Data.RandomFile(mount["large"], 3, 40 << 20);
            Images.MustHoldContent(mount.Path);
        }
        Shell.Run("e2fsck", "-fn", disk.Path);
        Restart();
        Service.Detach(disk);
        disk = Attach(image, "my.cow");
        Shell.Run("e2fsck", "-fn", disk.Path);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal(Data.Random(3, 40 << 20), File.ReadAllBytes(mount["large"]));
            Images.MustHoldContent(mount.Path);
        }
    }

    [RootFact]
    public void Snapshots_of_it_are_as_large()
    {
        string image = NumbersBase();
        byte[] expected = [.. File.ReadAllBytes(image), .. new byte[DeviceLength - ImageLength]];
        CowDisk disk = AttachWith(image, Temp["r1.cow"], "--size", "3M");
        Write(disk, expected, ImageLength - 1536, Data.Random(1, 8192));
        disk = Snapshot(disk, "r2.cow");
        byte[] sealedContent = [.. expected];
        Write(disk, expected, DeviceLength - 8192, Data.Random(2, 8192));
        disk = Snapshot(disk, "top.cow");
        Write(disk, expected, DeviceLength - 4096, Data.Random(3, 1024));
        MustShow(expected, disk);
        Restart();
        MustShow(expected, disk);
        MustShow(sealedContent, AttachWith(image, "--read-only", Temp["r1.cow"]));
        Service.Detach(disk);
        disk = Attach(image, "top.cow");
        MustShow(expected, disk);
        Service.Cowloop("rollback", disk.Path).MustSucceed();
        Data.Random(2, 8192).CopyTo(expected, DeviceLength - 8192);
        MustShow(expected, disk);
    }

    [RootFact]
    public void A_top_can_be_larger_than_its_layers()
    {
        string image = NumbersBase();
        byte[] expected = [.. File.ReadAllBytes(image), .. new byte[DeviceLength - ImageLength]];
        CowDisk disk = Attach(image, "r1.cow");
        Write(disk, expected, 2048, Data.Random(1, 8192));
        Service.Detach(disk);
        disk = AttachWith(image, Temp["top.cow"], "--layer", Temp["r1.cow"], "--size", "3M");
        Write(disk, expected, ImageLength - 512, Data.Random(2, 2048));
        MustShow(expected, disk);
        Service.Detach(disk);
        disk = Attach(image, "top.cow");
        MustShow(expected, disk);
        Service.Detach(disk);
        MustShow(expected, AttachWith(image, "--volatile", "--layer", Temp["top.cow"]));
        MustShow([.. expected, .. new byte[ImageLength]], AttachWith(image, "--volatile", "--layer", Temp["top.cow"], "--size", "4M"));
    }

    [RootFact]
    public void A_rolled_back_device_keeps_its_size()
    {
        string image = NumbersBase();
        byte[] expected = [.. File.ReadAllBytes(image), .. new byte[DeviceLength - ImageLength]];
        CowDisk disk = AttachWith(image, Temp["my.cow"], "--size", "3M");
        BlockIo.Write(disk.Path, ImageLength - 4096, Data.Random(1, 8192));
        Service.Cowloop("rollback", disk.Path).MustSucceed();
        MustShow(expected, disk);
        Service.Detach(disk);
        MustShow(expected, Attach(image, "my.cow"));
    }

    [RootFact]
    public void The_tools_know_its_cowfile()
    {
        string image = NumbersBase();
        byte[] expected = [.. File.ReadAllBytes(image), .. new byte[DeviceLength - ImageLength]];
        CowDisk disk = AttachWith(image, Temp["my.cow"], "--size", "3M");
        Write(disk, expected, 4096, Data.Random(1, 4096));
        Write(disk, expected, DeviceLength - 4096, Data.Random(2, 4096));
        Service.Detach(disk);
        Service.Run("cowpack", "-p", disk.Cowfile, Temp["packed"])
            .MustExitWith(1).MustBeForPeople(3);
        Assert.False(File.Exists(Temp["packed"]));
        disk = Attach(image, "my.cow");

        // A killed service leaves it dirty.
        BlockIo.WriteUnflushed(disk.Path, DeviceLength - 65_536, Data.Random(3, 4096));
        Data.Random(3, 4096).CopyTo(expected, DeviceLength - 65_536);
        Service.Kill();
        Service.Run("cowrepair", disk.Cowfile).MustSucceed();
        Service.StartService();
        MustShow(expected, disk);
    }

    [RootFact]
    public void A_size_that_can_not_be_is_refused()
    {
        string image = NumbersBase();
        TryAttachWith(image, Temp["my.cow"], "--size", "512K")
            .MustComplain(2, $"a device of {512 * 1024} bytes is smaller than what it lies on: rdofile {image} has {ImageLength}");
        TryAttachWith(image, Temp["my.cow"], "--size", "0").MustComplain(2, "the size of a device is a multiple of 1024 bytes");
        TryAttachWith(image, "--read-only", "--size", "2M").MustComplain(2, "a read-only device takes no changes");
        Assert.Equal(["R"], Files());
        Service.Detach(Attach(image, "my.cow"));
        TryAttachWith(image, Temp["my.cow"], "--size", "2M")
            .MustComplain(2, $"cowfile {Temp["my.cow"]} was made for a device of {ImageLength} bytes, not of {2 * ImageLength}");
    }
}
