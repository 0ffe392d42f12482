using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A cowdevice as the base of another one: the lower one holds still meanwhile.</summary>
public class StackedDeviceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private static readonly byte[] Lower = Data.Fill(0x11, 4096);
    private static readonly byte[] Upper = Data.Fill(0x22, 4096);

    [RootFact]
    public void The_upper_device_shows_the_lower_ones_changes_and_its_own()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk lower = Attach(image, "lower.cow");
        BlockIo.Write(lower.Path, 0, Lower);
        Lower.CopyTo(expected, 0);
        byte[] lowerContent = [.. expected];
        CowDisk upper = Attach(lower.Path, "upper.cow");
        Assert.Equal(expected, BlockIo.Read(upper.Path, 0, expected.Length));

        BlockIo.Write(upper.Path, 2048, Upper);
        Upper.CopyTo(expected, 2048);
        Assert.Equal(expected, BlockIo.Read(upper.Path, 0, expected.Length));
        Assert.Equal(lowerContent, BlockIo.Read(lower.Path, 0, expected.Length));

        Service.Detach(upper);
        upper = Attach(lower.Path, "upper.cow");
        Assert.Equal(expected, BlockIo.Read(upper.Path, 0, expected.Length));
    }

    [RootFact]
    public void The_lower_device_refuses_writes_and_to_go_until_the_upper_one_is_gone()
    {
        string image = NumbersBase();
        CowDisk lower = Attach(image, "lower.cow");
        CowDisk upper = Attach(lower.Path, "upper.cow");
        byte[] before = BlockIo.Read(lower.Path, 0, 8192);

        Assert.NotEqual(0, BlockIo.TryWrite(lower.Path, 0, Lower).ExitCode);
        Assert.Equal(before, BlockIo.Read(lower.Path, 0, 8192));
        Assert.Equal(before, BlockIo.Read(upper.Path, 0, 8192));
        Assert.True(Service.Status(lower).GetProperty("readOnly").GetBoolean());
        Assert.Equal(1, Service.Status(lower).GetProperty("opens").GetInt32());
        Service.Cowdev("-d", lower.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", $"rdofile of cowdevice {upper.Number}");

        Service.Detach(upper);
        Assert.False(Service.Status(lower).GetProperty("readOnly").GetBoolean());
        BlockIo.Write(lower.Path, 0, Lower);
        Assert.Equal(Lower, BlockIo.Read(lower.Path, 0, Lower.Length));
        Service.Detach(lower);
    }

    [RootFact]
    public void The_lower_device_is_released_when_the_upper_one_could_not_be_made()
    {
        CowDisk lower = Attach(NumbersBase(), "lower.cow");
        File.WriteAllText(Temp["garbage"], new string('x', 5000));
        Service.Cowdev("-a", lower.Path, Temp["garbage"]).MustRefuse(2, "activate new cowdevice: Invalid argument", "incorrect format");
        BlockIo.Write(lower.Path, 0, Lower);
        Assert.Equal(Lower, BlockIo.Read(lower.Path, 0, Lower.Length));
        Service.Detach(lower);
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_device_that_is_mounted_read_write_is_no_base()
    {
        CowDisk lower = Attach(Base(Images.Ext4(Temp["image"])), "lower.cow");
        using (Mount mount = Mount(lower.Path))
        {
            Service.Cowdev("-a", lower.Path, Temp["upper.cow"])
                .MustRefuse(2, "activate new cowdevice: Device or resource busy", mount.Path);
            Assert.False(File.Exists(Temp["upper.cow"]));
            File.WriteAllText(mount["still"], "writable\n");
        }
        CowDisk upper = Attach(lower.Path, "upper.cow");
        using (Mount mount = Mount(upper.Path))
        {
            Assert.Equal("writable\n", File.ReadAllText(mount["still"]));
        }
    }

    [RootFact]
    public void Three_devices_high_works_and_is_unloaded_from_the_top()
    {
        string image = NumbersBase();
        CowDisk bottom = Attach(image, "bottom.cow");
        BlockIo.Write(bottom.Path, 0, Lower);
        CowDisk middle = Attach(bottom.Path, "middle.cow");
        BlockIo.Write(middle.Path, 4096, Upper);
        CowDisk top = Attach(middle.Path, "top.cow");
        BlockIo.Write(top.Path, 8192, Lower);
        byte[] expected = [.. Lower, .. Upper, .. Lower, .. File.ReadAllBytes(image)[12288..]];
        Assert.Equal(expected, BlockIo.Read(top.Path, 0, expected.Length));

        Service.Cowloop("unload").MustSucceed();
        bottom = Attach(image, "bottom.cow");
        middle = Attach(bottom.Path, "middle.cow");
        top = Attach(middle.Path, "top.cow");
        Assert.Equal(expected, BlockIo.Read(top.Path, 0, expected.Length));
    }
}
