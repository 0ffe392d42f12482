using Cowloop.Control;
using Cowloop.Daemon.Tests.Support;

namespace Cowloop.Daemon.Tests.Recovery;

public class SavedDeviceTests
{
    [Fact]
    public void The_same_is_asked_for_with_the_same_settings()
    {
        SavedDevice device = Samples.Device(3);

        Assert.Equal(
            new AttachRequest("disk ä.img", "it's my.cow", "/home/me", 3, Settings: new SettingsRequest("wait:60", "80%", "/usr/local/bin/hook")),
            device.ToRequest());
    }

    [Fact]
    public void A_cowdevice_is_asked_for_by_its_node_whatever_name_led_to_it()
    {
        SavedDevice device = Samples.Device(3, lower: 1);

        Assert.Equal("/dev/cow/1p1", device.ToRequest().Base);
        Assert.Equal("../dev/cow/1p1", (device with
        {
            BasePath = "/dev/cow/1p1",
            Base = "../dev/cow/1p1",
        }).ToRequest().Base);
    }

    [Fact]
    public void Layers_are_asked_for_by_their_paths()
    {
        AttachRequest request = Samples.InExchange(3).ToRequest();

        Assert.Equal(["/home/me/r1.cow", "/home/me/r2.cow"], request.Layers);
        Assert.False(request.ReadOnly);
        Assert.Null(Samples.Device(3).ToRequest().Layers);
        Assert.True((Samples.Device(3) with { Mode = DeviceMode.ReadOnly }).ToRequest().ReadOnly);
    }

    [Fact]
    public void Settings_that_are_asked_for_now_go_before_those_it_had()
    {
        Assert.Equal(
            new SettingsRequest("error", "80%", "/usr/local/bin/hook"),
            Samples.Device(3).ToSettings(new SettingsRequest("error")));
        Assert.Equal("wait:60", Samples.Device(3).ToSettings(null).OnFull);
    }
}
