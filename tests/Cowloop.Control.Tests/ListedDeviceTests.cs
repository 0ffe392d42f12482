using System.Text.Json;
using Cowloop.Control.Tests.Support;

namespace Cowloop.Control.Tests;

/// <summary>What is picked from the list is what the whole list says.</summary>
public class ListedDeviceTests
{
    [Fact]
    public void It_says_what_the_whole_status_says()
    {
        DeviceStatus[] devices = [.. Enum.GetValues<DeviceMode>().Select(mode => Samples.Device with { Mode = mode, Cowfile = $"\"{mode}\" \u00e9.cow" })];

        IReadOnlyList<ListedDevice> found = ListedDevice.ReadAll(ToJson(devices));

        Assert.Equal(devices.Select(device => new ListedDevice(device.Path, device.Base, device.CowfileText)), found);
        Assert.Equal(3, found.Select(device => device.CowfileText).Distinct().Count());
    }

    [Fact]
    public void A_service_that_knows_of_no_modes_is_understood()
    {
        byte[] json = """[{"number": 0, "path": "/dev/cow/0", "base": "disk.img", "cowfile": "my.cow"}]"""u8.ToArray();

        Assert.Equal([new ListedDevice("/dev/cow/0", "disk.img", "my.cow")], ListedDevice.ReadAll(new MemoryStream(json)));
    }

    [Fact]
    public void No_devices_are_an_empty_list() => Assert.Empty(ListedDevice.ReadAll(ToJson([])));

    [Fact]
    public void What_is_no_list_is_an_error() => Assert.ThrowsAny<JsonException>(() => ListedDevice.ReadAll(new MemoryStream("[{"u8.ToArray())));

    private static MemoryStream ToJson(IReadOnlyList<DeviceStatus> devices) =>
        new(JsonSerializer.SerializeToUtf8Bytes(devices, ControlJson.Default.IReadOnlyListDeviceStatus));
}
