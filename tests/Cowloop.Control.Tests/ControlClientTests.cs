using System.Text.Json;
using System.Text.RegularExpressions;
using Cowloop.Control.Tests.Support;
using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Control.Tests;

/// <summary>What the client sends, and what it makes of the answers. A service that can't be reached is in ControlClientConnectTests.cs.</summary>
public sealed class ControlClientTests : IDisposable
{
    private readonly FakeService _service = new();
    private readonly ControlClient _client;

    public ControlClientTests() => _client = new ControlClient(_service.Paths);

    public void Dispose()
    {
        _client.Dispose();
        _service.Dispose();
    }

    [Fact]
    public void A_running_service_is_seen_without_a_request()
    {
        Assert.True(_client.IsServiceRunning);
        _client.Connect();

        Assert.Empty(_service.Requests);
    }

    [Fact]
    public void Attach_sends_the_request_and_reads_the_device()
    {
        _service.Answer = FakeService.Reply(201, JsonSerializer.Serialize(
            new AttachReply(Samples.Device, ["careful"]),
            ControlJson.Default.AttachReply));
        var request = new AttachRequest("disk.img", "my.cow", "/home/me", 3);

        AttachReply reply = _client.Attach(request);

        Assert.Equivalent(Samples.Device, reply.Device, strict: true);
        Assert.Equal(["careful"], reply.Warnings);
        string sent = Assert.Single(_service.Requests);
        Assert.StartsWith("POST /v1/devices {", sent, StringComparison.Ordinal);
        Assert.Equal(request, JsonSerializer.Deserialize(sent.AsSpan(sent.IndexOf('{', StringComparison.Ordinal)), ControlJson.Default.AttachRequest));
    }

    [Fact]
    public void A_snapshot_and_a_fork_are_asked_of_their_device()
    {
        var snapshot = new SnapshotReply(Samples.Device, "/home/me/old.cow", 1234);
        _service.Answer = FakeService.Reply(200, JsonSerializer.Serialize(snapshot, ControlJson.Default.SnapshotReply));
        Assert.Equivalent(snapshot, _client.Snapshot(3, new SnapshotRequest("new.cow", "/home/me")), strict: true);

        var fork = new ForkReply(Samples.Device, null, []);
        _service.Answer = FakeService.Reply(201, JsonSerializer.Serialize(fork, ControlJson.Default.ForkReply));
        Assert.Equivalent(fork, _client.Fork(4, new ForkRequest("clone.cow", "/home/me")), strict: true);

        Assert.Collection(
            _service.Requests,
            sent => Assert.StartsWith("POST /v1/devices/3/snapshot {", sent, StringComparison.Ordinal),
            sent => Assert.StartsWith("POST /v1/devices/4/fork {", sent, StringComparison.Ordinal));
    }

    [Fact]
    public void A_rollback_needs_no_more_than_its_device()
    {
        _client.Rollback(5);

        Assert.Equal(["POST /v1/devices/5/rollback"], _service.Requests);
    }

    [Fact]
    public void Grow_sends_what_is_wanted_and_reads_what_there_is()
    {
        var reply = new GrowReply("/srv/my.cow", "/dev/cow/3", OnDevice: false, 1 << 20, 1L << 40, new CowfileSpace(2, 1));
        _service.Answer = FakeService.Reply(200, JsonSerializer.Serialize(reply, ControlJson.Default.GrowReply));

        Assert.Equal(reply, _client.Grow(3, new GrowRequest(LimitBytes: 1L << 40)));

        string sent = Assert.Single(_service.Requests);
        Assert.StartsWith("POST /v1/devices/3/grow {", sent, StringComparison.Ordinal);
        Assert.Contains("1099511627776", sent, StringComparison.Ordinal);
    }

    [Fact]
    public void Detach_and_sync_name_what_they_mean()
    {
        _client.Detach(1021);
        _client.Sync();

        Assert.Equal(["DELETE /v1/devices/1021", "POST /v1/service/sync"], _service.Requests);
    }

    [Fact]
    public void The_state_is_read()
    {
        _service.Answer = FakeService.Reply(200, JsonSerializer.Serialize(Samples.Device, ControlJson.Default.DeviceStatus));
        Assert.Equivalent(Samples.Device, _client.GetDevice(3), strict: true);
        _service.Answer = FakeService.Reply(200, JsonSerializer.Serialize(Samples.Service, ControlJson.Default.ServiceStatus));
        Assert.Equivalent(Samples.Service, _client.GetService(), strict: true);

        Assert.Equal(["GET /v1/devices/3", "GET /v1/service"], _service.Requests);
    }

    [Fact]
    public void Configure_sends_what_is_set_and_reads_the_device()
    {
        _service.Answer = FakeService.Reply(200, JsonSerializer.Serialize(Samples.Device, ControlJson.Default.DeviceStatus));
        var settings = new SettingsRequest(OnFull: "wait", Hook: "");

        Assert.Equivalent(Samples.Device, _client.Configure(3, settings), strict: true);

        string sent = Assert.Single(_service.Requests);
        Assert.StartsWith("PATCH /v1/devices/3 {", sent, StringComparison.Ordinal);
        Assert.Equal(settings, JsonSerializer.Deserialize(sent.AsSpan(sent.IndexOf('{', StringComparison.Ordinal)), ControlJson.Default.SettingsRequest));
    }

