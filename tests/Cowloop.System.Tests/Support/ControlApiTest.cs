using Xunit.Abstractions;

namespace Cowloop.SystemTests.Support;

/// <summary>A test that talks to the service's control API itself.</summary>
public abstract class ControlApiTest : SystemTest
{
    private ApiClient? _api;

    protected ControlApiTest(CowService service, ITestOutputHelper output)
        : base(service, output)
    {
    }

    /// <summary>A client of a service that runs.</summary>
    protected ApiClient Api => _api ??= Connect();

    /// <summary>Starts the service unless it runs.</summary>
    protected void Start(params string[] parameters)
    {
        if (!Service.IsRunning)
        {
            Service.Cowloop(["load", .. parameters]).MustSucceed();
        }
    }

    /// <summary>Sends a request and waits for the answer.</summary>
    protected ApiReply Call(string method, string path, string? body = null) =>
        Poll.UntilDone($"{method} {path} is answered", Api.CallAsync(method, path, body));

    /// <summary>The same with any body.</summary>
    protected ApiReply Call(string method, string path, HttpContent body) =>
        Poll.UntilDone($"{method} {path} is answered", Api.CallAsync(method, path, body));

    /// <summary>Makes device 0, of a base of the test's own.</summary>
    protected CowDisk AttachByApi()
    {
        string image = NumbersBase();
        ApiReply reply = Call("POST", "v1/devices", Pair(image, Temp["changes.cow"], 0));
        Assert.True(reply.IsDone, reply.ToString());
        return new CowDisk(Service.Node(0), image, Temp["changes.cow"]);
    }

    /// <summary>An AttachRequest.</summary>
    internal static string Pair(string image, string cowfile, int? number = null) => number is null
        ? $$"""{"base": "{{image}}", "cowfile": "{{cowfile}}", "directory": "/"}"""
        : $$"""{"base": "{{image}}", "cowfile": "{{cowfile}}", "directory": "/", "number": {{number}}}""";

    private ApiClient Connect()
    {
        Start();
        return new ApiClient(Service.Paths.ControlSocket);
    }

    protected override void Dispose(bool disposing)
    {
        _api?.Dispose();
        base.Dispose(disposing);
    }
}
