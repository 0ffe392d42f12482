using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Requests that make no sense are refused with a reason, and leave nothing behind.</summary>
public class ControlApiRefusalTests(CowService service, ITestOutputHelper output) : ControlApiTest(service, output)
{
    private const string Attachable = """ "base": "R", "cowfile": "x.cow" """;

    /// <summary>B is the start of a request that would be granted: what follows is the only thing wrong with it.</summary>
    private static readonly (string Body, string Reason)[] ImproperActivations =
    [
        ("", "AttachRequest"),
        ("{bad", "'b' is an invalid start"),
        ("{", "at the end of the JSON"),
        ("null", "AttachRequest"),
        ("[]", "AttachRequest"),
        ("7", "AttachRequest"),
        ("{}", "'base', 'cowfile', 'directory'"),
        ("B}", "'directory'"),
        ("""B, "directory": "D"} {}""", "after a single JSON value"),
        ("""B, "directory": "D",}""", "trailing comma"),
        ("""/* c */ B, "directory": "D"}""", "invalid start"),
        ("""B, "directory": null}""", "directory"),
        ("""B, "directory": 7}""", "$.directory"),
        ("""B, "directory": ["D"]}""", "$.directory"),
        ("""B, "directory": "D", "number": "1"}""", "$.number"),
        ("""B, "directory": "D", "number": "many"}""", "$.number"),
        ("""B, "directory": "D", "number": 1.5}""", "$.number"),
        ("""B, "directory": "D", "number": 1e400}""", "$.number"),
        ("""B, "directory": "D", "number": 99999999999999999999}""", "$.number"),
        ("""B, "directory": "D", "number": -2147483648}""", "-2147483648"),
        ("""B, "directory": "D", "number": 2147483647}""", "2147483647"),
        ("""B, "directory": "D", "number": -1}""", "from 0 to 15"),
        ("""B, "directory": "D", "number": 16}""", "from 0 to 15"),
        ("""B, "directory": "D", "repair": 1}""", "$.repair"),
        ("""B, "directory": "D", "repair": "yes"}""", "$.repair"),
        ("""B, "directory": "D", "acceptbase": true}""", "'acceptbase'"),
        ("""B, "directory": "D", "later": {"a": [1]}}""", "'later'"),
        ("""B, "directory": "D", "cowfile": "y.cow"}""", "'cowfile'"),
        ("""B, "directory": "D", "settings": "wait"}""", "$.settings"),
        ("""B, "directory": "D", "settings": {"onFull": true}}""", "$.settings.onFull"),
        ("""B, "directory": "D", "settings": {"later": 1}}""", "'later'"),
        ("""B, "directory": "D", "settings": {"onFull": "panic"}}""", "'panic' does not say what to do"),
        ("""B, "directory": "D\ud800"}""", "$.directory"),
        ("""B, "directory": "D\udc00\ud800"}""", "$.directory"),
        ("""B, "directory": "D\u0000"}""", "zero byte"),
        ("""{"base": "R", "directory": "D", "cowfile": "x.cow\u0000"}""", "zero byte"),
        ("""{"base": "R\u0000", "directory": "D", "cowfile": "x.cow"}""", "zero byte"),
        ("""B, "directory": "relative"}""", "'relative' is not an absolute path"),
        ("""B, "directory": ""}""", "'' is not an absolute path"),
        ("""{"base": "", "directory": "D", "cowfile": "x.cow"}""", "specify name for read-only file"),
        ("""{"base": "R", "directory": "D", "cowfile": ""}""", "specify name of copy-on-write file"),
        ("""{"base": "R", "directory": "D", "cowfile": "."}""", "Is a directory"),
        ("""{"base": "/proc/self/mem", "directory": "D", "cowfile": "x.cow"}""", "no contents"),
        ("""{"base": "/dev/zero", "directory": "D", "cowfile": "x.cow"}""", "not regular file"),
    ];

    private static readonly (string Method, string Path, int Status, string Code, string Reason)[] UnknownThings =
    [
        ("GET", "v1/devices/7", 404, "ENODEV", "not active"),
        ("DELETE", "v1/devices/7", 404, "ENODEV", "not active"),
        ("GET", "v1/devices/7/space", 404, "ENODEV", "not active"),
        ("GET", "v1/devices/7/space/wait?thresholdKiB=0", 404, "ENODEV", "not active"),
        ("GET", "v1/devices/16", 400, "EINVAL", "from 0 to 15"),
        ("DELETE", "v1/devices/-1", 400, "EINVAL", "from 0 to 15"),
        ("DELETE", "v1/devices/99999999999999999999", 404, "ENOSYS", "DELETE /v1/devices/99999999999999999999"),
        ("GET", "v1/devices/many", 404, "ENOSYS", "GET /v1/devices/many"),
        ("GET", "v1/devices/%ff%fe", 404, "ENOSYS", "GET /v1/devices/"),
        ("GET", "v1/nothing", 404, "ENOSYS", "GET /v1/nothing"),
        ("GET", "v2/devices", 404, "ENOSYS", "GET /v2/devices"),
        ("GET", "", 404, "ENOSYS", "GET /"),
        ("GET", "../../etc/passwd", 404, "ENOSYS", "GET /etc/passwd"),
        ("PATCH", "v1/devices", 405, "ENOSYS", "only GET, POST"),
        ("DELETE", "v1/service", 405, "ENOSYS", "only GET"),
        ("GET", "v1/service/unload", 405, "ENOSYS", "only POST"),
        ("POST", "v1/events", 405, "ENOSYS", "only GET"),
        ("NONSENSE", "v1/devices/0/cowfile", 405, "ENOSYS", "only POST"),
    ];

