using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Which number a device gets.</summary>
public class DeviceNumberTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Busy = "activate new cowdevice: Device or resource busy";

    [RootFact]
    public void T24_a_wanted_number_that_is_active_is_busy()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        Service.Cowdev("-a", image, Temp["other.cow"], disk.Path).MustRefuse(2, Busy, "cowdevice 0");
        Assert.False(File.Exists(Temp["other.cow"]));
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(disk.Path));
    }

    [RootFact]
    public void T24_when_all_numbers_are_active_the_next_one_is_busy()
    {
        string image = NumbersBase();
        Service.Stop();
        Service.Cowloop("load", "maxcows=2").MustSucceed();
        Attach(image, "0.cow");
        CowDisk second = Attach(image, "1.cow");
        Service.Cowdev("-a", image, Temp["2.cow"]).MustRefuse(2, Busy, "2 cowdevices");
        Assert.False(File.Exists(Temp["2.cow"]));

        Service.Detach(second);
        Assert.Equal(second.Path, Attach(image, "2.cow").Path);
        Service.Stop();
    }

    [RootFact]
    public void T25_a_number_beyond_maxcows_is_an_invalid_argument()
    {
        string image = NumbersBase();
        Service.Cowdev("-a", image, Temp["x.cow"], Service.Node(300)).MustRefuse(2, "activate new cowdevice: Invalid argument", "300", "0 to 15");
        Service.Cowdev("-a", image, Temp["x.cow"], Service.Node(16)).MustRefuse(2, "activate new cowdevice: Invalid argument", "16");
        Assert.False(File.Exists(Temp["x.cow"]));
        Assert.Empty(Service.ActiveDevices());
    }

    [RootFact]
    public void T26_numbers_0_3_and_1()
    {
        string image = NumbersBase();
        Assert.Equal(Service.Node(0), Attach(image, "a.cow").Path);
        Assert.Equal(Service.Node(3), Attach(image, "b.cow", Service.Node(3)).Path);
        Assert.Equal(Service.Node(1), Attach(image, "c.cow").Path);
        Assert.Equal([Service.Node(0), Service.Node(1), Service.Node(3)], Service.ActiveDevices());
    }

    [RootFact]
    public void A_number_is_free_again_at_once()
    {
        string image = NumbersBase();
        Attach(image, "0.cow");
        CowDisk one = Attach(image, "1.cow");
        Attach(image, "2.cow");
        Service.Detach(one);
        Assert.Equal(one.Path, Attach(image, "again.cow").Path);
    }
}
