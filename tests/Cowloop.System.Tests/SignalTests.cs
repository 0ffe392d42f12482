using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>SIGTERM, as the system sends it when it goes down.</summary>
public class SignalTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void Idle_devices_go_and_mounted_ones_work_until_they_are_unmounted()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk idle = Attach(image, "idle.cow");
        BlockIo.Write(idle.Path, 0, Data.Fill(1, 1024));
        CowDisk used = Attach(image, "used.cow");
        using Mount mount = Mount(used.Path);
        int process = Service.ProcessId;

        CowService.Terminate(process);
        Poll.Until("the idle device is gone", () => !File.Exists(idle.Path));
        Assert.Equal(0, File.ReadAllBytes(idle.Cowfile)[6] & 1);
        Images.MustHoldContent(mount.Path);
        File.WriteAllBytes(mount["late"], Data.Random(1, 2_000_000));
        Shell.Run("sync", "-f", mount.Path);
        Service.Cowdev("-a", image, Temp["late.cow"]).MustRefuse(2, "activate new cowdevice: Device or resource busy", "about to end");
        Assert.False(File.Exists(Temp["late.cow"]));
        Assert.True(CowService.IsAlive(process));

        mount.Unmount();
        Poll.UntilNone("left by the service", Service.LeftOvers);
        Assert.Equal(0, File.ReadAllBytes(used.Cowfile)[6] & 1);

        CowDisk again = Attach(image, "used.cow");
        Shell.Run("fsck.ext4", "-f", "-n", again.Path);
        using Mount check = Mount(again.Path);
        Assert.Equal(Data.Random(1, 2_000_000), File.ReadAllBytes(check["late"]));
    }

    [RootFact]
    public void A_second_signal_changes_nothing()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        int process = Service.ProcessId;
        using (FileStream device = new(disk.Path, FileMode.Open, FileAccess.ReadWrite))
        {
            CowService.Terminate(process);
            Poll.Until("the service is about to end", () => Service.Cowloop("status").Output.Contains("ends with the last", StringComparison.Ordinal));
            CowService.Terminate(process);
            device.Write(Data.Fill(8, 4096));
            device.Flush(flushToDisk: true);
        }
        Poll.UntilNone("left by the service", Service.LeftOvers);
        Assert.Equal(Data.Fill(8, 4096), BlockIo.Read(Attach(image).Path, 0, 4096));
    }

    [RootFact]
    public void Without_devices_the_service_ends_at_once()
    {
        Service.Detach(Attach(NumbersBase()));
        CowService.Terminate(Service.ProcessId);
        Poll.UntilNone("left by the service", Service.LeftOvers);
    }

    [RootFact]
    public void A_stack_of_devices_goes_from_the_top()
    {
        string image = NumbersBase();
        CowDisk lower = Attach(image, "lower.cow");
        CowDisk upper = Attach(lower.Path, "upper.cow");
        BlockIo.Write(upper.Path, 0, Data.Fill(4, 4096));
        CowService.Terminate(Service.ProcessId);
        Poll.UntilNone("left by the service", Service.LeftOvers);
        lower = Attach(image, "lower.cow");
        Assert.Equal(Data.Fill(4, 4096), BlockIo.Read(Attach(lower.Path, "upper.cow").Path, 0, 4096));
    }
}
