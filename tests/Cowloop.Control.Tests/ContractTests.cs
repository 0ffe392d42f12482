using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Cowloop.Control.Tests.Support;
using Cowloop.Core.Devices;

namespace Cowloop.Control.Tests;

/// <summary>The contract crosses the socket unharmed, and its spelling is what other clients rely on.</summary>
public class ContractTests
{
    [Fact]
    public void Every_message_comes_back_as_it_was()
    {
        AssertRoundTrip(new AttachRequest("disk.img", "my.cow", "/home/me", 5, true, true, true, true, Samples.Settings), ControlJson.Default.AttachRequest);
        AssertRoundTrip(
            new AttachRequest("disk.img", "", "/", Layers: ["r1.cow", "r2.cow"], ReadOnly: true, Volatile: new VolatileRequest("/var/tmp", 1L << 40), SizeBytes: 1L << 50),
            ControlJson.Default.AttachRequest);
        AssertRoundTrip(new AttachRequest("disk.img", "my.cow", "/", Store: new StoreRequest(StoreRequest.Compact, 1 << 20)), ControlJson.Default.AttachRequest);
        AssertRoundTrip(
            new AttachRequest("disk.img", "my.cow", "/", Store: new StoreRequest(StoreRequest.Compact, LimitBytes: 1L << 50)),
            ControlJson.Default.AttachRequest);
        AssertRoundTrip(new GrowRequest(1L << 50, 1, true), ControlJson.Default.GrowRequest);
        AssertRoundTrip(new GrowReply("/srv/my.cow", "/dev/cow/3", true, null, 1L << 50, new CowfileSpace(2, 1)), ControlJson.Default.GrowReply);
        AssertRoundTrip(new SnapshotRequest("new.cow", "/home/me", "/mnt"), ControlJson.Default.SnapshotRequest);
        AssertRoundTrip(new SnapshotReply(Samples.Device, "/home/me/old.cow", 1234), ControlJson.Default.SnapshotReply);
        AssertRoundTrip(new ForkRequest("clone.cow", "/home/me", "top.cow", 7, "/mnt"), ControlJson.Default.ForkRequest);
        AssertRoundTrip(
            new ForkReply(Samples.Device, new SnapshotReply(Samples.Device, "/home/me/old.cow", 1234), ["first"]),
            ControlJson.Default.ForkReply);
        AssertRoundTrip(new AttachReply(Samples.Device, ["first", "second"]), ControlJson.Default.AttachReply);
        AssertRoundTrip(Samples.Device, ControlJson.Default.DeviceStatus);
        AssertRoundTrip(Samples.Service, ControlJson.Default.ServiceStatus);
        AssertRoundTrip([Samples.Device, Samples.Device with { Number = 4 }], ControlJson.Default.IReadOnlyListDeviceStatus);
        AssertRoundTrip(Samples.Settings, ControlJson.Default.SettingsRequest);
        AssertRoundTrip(Samples.Device.Settings, ControlJson.Default.DeviceSettings);
        AssertRoundTrip(
            new ServiceEvent("low", DateTime.UnixEpoch, "80%", [new DeviceSpace(3, "/dev/cow/3", "/srv/my.cow", Samples.Device.Space)]),
            ControlJson.Default.ServiceEvent);
        AssertRoundTrip(new CowfileRequest(CowfileAccess.Closed), ControlJson.Default.CowfileRequest);
        AssertRoundTrip(new CowfileSpace(ulong.MaxValue, 1UL << 63), ControlJson.Default.CowfileSpace);
        AssertRoundTrip(new UnloadRequest(true), ControlJson.Default.UnloadRequest);
        AssertRoundTrip(new ErrorReply(new ErrorDetail("EBUSY", 16, "in use", "wait", "/a")), ControlJson.Default.ErrorReply);
    }

    [Fact]
    public void What_may_be_left_out_has_a_standard()
    {
        AttachRequest? request = JsonSerializer.Deserialize(
            """{"base":"disk.img","cowfile":"my.cow","directory":"/"}""",
            ControlJson.Default.AttachRequest);

        Assert.Equal(new AttachRequest("disk.img", "my.cow", "/"), request);
        Assert.Null(request!.Number);
        Assert.False(request.AcceptBase);
        Assert.False(request.Repair);
        Assert.Null(request.Settings);
    }

