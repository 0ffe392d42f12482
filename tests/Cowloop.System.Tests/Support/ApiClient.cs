using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Cowloop.SystemTests.Support;

/// <summary>What the control API has answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The JSON; undefined when there is none.</param>
public sealed record ApiReply(int Status, JsonElement Body)
{
    /// <summary>True when the request was done.</summary>
    public bool IsDone => Status is >= 200 and < 300;

    /// <summary>The name of the error number of a refusal.</summary>
    public string Code => Error.GetProperty("code").GetString()!;

    /// <summary>Why it was refused.</summary>
    public string Reason => Error.GetProperty("reason").GetString()!;

    private JsonElement Error => Body.GetProperty("error");

    /// <summary>Fails unless it is a refusal as they all should be: a status, a code and a reason that a person can read.</summary>
    public ApiReply MustRefuse(int status, string code)
    {
        Assert.True(status == Status, $"{status} expected: {this}");
        Assert.Equal(code, Code);
        Assert.NotEqual("", Reason);
        Assert.DoesNotContain("   at ", Body.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Cowloop.", Body.ToString(), StringComparison.Ordinal);
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Status} {(Body.ValueKind == JsonValueKind.Undefined ? "" : Body.ToString())}";
}

/// <summary>An HTTP client of the control API that knows nothing of its contract. Its connection stays open.</summary>
public sealed class ApiClient : IDisposable
{
    private readonly HttpClient _http;

    public ApiClient(string socketPath) =>
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, _) => new ValueTask<Stream>(Connect(socketPath)), UseProxy = false })
        {
            BaseAddress = new Uri("http://cowloop/"),
        };

    /// <summary>Opens a connection for bytes of the caller's own.</summary>
    public static NetworkStream Connect(string socketPath)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(socketPath));
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>What is still to come on such a connection; one that breaks has nothing more.</summary>
    public static string ReadToEnd(NetworkStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var text = new StringBuilder();
        try
        {
            for (byte[] buffer = new byte[4096]; stream.Read(buffer) is > 0 and int length;)
            {
                text.Append(Encoding.Latin1.GetString(buffer, 0, length));
            }
        }
        catch (IOException)
        {
            // Reset by the other side.
        }
        return text.ToString();
    }

    /// <summary>Sends a request with a JSON body, or without one.</summary>
    public Task<ApiReply> CallAsync(string method, string path, string? body = null) =>
        CallAsync(method, path, body is null ? null : new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")));

    /// <summary>Sends a request with any body.</summary>
    public async Task<ApiReply> CallAsync(string method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = content };
        using HttpResponseMessage response = await _http.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        if (text.Length == 0)
        {
            return new ApiReply((int)response.StatusCode, default);
        }
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        using var document = JsonDocument.Parse(text);
        return new ApiReply((int)response.StatusCode, document.RootElement.Clone());
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();
}