    [Fact]
    public void Events_are_read_until_the_service_ends()
    {
        var space = new DeviceSpace(3, "/dev/cow/3", "/srv/my.cow", Samples.Device.Space);
        ServiceEvent[] sent =
        [
            new("state", DateTime.UnixEpoch, null, []),
            new("low", DateTime.UnixEpoch, "80%", [space]),
            new("detached", DateTime.UnixEpoch, null, [space]),
        ];
        // The JSON has several lines; a comment keeps a connection alive.
        string text = ": hello\n\n" + string.Concat(sent.Select(happened =>
            $"event: {happened.Event}\ndata: {JsonSerializer.Serialize(happened, ControlJson.Default.ServiceEvent).Replace("\n", "\ndata: ", StringComparison.Ordinal)}\n\n"));
        _service.Answer = FakeService.Reply(200, text, "text/event-stream");

        Assert.Equivalent(sent, _client.Listen().ToArray(), strict: true);
        Assert.Equal(["GET /v1/events"], _service.Requests);
    }

    [Fact]
    public void Events_of_a_service_that_dies_end_with_an_error()
    {
        string text = $"data: {JsonSerializer.Serialize(new ServiceEvent("state", DateTime.UnixEpoch, null, []), ControlJson.Default.ServiceEvent).ReplaceLineEndings("")}\n\n";
        _service.Answer = FakeService.Reply(200, $"{text}:{new string(' ', 100)}", "text/event-stream").TrimEnd();
        using IEnumerator<ServiceEvent> events = _client.Listen().GetEnumerator();

        Assert.True(events.MoveNext());
        CowloopException exception = Assert.Throws<CowloopException>(() => events.MoveNext());

        Assert.Equal(Errno.EIO, exception.Errno);
        Assert.Contains("went away", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_to_listen_is_thrown_as_it_was()
    {
        var error = new CowloopException(Errno.EAGAIN, "64 programs listen already");
        _service.Answer = FakeService.Reply(409, JsonSerializer.Serialize(ControlJson.Describe(error), ControlJson.Default.ErrorReply));

        Assert.Equal(Errno.EAGAIN, Assert.Throws<CowloopException>(() => _client.Listen().First()).Errno);
    }

    [Fact]
    public void Restrict_says_what_is_left()
    {
        _client.RestrictCowfile(3, CowfileAccess.ReadOnly);
        _client.RestrictCowfile(4, CowfileAccess.Closed);

        Assert.Equal(["3 readOnly", "4 closed"], _service.Requests.Select(sent =>
        {
            Match match = Regex.Match(sent, """^POST /v1/devices/(\d+)/cowfile \{\s*"access": "(\w+)"\s*\}$""");
            Assert.True(match.Success, sent);
            return $"{match.Groups[1]} {match.Groups[2]}";
        }));
    }

    [Fact]
    public void Space_is_asked_for_or_waited_for()
    {
        var space = new CowfileSpace(1UL << 60, 12);
        _service.Answer = FakeService.Reply(200, JsonSerializer.Serialize(space, ControlJson.Default.CowfileSpace));

        Assert.Equal(space, _client.GetSpace(3));
        Assert.Equal(space, _client.WaitForSpace(3, 0));
        Assert.Equal(space, _client.WaitForSpace(3, ulong.MaxValue));

        Assert.Equal(
            ["GET /v1/devices/3/space", "GET /v1/devices/3/space/wait?thresholdKiB=0", "GET /v1/devices/3/space/wait?thresholdKiB=18446744073709551615"],
            _service.Requests);
    }

    [Fact]
    public void Unload_returns_when_the_service_is_gone()
    {
        _service.EndsNext = true;

        _client.Unload(wait: true);

        Assert.False(_client.IsServiceRunning);
        string sent = Assert.Single(_service.Requests);
        Assert.StartsWith("POST /v1/service/unload {", sent, StringComparison.Ordinal);
        Assert.Equal(
            new UnloadRequest(true),
            JsonSerializer.Deserialize(sent.AsSpan(sent.IndexOf('{', StringComparison.Ordinal)), ControlJson.Default.UnloadRequest));
    }

    [Fact]
    public void An_error_of_the_service_is_thrown_as_it_was()
    {
        var error = new CowloopException(Errno.EBUSY, "my.cow is in use", "close it") { Path = "/home/me/my.cow" };
        _service.Answer = FakeService.Reply(409, JsonSerializer.Serialize(ControlJson.Describe(error), ControlJson.Default.ErrorReply));

        CowloopException exception = Assert.Throws<CowloopException>(() => _client.Detach(3));

        Assert.Equal(
            (error.Errno, error.Message, error.Hint, error.Path),
            (exception.Errno, exception.Message, exception.Hint, exception.Path));
        Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => _client.Unload(wait: false)).Errno);
    }

    [Fact]
    public void An_error_without_explanation_names_the_log()
    {
        _service.Answer = FakeService.Reply(500, "<html>", "text/html");

        CowloopException exception = Assert.Throws<CowloopException>(() => _client.Sync());

        Assert.Equal(Errno.EIO, exception.Errno);
        Assert.Contains("500", exception.Message, StringComparison.Ordinal);
        Assert.Contains(_service.Paths.Log, exception.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_service_that_dies_in_between_is_an_error()
    {
        _service.Answer = "";
        Assert.Equal(Errno.EIO, Assert.Throws<CowloopException>(() => _client.GetService()).Errno);

        _service.Answer = FakeService.Reply(200, new string(' ', 100)).TrimEnd();
        CowloopException exception = Assert.Throws<CowloopException>(() => _client.GetService());

        Assert.Equal(Errno.EIO, exception.Errno);
        Assert.Contains("went away", exception.Message, StringComparison.Ordinal);
        Assert.Contains(_service.Paths.Log, exception.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_of_nothing_is_an_error()
    {
        _service.Answer = FakeService.Reply(200, "null");

        Assert.Equal(Errno.EIO, Assert.Throws<CowloopException>(() => _client.GetService()).Errno);
    }
}
