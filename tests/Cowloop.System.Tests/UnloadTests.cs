using System.Diagnostics;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>cowloop unload and status.</summary>
public class UnloadTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Busy = "unload cowloop: Device or resource busy";

    [RootFact]
    public void Unload_closes_idle_devices_clean()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        Service.Cowloop("unload").MustSucceed();
        Poll.UntilNone("left by the service", Service.LeftOvers);
        Assert.Contains("cowloop - unloaded", Service.Log, StringComparison.Ordinal);
        Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);
        Assert.Equal(Data.Fill(1, 1024), BlockIo.Read(Attach(image).Path, 0, 1024));
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void Unload_with_a_mounted_device_detaches_nothing_and_names_it()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk idle = Attach(image, "idle.cow");
        CowDisk used = Attach(image, "used.cow");
        using Mount mount = Mount(used.Path);
        Service.Cowloop("unload").MustRefuse(2, Busy, used.Path, mount.Path);
        Assert.Equal([idle.Path, used.Path], Service.ActiveDevices());
        Images.MustHoldContent(mount.Path);
        File.WriteAllText(mount["still"], "writable\n");
        // It takes new devices as before.
        Service.Detach(Attach(image, "new.cow"));
    }

    [RootFact]
    public void Unload_with_an_open_device_detaches_nothing_and_names_it()
    {
        CowDisk disk = Attach(NumbersBase());
        using (File.OpenRead(disk.Path))
        {
            Service.Cowloop("unload").MustRefuse(2, Busy, disk.Path);
        }
        Assert.Equal([disk.Path], Service.ActiveDevices());
        Assert.Equal(FileSnapshot.HashOf(disk.Image), FileSnapshot.HashOf(disk.Path));
    }

    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void Unload_wait_waits_for_the_last_user()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk idle = Attach(image, "idle.cow");
        CowDisk used = Attach(image, "used.cow");
        using Mount mount = Mount(used.Path);
        using Process unload = Shell.Start(new ShellOptions { Environment = Service.Environment }, Repository.Program("cowloop"), "unload", "--wait");
        Poll.Until("the idle device is gone", () => !File.Exists(idle.Path));
        Service.Cowdev("-a", image, Temp["late.cow"]).MustRefuse(2, "activate new cowdevice: Device or resource busy", "about to end");
        File.WriteAllText(mount["late"], "written while waiting\n");
        Assert.False(unload.HasExited);

        mount.Unmount();
        Assert.True(unload.WaitForExit(20_000));
        Assert.Equal(0, unload.ExitCode);
        Poll.UntilNone("left by the service", Service.LeftOvers);

        CowDisk again = Attach(image, "used.cow");
        Shell.Run("fsck.ext4", "-f", "-n", again.Path);
        using Mount check = Mount(again.Path);
        Assert.Equal("written while waiting\n", File.ReadAllText(check["late"]));
    }

    [RootFact]
    public void Unload_and_status_without_a_service()
    {
        Service.Stop();
        foreach (string verb in new[] { "unload", "status" })
        {
            CommandResult result = Service.Cowloop(verb).MustExitWith(2).MustBeForPeople(2);
            Assert.Contains("not loaded", result.Error, StringComparison.Ordinal);
        }
    }

    [RootFact]
    public void Status_names_the_devices()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 2048));
        string all = Service.Cowloop("status").MustSucceed().Output;
        Assert.Contains("1 of 16 devices active", all, StringComparison.Ordinal);
        Assert.Contains(disk.Path, all, StringComparison.Ordinal);
        Assert.Contains("2.0 KiB", all, StringComparison.Ordinal);
        Assert.Contains($"{disk.Image} + {disk.Cowfile}", all, StringComparison.Ordinal);
        Assert.Equal(Service.StatusText(disk), Service.Cowloop("status", "0").MustSucceed().Output);
        CommandResult inactive = Service.Cowloop("status", "5").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains("cowdevice 5 is not active", inactive.Error, StringComparison.Ordinal);
    }

    [RootTheory]
    [InlineData("nonsense")]
    [InlineData("status many")]
    [InlineData("unload now")]
    public void Wrong_usage_of_cowloop_is_explained(string arguments)
    {
        CommandResult result = Service.Cowloop(arguments.Split(' '));
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(arguments.Split(' ')[^1], result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }
}
