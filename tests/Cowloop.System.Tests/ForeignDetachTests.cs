using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Somebody else takes our loop device away: the device ends as if deactivated.</summary>
public class ForeignDetachTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("losetup")]
    public void Losetup_d_ends_the_device_with_a_clean_cowfile()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        byte[] bytes = Data.Random(1, 8192);
        BlockIo.Write(disk.Path, 4096, bytes);
        Shell.Run("losetup", "-d", $"/dev/{Service.KernelName(disk)}");
        Poll.Until("the device is gone", () => Service.ActiveDevices().Count == 0 && !File.Exists(disk.Path));
        Service.Cowdev("-d", disk.Path).MustRefuse(2, "deactivate existing cowdevice: No such device");
        Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);
        Assert.Equal(bytes, BlockIo.Read(Attach(image).Path, 4096, bytes.Length));
    }

    [RootFact("losetup", "mkfs.ext4", "fs:ext4")]
    public void Losetup_d_of_a_mounted_device_ends_it_with_the_mount()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image);
        using (Mount mount = Mount(disk.Path))
        {
            Shell.Run("losetup", "-d", $"/dev/{Service.KernelName(disk)}");
            File.WriteAllText(mount["late"], "kept\n");
        }
        Poll.Until("the device is gone", () => Service.ActiveDevices().Count == 0 && !File.Exists(disk.Path));
        using Mount check = Mount(Attach(image).Path);
        Assert.Equal("kept\n", File.ReadAllText(check["late"]));
    }

    [RootFact("losetup")]
    public void Losetup_d_below_a_stacked_device_ends_the_lower_one_after_the_upper()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk lower = Attach(image, "lower.cow");
        Data.Fill(1, 4096).CopyTo(expected, 0);
        BlockIo.Write(lower.Path, 0, Data.Fill(1, 4096));
        CowDisk upper = Attach(lower.Path, "upper.cow");
        TakeAway(lower);

        Assert.Equal(expected, BlockIo.Read(upper.Path, 0, expected.Length));
        Data.Fill(2, 4096).CopyTo(expected, 8192);
        BlockIo.Write(upper.Path, 8192, Data.Fill(2, 4096));
        Assert.Equal(expected, BlockIo.Read(upper.Path, 0, expected.Length));
        Service.Cowdev("-d", lower.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", $"rdofile of cowdevice {upper.Number}");

        Service.Detach(upper);
        Poll.UntilNone("left by the lower device", Service.LeftOverDevices);
        Assert.Empty(Service.ActiveDevices());
        Assert.Equal(0, File.ReadAllBytes(lower.Cowfile)[6] & 1);
        Assert.Equal(lower, Attach(image, "lower.cow"));
        Assert.Equal(expected, BlockIo.Read(Attach(lower.Path, "upper.cow").Path, 0, expected.Length));
    }

    [RootFact("losetup")]
    public void A_loop_number_that_serves_another_file_by_now_is_left_alone()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        string loop = TakeAway(disk);
        using LoopBack foreign = LoopBack.At(loop, Data.RandomFile(Temp["foreign"], 1, 65536));
        // The device may be known for a moment still; both answers are right.
        CommandResult result = Service.Cowdev("-d", disk.Path);
        Assert.Contains(result.ExitCode, new[] { 0, 2 });
        Service.Cowloop("unload").MustSucceed();
        foreign.MustServe(Temp["foreign"]);
    }

    [RootTheory("losetup")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_device_that_outlives_its_loop_number_never_detaches_the_next_owner(bool bySignal)
    {
        CowDisk lower = Attach(NumbersBase(), "lower.cow");
        CowDisk upper = Attach(lower.Path, "upper.cow");
        string loop = TakeAway(lower);
        using LoopBack foreign = LoopBack.At(loop, Data.RandomFile(Temp["foreign"], 1, 65536));
        Service.Cowdev("-d", lower.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", $"rdofile of cowdevice {upper.Number}");
        foreign.MustServe(Temp["foreign"]);

        if (bySignal)
        {
            CowService.Terminate(Service.ProcessId);
        }
        else
        {
            Service.Cowloop("unload").MustSucceed();
        }
        Poll.UntilNone("left by the service", Service.LeftOvers);
        foreign.MustServe(Temp["foreign"]);
        Assert.Equal(0, File.ReadAllBytes(lower.Cowfile)[6] & 1);
    }

    /// <summary>Detaches the loop device of a device, and waits until its number is free.</summary>
    private string TakeAway(CowDisk disk)
    {
        string loop = Service.KernelName(disk);
        Shell.Run("losetup", "-d", $"/dev/{loop}");
        Poll.Until("the loop device is free", () => !Directory.Exists($"/sys/block/{loop}/loop"));
        return $"/dev/{loop}";
    }
}
