using Cowloop.Daemon.Tests.Support;

namespace Cowloop.Daemon.Tests;

public class SavedDeviceTests
{
    [Fact]
    public void The_same_is_asked_for_but_nothing_that_was_meant_for_that_time_only()
    {
        SavedDevice device = Samples.Device(3);

        Assert.Equal(device.Request with { AcceptBase = false, Repair = false, VerifyBase = false }, device.ToRequest());
        Assert.Equal(3, device.Number);
    }

    [Fact]
    public void A_cowdevice_is_asked_for_by_its_node_whatever_name_led_to_it()
    {
        SavedDevice device = Samples.Device(3, lower: 1);

        Assert.Equal("/dev/cow/1p1", device.ToRequest().Base);
        Assert.Equal("../dev/cow/1p1", (device with
        {
            BasePath = "/dev/cow/1p1",
            Request = device.Request with { Base = "../dev/cow/1p1" },
        }).ToRequest().Base);
    }
}
