using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>vfat through mtools, which need no filesystem driver, and through a mount where the kernel has one.</summary>
public class VfatTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("mkfs.vfat", "fsck.vfat", "mcopy", "mdel", "mtype")]
    public void Vfat_keeps_changes_in_the_cowfile()
    {
        string image = Base(Images.Vfat(Temp["image"]));
        byte[] big = Data.Random(2, 5_000_000);
        File.WriteAllBytes(Temp["big"], big);
        File.WriteAllText(Temp["other"], "overwritten\n");

        CowDisk disk = Attach(image);
        Assert.Equal(Images.Greeting, Read(disk, "greeting"));
        Mtool("mcopy", disk, Temp["big"], "::/big");
        Mtool("mcopy", disk, "-o", Temp["other"], "::/greeting");
        Mtool("mdel", disk, "::/doomed");
        Shell.Run("fsck.vfat", "-n", disk.Path);
        Service.Detach(disk);

        disk = Attach(image);
        Shell.Run("fsck.vfat", "-n", disk.Path);
        Assert.Equal("overwritten\n", Read(disk, "greeting"));
        Assert.DoesNotContain("doomed", Mtool("mdir", disk, "-b", "::/").Output, StringComparison.Ordinal);
        Mtool("mcopy", disk, "::/big", Temp["back"]);
        Assert.Equal(big, File.ReadAllBytes(Temp["back"]));
        ChangeThroughMount(disk);
        Service.Detach(disk);

        CowDisk fresh = Attach(image, "another.cow");
        Assert.Equal(Images.Greeting, Read(fresh, "greeting"));
        Assert.Equal("to be deleted\n", Read(fresh, "doomed"));
        Assert.DoesNotContain("big", Mtool("mdir", fresh, "-b", "::/").Output, StringComparison.Ordinal);
    }

    /// <summary>Where the kernel has no vfat, mtools have shown all there is to show.</summary>
    private void ChangeThroughMount(CowDisk disk)
    {
        if (!Requirements.KernelHas("vfat"))
        {
            return;
        }
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal("overwritten\n", File.ReadAllText(mount["greeting"]));
            File.WriteAllText(mount["mounted"], "written by the kernel\n");
        }
        Shell.Run("fsck.vfat", "-n", disk.Path);
        Assert.Equal("written by the kernel\n", Read(disk, "mounted"));
    }

    private static string Read(CowDisk disk, string name) => Mtool("mtype", disk, $"::/{name}").Output;

    private static CommandResult Mtool(string program, CowDisk disk, params string[] arguments)
    {
        var options = new ShellOptions { Environment = new Dictionary<string, string> { ["MTOOLS_SKIP_CHECK"] = "1" } };
        return Shell.Try(options, program, ["-i", disk.Path, .. arguments]).MustSucceed();
    }
}