    [Fact]
    public void What_must_be_there_is_missed() =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize("""{"number":3}""", ControlJson.Default.DeviceStatus));

    /// <summary>A client understands a newer service; a service does nothing that it has understood in part.</summary>
    [Fact]
    public void Unknown_properties_are_skipped_in_a_reply_and_refused_in_a_request()
    {
        Assert.Equal(
            new CowfileSpace(2, 1),
            JsonSerializer.Deserialize("{\"totalKiB\":2,\"availableKiB\":1,\"later\":[1]}", ControlJson.Default.CowfileSpace));

        AssertNamed(() => JsonSerializer.Deserialize("{\"wait\":true,\"later\":[1]}", ControlJson.Default.UnloadRequest));
        AssertNamed(() => JsonSerializer.Deserialize("{\"access\":\"closed\",\"later\":1}", ControlJson.Default.CowfileRequest));
        AssertNamed(() => JsonSerializer.Deserialize("{\"later\":1}", ControlJson.Default.GrowRequest));
        AssertNamed(() => JsonSerializer.Deserialize("{\"onFull\":\"wait\",\"later\":1}", ControlJson.Default.SettingsRequest));
        AssertNamed(() => JsonSerializer.Deserialize(
            "{\"base\":\"a\",\"cowfile\":\"b\",\"directory\":\"/\",\"later\":null}",
            ControlJson.Default.AttachRequest));
        AssertNamed(() => JsonSerializer.Deserialize("{\"cowfile\":\"b\",\"directory\":\"/\",\"later\":1}", ControlJson.Default.SnapshotRequest));
        AssertNamed(() => JsonSerializer.Deserialize("{\"cowfile\":\"b\",\"directory\":\"/\",\"later\":1}", ControlJson.Default.ForkRequest));
        AssertNamed(() => JsonSerializer.Deserialize(
            "{\"base\":\"a\",\"cowfile\":\"\",\"directory\":\"/\",\"volatile\":{\"later\":1}}",
            ControlJson.Default.AttachRequest));

        static void AssertNamed(Action read) => Assert.Contains("'later'", Assert.Throws<JsonException>(read).Message, StringComparison.Ordinal);
    }

    /// <summary>So an older service grants a newer client what it can.</summary>
    [Fact]
    public void A_request_says_only_what_is_wanted()
    {
        Assert.Equal(["base", "cowfile", "directory"], NamesOf(new AttachRequest("disk.img", "my.cow", "/")));
        Assert.Equal(
            ["base", "cowfile", "directory", "number", "acceptBase", "repair", "verifyBase", "plain", "settings"],
            NamesOf(new AttachRequest("disk.img", "my.cow", "/", 0, true, true, true, true, new SettingsRequest())));
        Assert.Equal(
            ["base", "cowfile", "directory", "layers", "readOnly", "volatile", "sizeBytes", "store"],
            NamesOf(new AttachRequest(
                "disk.img",
                "",
                "/",
                Layers: [],
                ReadOnly: true,
                Volatile: new VolatileRequest(),
                SizeBytes: 1024,
                Store: new StoreRequest(StoreRequest.Compact))));
        Assert.Equal("{}", JsonSerializer.Serialize(new VolatileRequest(), ControlJson.Default.VolatileRequest));
        Assert.Equal("{}", JsonSerializer.Serialize(new GrowRequest(), ControlJson.Default.GrowRequest));
        Assert.Equal(
            ["cowfile", "directory"],
            NamesIn(JsonSerializer.SerializeToElement(new SnapshotRequest("new.cow", "/"), ControlJson.Default.SnapshotRequest)));
        Assert.Equal(
            ["cowfile", "directory"],
            NamesIn(JsonSerializer.SerializeToElement(new ForkRequest("new.cow", "/"), ControlJson.Default.ForkRequest)));
        Assert.Equal("{}", JsonSerializer.Serialize(new SettingsRequest(), ControlJson.Default.SettingsRequest));
        Assert.Equal(["hook"], NamesIn(JsonSerializer.SerializeToElement(new SettingsRequest(Hook: ""), ControlJson.Default.SettingsRequest)));

        static IEnumerable<string> NamesOf(AttachRequest request) => NamesIn(JsonSerializer.SerializeToElement(request, ControlJson.Default.AttachRequest));
    }

    [Fact]
    public void The_names_of_a_device_are_fixed()
    {
        using JsonDocument document = JsonDocument.Parse(JsonSerializer.Serialize(Samples.Device, ControlJson.Default.DeviceStatus));

        Assert.Equal(
            [
                "number", "path", "base", "basePath", "mode", "layers", "cowfile", "cowfilePath", "state", "cowfileAccess", "readOnly", "watched", "settings", "space",
                "failure", "merge", "sizeBytes", "sectorSize", "blockSize", "bitmapBlocks", "cowBlocks", "baseReads", "cowfileReads", "cowfileWrites", "opens", "kernelName",
                "deviceNumber", "partitions", "processId",
            ],
            document.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(["onFull", "warnAt", "hook"], NamesIn(document.RootElement.GetProperty("settings")));
        Assert.Equal(
            ["totalKiB", "availableKiB", "low", "full", "waiting", "waitingSince"],
            NamesIn(document.RootElement.GetProperty("space")));
    }

    [Fact]
    public void The_names_of_an_event_are_fixed()
    {
        var happened = new ServiceEvent("low", DateTime.UnixEpoch, "80%", [new DeviceSpace(3, "/dev/cow/3", "/srv/my.cow", Samples.Device.Space)]);
        using JsonDocument document = JsonDocument.Parse(JsonSerializer.Serialize(happened, ControlJson.Default.ServiceEvent));

        Assert.Equal(["event", "time", "mark", "devices"], NamesIn(document.RootElement));
        Assert.Equal(["number", "path", "cowfilePath", "space"], NamesIn(document.RootElement.GetProperty("devices")[0]));
        Assert.Equal("1970-01-01T00:00:00Z", document.RootElement.GetProperty("time").GetString());
    }

    [Fact]
    public void The_names_of_the_service_are_fixed()
    {
        using JsonDocument document = JsonDocument.Parse(JsonSerializer.Serialize(Samples.Service, ControlJson.Default.ServiceStatus));

        Assert.Equal(
            ["version", "processId", "maxDevices", "draining", "devices", "unrecovered", "orphanedUses"],
            document.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ["number", "path", "base", "basePath", "cowfile", "cowfilePath", "reason", "hint", "command"],
            document.RootElement.GetProperty("unrecovered")[0].EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ["number", "kernelName", "use", "mountPoint", "command"],
            document.RootElement.GetProperty("orphanedUses")[0].EnumerateObject().Select(property => property.Name));
    }

    [Theory]
    [InlineData(DeviceMode.Writable, "writable", "my.cow")]
    [InlineData(DeviceMode.Volatile, "volatile", "(volatile)")]
    [InlineData(DeviceMode.ReadOnly, "readOnly", "(read-only)")]
    public void A_mode_is_a_word_and_something_for_people(DeviceMode mode, string word, string text)
    {
        DeviceStatus device = Samples.Device with { Mode = mode };
        using JsonDocument document = JsonDocument.Parse(JsonSerializer.Serialize(device, ControlJson.Default.DeviceStatus));

        Assert.Equal(word, document.RootElement.GetProperty("mode").GetString());
        Assert.Equal(text, device.CowfileText);
    }

    /// <summary>A service that knows of no layers has none.</summary>
    [Fact]
    public void An_older_service_says_less_of_a_device()
    {
        var status = JsonSerializer.SerializeToNode(Samples.Device, ControlJson.Default.DeviceStatus)!.AsObject();
        Assert.True(status.Remove("layers"));
        Assert.True(status.Remove("mode"));

        DeviceStatus device = status.Deserialize(ControlJson.Default.DeviceStatus)!;

        Assert.Empty(device.Layers);
        Assert.Equal(DeviceMode.Writable, device.Mode);
    }

    [Theory]
    [InlineData(CowfileAccess.ReadWrite, "readWrite")]
    [InlineData(CowfileAccess.ReadOnly, "readOnly")]
    [InlineData(CowfileAccess.Closed, "closed")]
    public void An_access_is_a_word(CowfileAccess access, string word)
    {
        using JsonDocument document = JsonDocument.Parse(JsonSerializer.Serialize(
            Samples.Device with { CowfileAccess = access },
            ControlJson.Default.DeviceStatus));

        Assert.Equal(word, document.RootElement.GetProperty("cowfileAccess").GetString());
        Assert.Equal(
            new CowfileRequest(access),
            JsonSerializer.Deserialize($$"""{"access":"{{word}}"}""", ControlJson.Default.CowfileRequest));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("\"1\"")]
    [InlineData("\"open\"")]
    [InlineData("null")]
    public void Anything_else_is_no_access(string value) => Assert.Throws<JsonException>(
        () => JsonSerializer.Deserialize($$"""{"access":{{value}}}""", ControlJson.Default.CowfileRequest));

    private static IEnumerable<string> NamesIn(JsonElement element) => element.EnumerateObject().Select(property => property.Name);

    private static void AssertRoundTrip<T>(T value, JsonTypeInfo<T> type)
    {
        string text = JsonSerializer.Serialize(value, type);
        T? back = JsonSerializer.Deserialize(text, type);

        // Lists in records are equal by reference only, hence the text; that nothing is lost in it, the names above show.
        Assert.NotNull(back);
        Assert.Equal(text, JsonSerializer.Serialize(back, type));
        Assert.Equivalent(value, back, strict: true);
    }
}
