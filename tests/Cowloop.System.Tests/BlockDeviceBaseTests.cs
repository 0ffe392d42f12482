using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A block device as base, and sizes that are no whole number of blocks.</summary>
public class BlockDeviceBaseTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int OddLength = 1024 * 1024 + 512;

    [RootFact("losetup", "mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void A_read_only_block_device_becomes_writable()
    {
        using LoopBack loop = LoopBack.ReadOnly(Base(Images.Ext4(Temp["image"])));
        CowDisk disk = Attach(loop.Path);
        Assert.Equal("512", Shell.Run("blockdev", "--getss", disk.Path).Line);
        using (Mount mount = Mount(disk.Path))
        {
            Images.MustHoldContent(mount.Path);
            File.WriteAllText(mount["new"], "new\n");
        }
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        Service.Detach(disk);

        disk = Attach(loop.Path);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal("new\n", File.ReadAllText(mount["new"]));
        }
        Service.Detach(disk);
    }

    [RootFact("losetup", "mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void The_device_has_the_sector_size_of_its_base()
    {
        using LoopBack loop = LoopBack.ReadOnly(Base(Images.Ext4(Temp["image"], blockBytes: 4096)), "--sector-size", "4096");
        CowDisk disk = Attach(loop.Path);
        Assert.Equal("4096", Shell.Run("blockdev", "--getss", disk.Path).Line);
        using (Mount mount = Mount(disk.Path))
        {
            Images.MustHoldContent(mount.Path);
            File.WriteAllBytes(mount["new"], Data.Random(1, 1_000_000));
        }
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        byte[] block = Data.Random(2, 4096);
        BlockIo.Write(disk.Path, 8192, block);
        Assert.Equal(block, BlockIo.Read(disk.Path, 8192, 4096));
        Service.Detach(disk);
    }

    [RootFact("losetup")]
    public void T32_block_device_of_2049_sectors_loses_the_last_one_silently()
    {
        using LoopBack loop = LoopBack.ReadOnly(Base(Data.RandomFile(Temp["odd"], 3, OddLength)));
        Assert.Equal(OddLength, BlockIo.SizeOf(loop.Path));
        CommandResult result = Service.Cowdev("-a", loop.Path, Temp["changes.cow"]).MustSucceed();
        Assert.Equal("", result.Error);
        MustHave2048SectorsAndAWritableEnd(new CowDisk(result.Line, loop.Path, Temp["changes.cow"]));
    }

    [RootFact]
    public void T32_image_with_half_a_block_at_its_end_gets_a_warning()
    {
        string image = Base(Data.RandomFile(Temp["odd"], 3, OddLength));
        CommandResult result = Service.Cowdev("-a", image, Temp["changes.cow"]).MustSucceed();
        Assert.Contains($"rdofile {image} truncated to multiple of 1024 bytes\n", result.Error, StringComparison.Ordinal);
        Assert.Contains($"rdofile {image} truncated to multiple of 1024 bytes\n", Service.Log, StringComparison.Ordinal);
        MustHave2048SectorsAndAWritableEnd(new CowDisk(result.Line, image, Temp["changes.cow"]));
    }

    private void MustHave2048SectorsAndAWritableEnd(CowDisk disk)
    {
        Assert.Equal("2048", Shell.Run("blockdev", "--getsz", disk.Path).Line);
        byte[] expected = Data.Random(3, OddLength)[..(1024 * 1024)];
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        byte[] end = Data.Random(4, 1024);
        BlockIo.Write(disk.Path, expected.Length - 1024, end);
        end.CopyTo(expected, expected.Length - 1024);
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        Service.Detach(disk);
        Assert.Equal(4096 + 1024 * 1024, new FileInfo(disk.Cowfile).Length);
    }
}
