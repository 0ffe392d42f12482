using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A device in use stays, whole and usable; the loop driver's own detach would take it with the last close.</summary>
public class BusyDeviceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Busy = "deactivate existing cowdevice: Device or resource busy";

    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void A_mounted_device_is_busy_and_goes_on_working()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image);
        using (Mount mount = Mount(disk.Path))
        {
            Service.Cowdev("-d", disk.Path).MustRefuse(2, Busy, $"mounted read-write on {mount.Path}");
            File.WriteAllText(mount["after"], "still writable\n");
            Shell.Run("sync", "-f", mount.Path);
            Service.Cowsync().MustSucceed();
            Images.MustHoldContent(mount.Path);
            Service.Cowdev("-d", disk.Path).MustRefuse(2, Busy);
        }
        MustBeActive(disk);
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal("still writable\n", File.ReadAllText(mount["after"]));
        }
        Service.Detach(disk);
    }

    [RootFact]
    public void An_open_device_is_busy_and_stays_after_the_close()
    {
        CowDisk disk = Attach(NumbersBase());
        byte[] bytes = Data.Fill(0x77, 4096);
        using (Process opener = Shell.Start(new ShellOptions(), "sh", "-c", $"exec 0<{disk.Path}; echo open; exec sleep 1000"))
        {
            Assert.Equal("open", opener.StandardOutput.ReadLine());
            Service.Cowdev("-d", disk.Path).MustRefuse(2, Busy, opener.Id.ToString(CultureInfo.InvariantCulture));
            BlockIo.Write(disk.Path, 0, bytes);
            Assert.Equal(bytes, BlockIo.Read(disk.Path, 0, bytes.Length));
            opener.Kill();
            opener.WaitForExit();
        }
        MustBeActive(disk);
        Assert.Equal(bytes, BlockIo.Read(disk.Path, 0, bytes.Length));
        Service.Detach(disk);
    }

    [RootFact]
    public void T35_deactivating_an_open_device_leaves_it_and_all_others_alone()
    {
        string image = NumbersBase();
        CowDisk one = Attach(image, "one.cow");
        CowDisk other = Attach(image, "other.cow");
        BlockIo.Write(one.Path, 0, Data.Fill(1, 1024));
        BlockIo.Write(other.Path, 0, Data.Fill(2, 1024));
        using (File.OpenRead(one.Path))
        {
            Service.Cowdev("-d", one.Path).MustRefuse(2, Busy);
            // The original marked all files clean without making them durable.
            Assert.Equal("dirty", Service.Status(other).GetProperty("state").GetString());
            BlockIo.Write(one.Path, 1024, Data.Fill(3, 1024));
        }
        MustBeActive(one);
        Assert.Equal([.. Data.Fill(1, 1024), .. Data.Fill(3, 1024)], BlockIo.Read(one.Path, 0, 2048));
        Service.Detach(one);
        Service.Detach(other);
    }

    [RootFact]
    public void A_short_look_at_the_device_does_not_keep_it()
    {
        CowDisk disk = Attach(NumbersBase());
        // As a device manager's probe does.
        using Process opener = Shell.Start(new ShellOptions(), "sh", "-c", $"exec 0<{disk.Path}; echo open; sleep 0.2");
        Assert.Equal("open", opener.StandardOutput.ReadLine());
        Service.Detach(disk);
        opener.WaitForExit();
    }

    private void MustBeActive(CowDisk disk)
    {
        Assert.Contains(disk.Path, Service.ActiveDevices());
        Assert.Equal("0", Shell.Run("losetup", "--noheadings", "--output", "AUTOCLEAR", $"/dev/{Service.KernelName(disk)}").Output.Trim());
    }
}
