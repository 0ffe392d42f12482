using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A base that somebody may be writing to is refused with who it is; --accept-base overrides.</summary>
public class RefusedBaseTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Busy = "activate new cowdevice: Device or resource busy";

    [RootFact("losetup", "mkfs.ext4", "fs:ext4")]
    public void A_block_device_that_is_mounted_read_write()
    {
        using LoopBack loop = LoopBack.Of(Images.Ext4(Temp["image"]));
        using (Mount mount = Mount(loop.Path))
        {
            Refuse(loop.Path, $"rdofile {loop.Path} is in use: mounted read-write on {mount.Path}");
            Service.Detach(Accept(loop.Path));
        }
    }

    [RootFact("losetup", "mkfs.ext4", "fs:ext4")]
    public void A_block_device_that_is_mounted_read_only_is_fine()
    {
        using LoopBack loop = LoopBack.Of(Base(Images.Ext4(Temp["image"])));
        using Mount mount = Mount(loop.Path, "-o", "ro");
        CowDisk disk = Attach(loop.Path);
        Images.MustHoldContent(mount.Path);
        Service.Detach(disk);
        mount.Unmount();
    }

    [RootFact("losetup", "sfdisk", "partx", "mkfs.ext4", "fs:ext4")]
    public void A_disk_with_a_partition_that_is_mounted_read_write()
    {
        using LoopBack loop = LoopBack.Of(Images.Gpt(Temp["disk"]), "--partscan");
        // A kernel that can't read partition tables is told.
        Shell.Try("partx", "--add", loop.Path);
        using Mount mount = Mount($"{loop.Path}p2");
        Refuse(loop.Path, $"mounted read-write on {mount.Path}");
        mount.Unmount();
    }

    [RootFact("losetup")]
    public void An_image_that_a_writable_loop_device_has()
    {
        string image = NumbersBase();
        using LoopBack loop = LoopBack.Of(image);
        Refuse(image, $"rdofile {image} is in use: bound to the writable loop device {loop.Path}");
        CowDisk disk = Accept(image);
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(disk.Path));
        Service.Detach(disk);
    }

    [RootFact("losetup")]
    public void An_image_that_a_read_only_loop_device_has_is_fine()
    {
        string image = NumbersBase();
        using LoopBack loop = LoopBack.ReadOnly(image);
        Service.Detach(Attach(image));
    }

    [RootFact]
    public void The_cowfile_of_another_device()
    {
        CowDisk disk = Attach(NumbersBase(), "lower.cow");
        Refuse(disk.Cowfile, $"rdofile {disk.Cowfile} is in use: it is the cowfile of cowdevice {disk.Number}");
        File.CreateSymbolicLink(Temp["link"], disk.Cowfile);
        Refuse(Temp["link"], $"it is the cowfile of cowdevice {disk.Number}");
        Accept(disk.Cowfile);
    }

    [RootFact]
    public void A_file_that_another_service_has_locked()
    {
        using var other = new CowService();
        CowDisk disk = other.Attach(NumbersBase(), Temp["lower.cow"]);
        Refuse(disk.Cowfile, $"rdofile {disk.Cowfile} is in use: another process has it locked");
        Service.Detach(Accept(disk.Cowfile));
    }

    [RootFact]
    public void A_base_may_be_shared_with_another_service()
    {
        string image = NumbersBase();
        using var other = new CowService();
        CowDisk theirs = other.Attach(image, Temp["theirs.cow"]);
        CowDisk ours = Attach(image, "ours.cow");
        BlockIo.Write(theirs.Path, 0, Data.Fill(1, 1024));
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(ours.Path));
    }

    private void Refuse(string image, params string[] reasons)
    {
        Service.Cowdev("-a", image, Temp["refused.cow"]).MustRefuse(2, Busy, [.. reasons, "--accept-base"]);
        Assert.False(File.Exists(Temp["refused.cow"]));
    }

    private CowDisk Accept(string image) => Attach(image, "accepted.cow", "--accept-base");
}