    private readonly ITestOutputHelper _output = output;

    [RootFact]
    public void What_is_no_proper_activation_is_refused()
    {
        NumbersBase();
        foreach ((string body, string reason) in ImproperActivations)
        {
            _output.WriteLine(body);
            AssertRefusedAttach(
                body.Replace("B", $"{{{Attachable}", StringComparison.Ordinal).Replace("\"D", $"\"{Temp.Path}", StringComparison.Ordinal),
                400,
                "EINVAL",
                reason);
        }
    }

    [RootFact]
    public void A_path_that_is_too_long_is_refused_without_repeating_it()
    {
        string image = NumbersBase();
        foreach (string field in new[] { "base", "cowfile", "directory" })
        {
            var fields = new Dictionary<string, string>
            {
                ["base"] = image,
                ["cowfile"] = Temp["x.cow"],
                ["directory"] = "/",
                [field] = $"/{new string('x', 4096)}",
            };
            ApiReply reply = AssertRefusedAttach(JsonSerializer.Serialize(fields), 400, "ENAMETOOLONG", "4096");
            Assert.InRange(reply.Body.ToString().Length, 1, 1000);
        }
    }

    [RootFact]
    public void Nesting_without_end_is_refused()
    {
        NumbersBase();
        AssertRefusedAttach(new string('[', 30_000), 400, "EINVAL", "AttachRequest");
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 5000)) + "1" + new string('}', 5000);
        AssertRefusedAttach($$"""{ {{Attachable}}, "directory": {{deep}} }""", 400, "EINVAL", "$.directory");
    }

    [RootFact]
    public void Bytes_that_are_no_text_are_refused()
    {
        string image = NumbersBase();
        byte[] text = Encoding.UTF8.GetBytes(Pair(image, Temp["x.cow!"]));
        text[Array.IndexOf(text, (byte)'!')] = 0xFF;
        AssertRefusedAttach(Json(text), 400, "EINVAL", "$.cowfile");
        AssertRefusedAttach(Json(Encoding.Unicode.GetBytes(Pair(image, Temp["x.cow"]))), 400, "EINVAL", "invalid");
        AssertRefusedAttach(Json(new byte[1000]), 400, "EINVAL", "invalid");
    }

    [RootFact]
    public void A_body_that_is_not_said_to_be_JSON_is_refused()
    {
        string request = Pair(NumbersBase(), Temp["x.cow"]);
        foreach (string? type in new[]
        {
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=utf-16",
            "application/json; charset=nonsense",
            "text/html; charset=utf-8",
            null,
        })
        {
            AssertRefusedAttach(Said(request, type), 415, "EINVAL", type ?? "''");
        }
    }

    [RootFact]
    public void JSON_in_UTF_8_may_say_so()
    {
        string request = Pair(NumbersBase(), Temp["ä €.cow"]);
        Assert.Equal(201, Call("POST", "v1/devices", Said(request, "application/json; charset=utf-8")).Status);
        Assert.Equal([Temp["ä €.cow"]], Directory.EnumerateFiles(Temp.Path, "*.cow"));
        Call("POST", "v1/devices", Said(request, "application/json; charset=UTF-8")).MustRefuse(409, "EBUSY");
    }

    [RootFact]
    public void Unknown_things_are_not_found()
    {
        foreach ((string method, string path, int status, string code, string reason) in UnknownThings)
        {
            _output.WriteLine($"{method} {path}");
            Assert.Contains(reason, Call(method, path).MustRefuse(status, code).Reason, StringComparison.Ordinal);
        }
    }

    [RootFact]
    public void A_threshold_is_an_unsigned_number()
    {
        CowDisk disk = AttachByApi();
        foreach (string query in new[]
        {
            "",
            "?thresholdKiB=",
            "?thresholdKiB=-1",
            "?thresholdKiB=12k",
            "?thresholdKiB=1&thresholdKiB=2",
            "?thresholdKiB=18446744073709551616",
            "?threshold=1",
        })
        {
            _output.WriteLine(query);
            Assert.Contains("thresholdKiB", Call("GET", $"v1/devices/0/space/wait{query}").MustRefuse(400, "EINVAL").Reason, StringComparison.Ordinal);
        }
        Assert.False(Service.Status(disk).GetProperty("watched").GetBoolean());
    }

    [RootFact]
    public void What_is_no_access_changes_nothing()
    {
        CowDisk disk = AttachByApi();
        foreach (string body in new[]
        {
            "{}",
            """{"access": 1}""",
            """{"access": null}""",
            """{"access": "open"}""",
            """{"access": "3"}""",
            """{"access": "readOnly, closed"}""",
            """{"access": "readOnly", "access": "closed"}""",
            """{"access": "closed", "device": 0}""",
        })
        {
            _output.WriteLine(body);
            Call("POST", "v1/devices/0/cowfile", body).MustRefuse(400, "EINVAL");
            Assert.Equal("readWrite", Service.Status(disk).GetProperty("cowfileAccess").GetString());
        }
    }

    [RootFact]
    public void What_is_no_setting_changes_nothing()
    {
        AttachByApi();
        const string Known = """{"onFull": "wait:5", "warnAt": "80%,1M", "hook": "/bin/true"}""";
        string before = Call("PATCH", "v1/devices/0", Known).Body.GetProperty("settings").ToString();
        foreach ((string body, string code, string reason) in new[]
        {
            ("", "EINVAL", "SettingsRequest"),
            ("[]", "EINVAL", "SettingsRequest"),
            ("null", "EINVAL", "SettingsRequest"),
            ("""{"onFull": 5}""", "EINVAL", "$.onFull"),
            ("""{"onfull": "wait"}""", "EINVAL", "'onfull'"),
            ("""{"onFull": "wait", "number": 0}""", "EINVAL", "'number'"),
            ("""{"onFull": "wait", "onFull": "error"}""", "EINVAL", "'onFull'"),
            ("""{"onFull": "wait", "warnAt": "many"}""", "EINVAL", "'many' is no mark"),
            ("""{"warnAt": "1%,2%,3%,4%,5%,6%,7%,8%,9%"}""", "EINVAL", "more than 8 marks"),
            ("""{"onFull": "wait", "hook": "true"}""", "EINVAL", "'true' is not an absolute path"),
            ("""{"onFull": "wait", "hook": "/bin/true\u0000"}""", "EINVAL", "zero byte"),
            ($$"""{"onFull": "{{new string('w', 257)}}"}""", "EINVAL", "at most 256 characters"),
            ($$"""{"warnAt": "{{new string('0', 257)}}"}""", "EINVAL", "at most 256 characters"),
            ($$"""{"hook": "/{{new string('x', 4096)}}"}""", "ENAMETOOLONG", "4096"),
        })
        {
            _output.WriteLine(body);
            ApiReply reply = Call("PATCH", "v1/devices/0", body).MustRefuse(400, code);
            Assert.Contains(reason, reply.Reason, StringComparison.Ordinal);
            Assert.InRange(reply.Body.ToString().Length, 1, 1000);
            Assert.Equal(before, Call("GET", "v1/devices/0").Body.GetProperty("settings").ToString());
        }
        Call("PATCH", "v1/devices/7", Known).MustRefuse(404, "ENODEV");
    }

    [RootFact]
    public void What_is_no_order_to_unload_unloads_nothing()
    {
        CowDisk disk = AttachByApi();
        foreach (string body in new[] { "{}", """{"wait": "no"}""", """{"wait": false, "force": true}""" })
        {
            Call("POST", "v1/service/unload", body).MustRefuse(400, "EINVAL");
            Assert.Equal([disk.Path], Service.ActiveDevices());
        }
    }

    [RootFact]
    public void A_refusal_carries_code_reason_and_path()
    {
        string image = NumbersBase();
        ApiReply reply = Call("POST", "v1/devices", Pair(Temp["missing"], Temp["x.cow"])).MustRefuse(400, "EINVAL");
        Assert.Equal(Temp["missing"], reply.Body.GetProperty("error").GetProperty("path").GetString());

        Assert.Equal(201, Call("POST", "v1/devices", Pair(image, Temp["x.cow"])).Status);
        Call("POST", "v1/devices", Pair(image, Temp["x.cow"])).MustRefuse(409, "EBUSY");
    }

    private static ByteArrayContent Json(byte[] bytes) => new(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    private static ByteArrayContent Said(string body, string? type) => new(Encoding.UTF8.GetBytes(body))
    {
        Headers = { ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type) },
    };

    private ApiReply AssertRefusedAttach(string body, int status, string code, string reason) =>
        AssertRefusedAttach(Json(Encoding.UTF8.GetBytes(body)), status, code, reason);

    private ApiReply AssertRefusedAttach(HttpContent body, int status, string code, string reason)
    {
        var before = DirectorySnapshot.Of(Temp.Path);
        ApiReply reply = Call("POST", "v1/devices", body).MustRefuse(status, code);
        Assert.Contains(reason, reply.Reason, StringComparison.Ordinal);
        before.MustBeUnchanged();
        Assert.Empty(Service.ActiveDevices());
        Assert.DoesNotContain("unexpected", Service.Log, StringComparison.Ordinal);
        return reply;
    }
}
