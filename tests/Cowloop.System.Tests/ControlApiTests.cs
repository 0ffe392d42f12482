using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The control API as any HTTP client sees it.</summary>
public class ControlApiTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int Unmatched = 404;

    [RootFact("curl")]
    public void The_api_describes_itself()
    {
        Start();
        (int status, JsonElement description) = Call("GET", "openapi.json");
        Assert.Equal(200, status);
        JsonElement paths = description.GetProperty("paths");
        Assert.Equal(
            [
                "/v1/devices",
                "/v1/devices/{number}",
                "/v1/devices/{number}/cowfile",
                "/v1/devices/{number}/space",
                "/v1/devices/{number}/space/wait",
                "/v1/events",
                "/v1/service",
                "/v1/service/sync",
                "/v1/service/unload",
            ],
            paths.EnumerateObject().Select(path => path.Name).Order(StringComparer.Ordinal));
        Assert.StartsWith("3.", description.GetProperty("openapi").GetString(), StringComparison.Ordinal);
    }

    [RootFact]
    public void Only_root_may_open_the_socket()
    {
        Start();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Service.Paths.ControlSocket));
    }

    [RootFact("curl")]
    public void A_device_is_attached_listed_and_deleted()
    {
        string image = NumbersBase();
        Start();
        (int status, JsonElement reply) = Call("POST", "v1/devices", Request(image, Temp["x.cow"]));
        Assert.Equal(201, status);
        Assert.Empty(reply.GetProperty("warnings").EnumerateArray());
        JsonElement device = reply.GetProperty("device");
        Assert.Equal(0, device.GetProperty("number").GetInt32());
        Assert.Equal(Service.Node(0), device.GetProperty("path").GetString());
        Assert.Equal(1024 * 1024, device.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(Service.Node(0)));

        (_, JsonElement list) = Call("GET", "v1/devices");
        Assert.Equal("0", Assert.Single(list.EnumerateArray().Select(listed => listed.GetProperty("number").ToString())));
        (status, JsonElement one) = Call("GET", "v1/devices/0");
        Assert.Equal(200, status);
        Assert.Equal(Temp["x.cow"], one.GetProperty("cowfilePath").GetString());
        (_, JsonElement whole) = Call("GET", "v1/service");
        Assert.Equal(Service.ProcessId, whole.GetProperty("processId").GetInt32());

        Assert.Equal(204, Call("POST", "v1/service/sync").Status);
        Assert.Equal(204, Call("DELETE", "v1/devices/0").Status);
        Assert.False(File.Exists(Service.Node(0)));
        Assert.Equal(404, Call("DELETE", "v1/devices/0").Status);
    }

    [RootTheory("curl")]
    [InlineData("{bad")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"base\": 7, \"cowfile\": \"x\", \"directory\": \"/\"}")]
    [InlineData("{\"base\": \"x\", \"cowfile\": \"x\", \"directory\": \"/\", \"number\": \"many\"}")]
    [InlineData("{\"base\": \"x\", \"cowfile\": \"x\", \"directory\": \"relative\"}")]
    [InlineData("{\"base\": null, \"cowfile\": null, \"directory\": null}")]
    public void Malformed_requests_are_refused_with_an_error_body(string body)
    {
        Start();
        (int status, JsonElement reply) = Call("POST", "v1/devices", body);
        Assert.Equal(400, status);
        MustBeError(reply, "EINVAL");
    }

    [RootTheory("curl")]
    [InlineData("GET", "v1/devices/7", Unmatched, "ENODEV")]
    [InlineData("DELETE", "v1/devices/7", Unmatched, "ENODEV")]
    [InlineData("GET", "v1/devices/7/space", Unmatched, "ENODEV")]
    [InlineData("GET", "v1/devices/7/space/wait?thresholdKiB=0", Unmatched, "ENODEV")]
    [InlineData("GET", "v1/nothing", Unmatched, "ENODEV")]
    [InlineData("GET", "v1/devices/many", Unmatched, "ENODEV")]
    public void Unknown_things_are_not_found(string method, string path, int expected, string code)
    {
        Start();
        (int status, JsonElement reply) = Call(method, path);
        Assert.Equal(expected, status);
        MustBeError(reply, code);
    }

    [RootFact("curl")]
    public void A_refusal_carries_code_reason_and_path()
    {
        string image = NumbersBase();
        Start();
        (int status, JsonElement reply) = Call("POST", "v1/devices", Request(Temp["missing"], Temp["x.cow"]));
        Assert.Equal(400, status);
        MustBeError(reply, "EINVAL");
        Assert.Equal(Temp["missing"], reply.GetProperty("error").GetProperty("path").GetString());

        CowDisk disk = Attach(image);
        (status, reply) = Call("POST", "v1/devices", Request(image, disk.Cowfile));
        Assert.Equal(409, status);
        MustBeError(reply, "EBUSY");
    }

    [RootFact("curl")]
    public void A_request_that_is_too_large_is_refused()
    {
        Start();
        // Not more than the socket holds: the answer comes before all of it is read, and the connection ends.
        (int status, _) = Call("POST", "v1/devices", Request(new string('x', 70_000), "y"));
        Assert.InRange(status, 400, 499);
        Assert.Equal(200, Call("GET", "v1/service").Status);
    }

    [RootFact("curl")]
    public void Sixteen_requests_at_once_get_sixteen_numbers()
    {
        string image = NumbersBase();
        Start();
        (int Status, JsonElement Reply)[] results = AtOnce(16, index => Request(image, Temp[$"{index}.cow"]));
        Assert.All(results, result => Assert.Equal(201, result.Status));
        int[] numbers = [.. results.Select(result => result.Reply.GetProperty("device").GetProperty("number").GetInt32()).Order()];
        Assert.Equal(Enumerable.Range(0, 16), numbers);
        (int status, _) = Call("POST", "v1/devices", Request(image, Temp["16.cow"]));
        Assert.Equal(409, status);
    }

    [RootFact("curl")]
    public void A_cowfile_is_given_up_step_by_step()
    {
        CowDisk disk = Attach(NumbersBase());
        (int status, JsonElement reply) = Call("POST", "v1/devices/0/cowfile", """{"access": "readWrite"}""");
        Assert.Equal(400, status);
        MustBeError(reply, "EINVAL");
        Assert.Equal(204, Call("POST", "v1/devices/0/cowfile", """{"access": "readOnly"}""").Status);
        (status, reply) = Call("POST", "v1/devices/0/cowfile", """{"access": "readOnly"}""");
        Assert.Equal(400, status);
        MustBeError(reply, "EINVAL");
        Assert.Equal("readOnly", Call("GET", "v1/devices/0").Reply.GetProperty("cowfileAccess").GetString());
        Assert.Equal(204, Call("POST", "v1/devices/0/cowfile", """{"access": "closed"}""").Status);
        Assert.Equal(204, Call("POST", "v1/devices/0/cowfile", """{"access": "closed"}""").Status);
        Assert.Equal("closed", Service.Status(disk).GetProperty("cowfileAccess").GetString());
    }

    [RootTheory("curl")]
    [InlineData("{}")]
    [InlineData("{\"access\": 1}")]
    [InlineData("{\"access\": null}")]
    [InlineData("{\"access\": \"open\"}")]
    public void What_is_no_access_changes_nothing(string body)
    {
        CowDisk disk = Attach(NumbersBase());
        (int status, JsonElement reply) = Call("POST", "v1/devices/0/cowfile", body);
        Assert.Equal(400, status);
        MustBeError(reply, "EINVAL");
        Assert.Equal("readWrite", Service.Status(disk).GetProperty("cowfileAccess").GetString());
    }

    [RootFact("curl")]
    public void Space_is_told_at_once_or_when_it_runs_short()
    {
        CowDisk disk = Attach(NumbersBase());
        (int status, JsonElement space) = Call("GET", "v1/devices/0/space");
        Assert.Equal(200, status);
        Assert.InRange(space.GetProperty("availableKiB").GetUInt64(), 0UL, space.GetProperty("totalKiB").GetUInt64());
        Assert.Equal(200, Call("GET", "v1/devices/0/space/wait?thresholdKiB=18446744073709551615").Status);

        Task<(int Status, JsonElement Reply)> waiting = Task.Run(() => Call("GET", "v1/devices/0/space/wait?thresholdKiB=0"));
        Poll.Until("it waits", () => Service.Status(disk).GetProperty("watched").GetBoolean());
        (status, JsonElement reply) = Call("GET", "v1/devices/0/space/wait?thresholdKiB=0");
        Assert.Equal(409, status);
        MustBeError(reply, "EAGAIN");
        Service.Detach(disk);
        Assert.Equal(200, waiting.Result.Status);
        Assert.Equal(space.GetProperty("totalKiB").GetUInt64(), waiting.Result.Reply.GetProperty("totalKiB").GetUInt64());
    }

    [RootTheory("curl")]
    [InlineData("")]
    [InlineData("?thresholdKiB=-1")]
    [InlineData("?thresholdKiB=12k")]
    [InlineData("?thresholdKiB=18446744073709551616")]
    public void A_threshold_is_an_unsigned_number(string query)
    {
        Attach(NumbersBase());
        (int status, JsonElement reply) = Call("GET", $"v1/devices/0/space/wait{query}");
        Assert.Equal(400, status);
        MustBeError(reply, "EINVAL");
    }

    [RootFact("curl")]
    public void Who_goes_away_waits_no_more()
    {
        CowDisk disk = Attach(NumbersBase());
        string[] limited = ["--silent", "--max-time", "0.5", "--unix-socket", Service.Paths.ControlSocket];
        Assert.NotEqual(0, Shell.Try("curl", [.. limited, "http://cowloop/v1/devices/0/space/wait?thresholdKiB=0"]).ExitCode);
        Poll.Until("nobody waits any more", () => !Service.Status(disk).GetProperty("watched").GetBoolean());
        Assert.DoesNotContain("unexpected", Service.Log, StringComparison.Ordinal);
    }

    private static void MustBeError(JsonElement reply, string code)
    {
        JsonElement error = reply.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEqual("", error.GetProperty("reason").GetString());
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
    }

    private static string Request(string image, string cowfile) =>
        $$"""{"base": "{{image}}", "cowfile": "{{cowfile}}", "directory": "/"}""";

    private void Start()
    {
        if (!Service.IsRunning)
        {
            Service.Cowloop("load").MustSucceed();
        }
    }

    private (int Status, JsonElement Reply)[] AtOnce(int count, Func<int, string> request) =>
        [.. Enumerable.Range(0, count).AsParallel().WithDegreeOfParallelism(count).Select(index => Call("POST", "v1/devices", request(index)))];

    private (int Status, JsonElement Reply) Call(string method, string path, string? body = null)
    {
        string[] content = body is null ? [] : ["--header", "content-type: application/json", "--data-binary", "@-"];
        CommandResult result = Shell.Try(
            new ShellOptions { Input = body ?? "" },
            "curl",
            ["--silent", "--show-error", "--unix-socket", Service.Paths.ControlSocket, "--request", method, "--write-out", "\n%{http_code}", .. content, $"http://cowloop/{path}"]);
        string text = result.MustSucceed().Output;
        int end = text.LastIndexOf('\n');
        int status = int.Parse(text.AsSpan(end + 1), System.Globalization.CultureInfo.InvariantCulture);
        if (end == 0)
        {
            return (status, default);
        }
        using var reply = JsonDocument.Parse(text[..end]);
        return (status, reply.RootElement.Clone());
    }
}
