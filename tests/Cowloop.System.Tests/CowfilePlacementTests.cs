using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// A cowfile that lies on what its own device needs, or keeps from changing, is refused before anything is written. <see cref="NestedDeviceTests"/>
/// are about the ones that may lie on other cowdevices.
/// </summary>
public class CowfilePlacementTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Invalid = "activate new cowdevice: Invalid argument";
    private const string Busy = "activate new cowdevice: Device or resource busy";
    private const string OnItsBase = "lies on a filesystem on its own rdofile";

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void On_the_cowdevice_that_is_its_base()
    {
        CowDisk lower = Attach(Base(Images.Ext4(Temp["image"])), "lower.cow");
        using Mount mount = Mount(lower.Path);

        Service.Cowdev("-a", "--accept-base", lower.Path, mount["x.cow"]).MustRefuse(2, Busy, $"mounted read-write on {mount.Path}");

        MustBeUntouched(mount);
    }

    /// <summary>The device below must not be frozen for one moment: its filesystem would fall over.</summary>
    [RootFact("losetup", "mkfs.ext4", "fs:ext4")]
    public void On_the_cowdevice_that_is_its_base_by_way_of_a_loop_device()
    {
        CowDisk lower = Attach(Base(Images.Ext4(Temp["image"])), "lower.cow");
        using LoopBack loop = LoopBack.Of(lower.Path);
        using Mount mount = Mount(loop.Path);

        Service.Cowdev("-a", "--accept-base", lower.Path, mount["x.cow"]).MustRefuse(2, Busy, $"bound to the writable loop device {loop.Path}");

        MustBeUntouched(mount);
        Service.Cowdev("-d", lower.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", $"bound to the writable loop device {loop.Path}");
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void On_a_cowdevice_that_is_the_base_of_another_one()
    {
        CowDisk lower = Attach(Base(Images.Ext4(Temp["image"])), "lower.cow");
        Attach(lower.Path, "upper.cow");
        using Mount mount = Mount(lower.Path, "-o", "ro");

        Service.Cowdev("-a", NumbersBase(), mount["x.cow"]).MustRefuse(2, Invalid, $"lies on cowdevice {lower.Number}, which takes no writes");
    }

    [RootFact("losetup", "mkfs.ext4", "fs:ext4")]
    public void On_a_mounted_image_that_is_its_base()
    {
        string image = Images.Ext4(Temp["image"]);
        using LoopBack loop = LoopBack.Of(image);
        using Mount mount = Mount(loop.Path);

        foreach (string name in new[] { image, loop.Path })
        {
            Service.Cowdev("-a", "--accept-base", name, mount["x.cow"]).MustRefuse(2, Invalid, OnItsBase);
            MustBeUntouched(mount);
        }
    }

    [RootFact("losetup", "sfdisk", "partx", "mkfs.ext4", "fs:ext4")]
    public void On_a_partition_of_the_disk_that_is_its_base()
    {
        using LoopBack loop = LoopBack.Of(Images.Gpt(Temp["disk"]), "--partscan");
        // A kernel that can't read partition tables is told.
        Shell.Try("partx", "--add", loop.Path);
        using Mount mount = Mount($"{loop.Path}p2");

        Service.Cowdev("-a", "--accept-base", loop.Path, mount["x.cow"]).MustRefuse(2, Invalid, OnItsBase);
        MustBeUntouched(mount);

        // Another partition of the disk is another thing.
        Service.Detach(Service.Attach($"{loop.Path}p1", mount["y.cow"]));
    }

    /// <summary>The base is the cowfile of a device that a device stands on, whose filesystem holds the new cowfile.</summary>
    [RootFact("mkfs.ext4", "fs:ext4")]
    public void On_cowdevices_whose_cowfile_is_its_base()
    {
        CowDisk outer = Attach(Base(Images.Ext4(Temp["outer"], 128)), "outer.cow");
        using Mount outerMount = Mount(outer.Path);
        CowDisk inner = Service.Attach(Images.Ext4(outerMount["inner"], 32), outerMount["inner.cow"]);
        using Mount innerMount = Mount(inner.Path);

        foreach (string cowfile in new[] { outer.Cowfile, inner.Cowfile })
        {
            Service.Cowdev("-a", "--accept-base", cowfile, innerMount["x.cow"]).MustRefuse(2, Invalid, OnItsBase);
            MustBeUntouched(innerMount);
        }

        // The images that they have in common are only read.
        Service.Detach(Service.Attach(outer.Image, innerMount["y.cow"]));
        innerMount.Unmount();
        Service.Detach(inner);
        outerMount.Unmount();
    }

    /// <summary>What lies where the base lies, and above something that does, changes other bytes than the base's.</summary>
    [RootFact("losetup", "mkfs.ext4", "fs:ext4")]
    public void Next_to_the_base_and_above_what_is_next_to_it_are_fine()
    {
        using LoopBack loop = LoopBack.Of(Images.Ext4(Temp["disk"], 128));
        using Mount outer = Mount(loop.Path);
        var image = FileSnapshot.Of(Data.NumbersFile(outer["image"]));
        using LoopBack loopOverLoop = LoopBack.Of(Images.Ext4(outer["inner"], 32));
        using Mount inner = Mount(loopOverLoop.Path);
        CowDisk between = Service.Attach(Images.Ext4(outer["between"], 32), inner["between.cow"]);
        using (Mount above = Mount(between.Path))
        {
            foreach (string cowfile in new[] { outer["a.cow"], inner["b.cow"], above["c.cow"] })
            {
                CowDisk disk = Service.Attach(image.Path, cowfile);
                File.WriteAllBytes(disk.Path, Data.Random(1, 1 << 20));
                Service.Detach(disk);
            }
        }
        Service.Detach(between);
        image.MustBeUnchanged();
    }

    private static void MustBeUntouched(Mount mount)
    {
        Assert.False(File.Exists(mount["x.cow"]));
        File.WriteAllText(mount["still"], "writable");
        Shell.Run("sync", "-f", mount["still"]);
    }
}
