using System.Net.Sockets;
using System.Text;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Bytes that are no HTTP, or too much of it: the connection ends, and the service goes on.</summary>
public class ControlApiBrokenHttpTests(CowService service, ITestOutputHelper output) : ControlApiTest(service, output)
{
    private const string Post = "POST /v1/devices HTTP/1.1\r\nHost: cowloop\r\nContent-Type: application/json\r\n";

    private static readonly (string Request, int Status)[] Broken =
    [
        ("nonsense\r\n\r\n", 400),
        ("GET /v1/service\r\n\r\n", 400),
        ("GET /v1/service HTTP/1.1\r\n\r\n", 400),
        ("GET /v1/service HTTP/9.9\r\nHost: cowloop\r\n\r\n", 505),
        ("GET v1/service HTTP/1.1\r\nHost: cowloop\r\n\r\n", 400),
        ("GET /v1/devices/%00 HTTP/1.1\r\nHost: cowloop\r\n\r\n", 400),
        ("GET /v1/service HTTP/1.1\r\nHost: cowloop\r\nno colon\r\n\r\n", 400),
        ("GET /v1/service HTTP/1.1\r\nHost: cow\0loop\r\n\r\n", 400),
        ($"{Post}Content-Length: -1\r\n\r\n", 400),
        ($"{Post}Content-Length: 99999999999999999999\r\n\r\n", 400),
        ($"{Post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ($"{Post}Content-Length: 70000\r\n\r\n", 413),
        ($"{Post}Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ($"{Post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 400),
        ($"{Post}Transfer-Encoding: gzip\r\n\r\n", 400),
    ];

    [RootFact]
    public void Broken_requests_get_a_status_and_lose_their_connection()
    {
        foreach ((string request, int status) in Broken)
        {
            MustAnswer(status, request);
        }
        MustServe();
    }

    [RootFact]
    public void What_has_no_end_is_not_read_to_it()
    {
        const string Line = "GET /v1/service HTTP/1.1\r\n";
        MustAnswer(414, $"GET /{new string('p', 1025)} HTTP/1.1\r\nHost: cowloop\r\n\r\n");
        MustAnswer(414, $"GET /{new string('p', 1_000_000)} HTTP/1.1\r\nHost: cowloop\r\n\r\n");
        MustAnswer(431, $"{Line}Host: cowloop\r\nX: {new string('h', 1_000_000)}\r\n\r\n");
        MustAnswer(431, $"{Line}Host: cowloop\r\n{string.Concat(Enumerable.Range(0, 100_000).Select(index => $"X-{index}: x\r\n"))}\r\n");
        MustServe();
    }

    [RootFact]
    public void A_body_that_is_too_large_is_refused_whether_or_not_it_says_its_length()
    {
        string body = Pair(NumbersBase(), Temp[new string('x', 65536)]);
        foreach (string request in new[]
        {
            $"{Post}Content-Length: {body.Length}\r\n\r\n{body}",
            $"{Post}Transfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n",
        })
        {
            string answer = MustAnswer(413, request);
            Assert.Contains("\"EINVAL\"", answer, StringComparison.Ordinal);
            Assert.Contains("too large", answer, StringComparison.Ordinal);
        }
        Assert.Empty(Service.ActiveDevices());
        MustServe();
    }

    [RootFact]
    public void Half_a_request_ends_with_its_client()
    {
        foreach (string request in new[]
        {
            "",
            "\0\u0001\u0002\u0003",
            "GET /v1/ser",
            "GET /v1/service HTTP/1.1\r\nHost: cow",
            $"{Post}Content-Length: 1000\r\n\r\n{{\"base\": \"x\"",
            $"{Post}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"b",
        })
        {
            string answer = Exchange(Encoding.ASCII.GetBytes(request), endsThere: true);
            // A request line that ends too early may still be told so.
            Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal), $"{request}: {answer}");
        }
        MustServe();
    }

    [RootFact]
    public void Garbage_of_every_kind_harms_nobody()
    {
        CowDisk disk = AttachByApi();
        for (int seed = 0; seed < 300; seed++)
        {
            byte[] bytes = Data.Random(seed, 1 + seed * 7 % 2000);
            if (seed % 2 == 0)
            {
                // Something of a request in front, so that it gets farther.
                Encoding.ASCII.GetBytes(Post)[..(seed % Post.Length)].AsSpan()[..Math.Min(seed % Post.Length, bytes.Length)].CopyTo(bytes);
            }
            string answer = Exchange(bytes, endsThere: true);
            Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal), $"seed {seed}: {answer}");
        }
        MustServe();
        Assert.Equal([disk.Path], Service.ActiveDevices());
    }

    [RootFact]
    public void Other_versions_of_HTTP_are_not_spoken()
    {
        const string Upgrade = "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
        // The answer is a frame that says so.
        Assert.DoesNotContain("HTTP/1.1 2", Exchange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray(), endsThere: false), StringComparison.Ordinal);
        MustServe();
        Assert.StartsWith(
            "HTTP/1.1 200 ",
            Exchange(Encoding.ASCII.GetBytes($"GET /v1/service HTTP/1.1\r\nHost: cowloop\r\n{Upgrade}\r\n"), endsThere: false),
            StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", Exchange("GET /v1/service HTTP/1.0\r\n\r\n"u8.ToArray(), endsThere: false), StringComparison.Ordinal);
    }

    private string MustAnswer(int status, string request)
    {
        string answer = Exchange(Encoding.Latin1.GetBytes(request), endsThere: false);
        Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{request[..Math.Min(request.Length, 200)]}: {answer}");
        return answer;
    }

    private void MustServe()
    {
        Assert.Equal(200, Call("GET", "v1/service").Status);
        Assert.DoesNotContain("unexpected", Service.Log, StringComparison.Ordinal);
    }

    /// <summary>Sends bytes, and reads to the end.</summary>
    private string Exchange(byte[] bytes, bool endsThere)
    {
        _ = Api;
        using NetworkStream stream = ApiClient.Connect(Service.Paths.ControlSocket);
        try
        {
            stream.Write(bytes);
            if (endsThere)
            {
                stream.Socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // Refused before all of it was sent.
        }
        return Poll.UntilDone("the connection ends", Task.Run(() => ApiClient.ReadToEnd(stream)));
    }
}
