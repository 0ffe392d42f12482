using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The control API as any HTTP client sees it. What it refuses is in ControlApiRefusalTests.cs and its neighbours.</summary>
public partial class ControlApiTests(CowService service, ITestOutputHelper output) : ControlApiTest(service, output)
{
    [RootFact("curl")]
    public void The_api_describes_itself()
    {
        Start();
        using var document = JsonDocument.Parse(
            Shell.Run("curl", "--silent", "--show-error", "--unix-socket", Service.Paths.ControlSocket, "http://cowloop/openapi.json").Output);
        JsonElement description = document.RootElement;
        Assert.StartsWith("3.", description.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            [
                "/v1/devices",
                "/v1/devices/{number}",
                "/v1/devices/{number}/cowfile",
                "/v1/devices/{number}/fork",
                "/v1/devices/{number}/grow",
                "/v1/devices/{number}/layers/merge",
                "/v1/devices/{number}/rollback",
                "/v1/devices/{number}/snapshot",
                "/v1/devices/{number}/space",
                "/v1/devices/{number}/space/wait",
                "/v1/events",
                "/v1/service",
                "/v1/service/sync",
                "/v1/service/unload",
            ],
            Paths(description).Select(path => path.Name).Order(StringComparer.Ordinal));
    }

    [RootFact]
    public void The_table_of_requests_in_the_documentation_is_complete()
    {
        IEnumerable<string> described = Paths(Call("GET", "openapi.json").Body)
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));
        IEnumerable<string> documented = RequestInTable().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs/api.md")))
            .Select(match => match.Groups[1].Value);
        Assert.Equal(described.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [RootFact]
    public void Every_call_is_described_with_its_refusals_and_every_request_is_closed()
    {
        JsonElement description = Call("GET", "openapi.json").Body;
        foreach (JsonElement call in Paths(description).SelectMany(path => path.Value.EnumerateObject()).Select(method => method.Value))
        {
            Assert.NotEqual("", call.GetProperty("summary").GetString());
            Assert.Superset(
                new HashSet<string> { "400", "403", "404", "409", "413", "415", "500", "503", "507" },
                call.GetProperty("responses").EnumerateObject().Select(response => response.Name).ToHashSet());
        }
        JsonElement schemas = description.GetProperty("components").GetProperty("schemas");
        Assert.Equal(
            ["AttachRequest", "CowfileRequest", "ForkRequest", "GrowRequest", "SettingsRequest", "SnapshotRequest", "StoreRequest", "UnloadRequest", "VolatileRequest"],
            schemas.EnumerateObject().Select(schema => schema.Name).Where(name => name.EndsWith("Request", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        foreach (JsonProperty schema in schemas.EnumerateObject())
        {
            // A reply may grow; a request says nothing that is not understood.
            Assert.Equal(schema.Name.EndsWith("Request", StringComparison.Ordinal), schema.Value.TryGetProperty("additionalProperties", out _));
        }
    }

    [RootFact]
    public void A_device_is_attached_listed_and_deleted()
    {
        string image = NumbersBase();
        ApiReply reply = Call("POST", "v1/devices", Pair(image, Temp["x.cow"]));
        Assert.Equal(201, reply.Status);
        Assert.Empty(reply.Body.GetProperty("warnings").EnumerateArray());
        JsonElement device = reply.Body.GetProperty("device");
        Assert.Equal(0, device.GetProperty("number").GetInt32());
        Assert.Equal(Service.Node(0), device.GetProperty("path").GetString());
        Assert.Equal(1024 * 1024, device.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(Service.Node(0)));

        JsonElement list = Call("GET", "v1/devices").Body;
        Assert.Equal("0", Assert.Single(list.EnumerateArray().Select(listed => listed.GetProperty("number").ToString())));
        ApiReply one = Call("GET", "v1/devices/0");
        Assert.Equal(200, one.Status);
        Assert.Equal(Temp["x.cow"], one.Body.GetProperty("cowfilePath").GetString());
        Assert.Equal(Service.ProcessId, Call("GET", "v1/service").Body.GetProperty("processId").GetInt32());

        Assert.Equal(204, Call("POST", "v1/service/sync").Status);
        Assert.Equal(204, Call("DELETE", "v1/devices/0").Status);
        Assert.False(File.Exists(Service.Node(0)));
        Call("DELETE", "v1/devices/0").MustRefuse(404, "ENODEV");
    }

    [RootFact]
    public void Sixteen_requests_at_once_get_sixteen_numbers()
    {
        string image = NumbersBase();
        ApiReply[] replies = Poll.UntilDone(
            "all are answered",
            Task.WhenAll(Enumerable.Range(0, 16).Select(index => Api.CallAsync("POST", "v1/devices", Pair(image, Temp[$"{index}.cow"])))));
        Assert.All(replies, reply => Assert.Equal(201, reply.Status));
        int[] numbers = [.. replies.Select(reply => reply.Body.GetProperty("device").GetProperty("number").GetInt32()).Order()];
        Assert.Equal(Enumerable.Range(0, 16), numbers);
        Call("POST", "v1/devices", Pair(image, Temp["16.cow"])).MustRefuse(409, "EBUSY");
    }

    [RootFact]
    public void A_cowfile_is_given_up_step_by_step()
    {
        CowDisk disk = AttachByApi();
        Restrict("readWrite").MustRefuse(400, "EINVAL");
        Assert.Equal(204, Restrict("readOnly").Status);
        Restrict("readOnly").MustRefuse(400, "EINVAL");
        Assert.Equal("readOnly", Call("GET", "v1/devices/0").Body.GetProperty("cowfileAccess").GetString());
        Assert.Equal(204, Restrict("closed").Status);
        Assert.Equal(204, Restrict("closed").Status);
        Assert.Equal("closed", Service.Status(disk).GetProperty("cowfileAccess").GetString());

        ApiReply Restrict(string access) => Call("POST", "v1/devices/0/cowfile", $$"""{"access": "{{access}}"}""");
    }

    [RootFact]
    public void Space_is_told_at_once_or_when_it_runs_short()
    {
        CowDisk disk = AttachByApi();
        ApiReply space = Call("GET", "v1/devices/0/space");
        Assert.Equal(200, space.Status);
        ulong totalKiB = space.Body.GetProperty("totalKiB").GetUInt64();
        Assert.InRange(space.Body.GetProperty("availableKiB").GetUInt64(), 0UL, totalKiB);
        Assert.Equal(200, Call("GET", "v1/devices/0/space/wait?thresholdKiB=18446744073709551615").Status);

        Task<ApiReply> waiting = Api.CallAsync("GET", "v1/devices/0/space/wait?thresholdKiB=0");
        Poll.Until("it waits", () => Service.Status(disk).GetProperty("watched").GetBoolean());
        Call("GET", "v1/devices/0/space/wait?thresholdKiB=0").MustRefuse(409, "EAGAIN");
        Service.Detach(disk);
        ApiReply waited = Poll.UntilDone("the waiting one hears of it", waiting);
        Assert.Equal(200, waited.Status);
        Assert.Equal(totalKiB, waited.Body.GetProperty("totalKiB").GetUInt64());
    }

    [RootFact]
    public void Settings_that_are_not_named_stay_as_they_are()
    {
        AttachByApi();
        Assert.Equal(("error", "", ""), SettingsOf(Call("GET", "v1/devices/0")));
        Assert.Equal(("wait:5", "", ""), SettingsOf(Call("PATCH", "v1/devices/0", """{"onFull": "wait:5"}""")));
        Assert.Equal(("wait:5", "80%", ""), SettingsOf(Call("PATCH", "v1/devices/0", """{"onFull": null, "warnAt": "80%"}""")));
        Assert.Equal(("wait:5", "80%", ""), SettingsOf(Call("PATCH", "v1/devices/0", "{}")));
        Assert.Equal(("error", "", ""), SettingsOf(Call("PATCH", "v1/devices/0", """{"onFull": "error", "warnAt": "", "hook": ""}""")));

        static (string? OnFull, string? WarnAt, string? Hook) SettingsOf(ApiReply reply)
        {
            Assert.Equal(200, reply.Status);
            JsonElement settings = reply.Body.GetProperty("settings");
            return (settings.GetProperty("onFull").GetString(), settings.GetProperty("warnAt").GetString(), settings.GetProperty("hook").GetString());
        }
    }

    [RootFact("curl")]
    public void Who_goes_away_waits_no_more()
    {
        CowDisk disk = AttachByApi();
        string[] limited = ["--silent", "--max-time", "0.5", "--unix-socket", Service.Paths.ControlSocket];
        Assert.NotEqual(0, Shell.Try("curl", [.. limited, "http://cowloop/v1/devices/0/space/wait?thresholdKiB=0"]).ExitCode);
        Poll.Until("nobody waits any more", () => !Service.Status(disk).GetProperty("watched").GetBoolean());
        Assert.DoesNotContain("unexpected", Service.Log, StringComparison.Ordinal);
    }

    private static JsonElement.ObjectEnumerator Paths(JsonElement description) => description.GetProperty("paths").EnumerateObject();

    [GeneratedRegex(@"^\| `([A-Z]+ /\S+)` \|", RegexOptions.Multiline)]
    private static partial Regex RequestInTable();
}
