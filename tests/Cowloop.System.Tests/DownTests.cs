using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>cowloop down: takes the devices of the cowtab away.</summary>
public class DownTests(CowService service, ITestOutputHelper output) : CowtabTest(service, output)
{
    [RootFact]
    public void All_devices_go_clean_and_the_service_with_the_last()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["one.cow"]} 1", $"{image} {Temp["two.cow"]} auto", $"{image} {Temp["three.cow"]} 3 noauto");
        Up().MustSucceed();
        Up("3").MustSucceed();
        BlockIo.Write(Service.Node(1), 0, Data.Fill(1, 1024));
        _ = Service.ProcessId;
        MustBeSilent(Down());
        Assert.Empty(Service.LeftOversInSystem());
        Assert.False(Service.IsRunning);
        Assert.Equal(0, File.ReadAllBytes(Temp["one.cow"])[6] & 1);
    }

    [RootFact]
    public void What_is_down_already_is_fine_and_silent()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["one.cow"]} 1", $"{image} {Temp["two.cow"]} 2");
        Up().MustSucceed();
        Down().MustSucceed();
        MustBeSilent(Down());
        MustBeSilent(Down("1"));
        Up("1").MustSucceed();
        MustBeSilent(Down("2"));
        Assert.Equal([Service.Node(1)], Service.ActiveDevices());
    }

    [RootFact]
    public void A_stack_goes_from_the_top()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["lower.cow"]} 4", $"{Service.Node(4)} {Temp["upper.cow"]} 1");
        Up().MustSucceed();
        BlockIo.Write(Service.Node(1), 0, Data.Fill(2, 4096));
        MustBeSilent(Down());
        Up().MustSucceed();
        Assert.Equal(Data.Fill(2, 4096), BlockIo.Read(Service.Node(1), 0, 4096));
        MustBeSilent(Down());
    }

    [RootTheory]
    [InlineData("auto.cow")]
    [InlineData("0")]
    [InlineData("device")]
    public void A_named_device_goes_alone(string name)
    {
        string image = NumbersBase();
        Write($"{image} {Temp["auto.cow"]} auto", $"{image} {Temp["one.cow"]} 1");
        Up().MustSucceed();
        MustBeSilent(Down(name switch { "device" => Service.Node(0), "0" => name, _ => Temp[name] }));
        Assert.Equal([Service.Node(1)], Service.ActiveDevices());
        MustBeSilent(Down("1"));
        Assert.True(Service.IsRunning);
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_device_in_use_is_named_and_stays_and_so_does_the_service()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        Write($"{image} {Temp["one.cow"]} 1", $"{image} {Temp["two.cow"]} 2", $"{image} {Temp["three.cow"]} 3");
        Up().MustSucceed();
        using (Mount mount = Mount(Service.Node(2)))
        {
            string error = Down().MustExitWith(2).MustBeForPeople(1).Error;
            Assert.Contains($"{Table}:2: cowdevice 2 is mounted read-write on {mount.Path}", error, StringComparison.Ordinal);
            Assert.Equal([Service.Node(2)], Service.ActiveDevices());
            File.WriteAllText(mount["still"], "writable\n");
        }
        MustBeSilent(Down());
        Assert.False(Service.IsRunning);
    }

    [RootFact]
    public void The_service_goes_on_for_devices_that_are_not_of_the_table()
    {
        string image = NumbersBase();
        CowDisk other = Attach(image, "other.cow");
        Write($"{image} {Temp["one.cow"]} 1");
        Up().MustSucceed();
        string error = Down().MustSucceed().MustBeForPeople(1).Error;
        Assert.Contains($"the service goes on: active, but not of {Table}: {other.Path}", error, StringComparison.Ordinal);
        Assert.Equal([other.Path], Service.ActiveDevices());
    }

    [RootFact]
    public void Another_pair_under_a_number_of_the_table_stays()
    {
        string image = NumbersBase();
        CowDisk other = Attach(image, "other.cow", Service.Node(1));
        Write($"{image} {Temp["one.cow"]} 1");
        Down().MustSucceed();
        Assert.Contains("cowdevice 1 is active with another pair", Down("1").MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.Equal([other.Path], Service.ActiveDevices());
    }

    [RootFact]
    public void A_bad_line_is_named_and_the_others_are_done()
    {
        string image = NumbersBase();
        Write($"{image} {Temp["one.cow"]} 1");
        Up().MustSucceed();
        Write("nonsense", $"{image} {Temp["one.cow"]} 1");
        Assert.Contains($"{Table}:1: a device has 3 or 4 fields", Down().MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.Empty(Service.ActiveDevices());
        Assert.False(Service.IsRunning);
    }

    [RootTheory]
    [InlineData("up")]
    [InlineData("down")]
    public void Help_shows_an_example(string verb) =>
        Assert.Contains($"Example:\n  cowloop {verb} ", Service.Cowloop(verb, "--help").MustSucceed().Output, StringComparison.Ordinal);
}
