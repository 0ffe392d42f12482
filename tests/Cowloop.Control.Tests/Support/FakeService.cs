using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Cowloop.Tests.Support;

namespace Cowloop.Control.Tests.Support;

/// <summary>A service on a real socket that answers every request with a prepared text and keeps a record.</summary>
internal sealed class FakeService : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly Task _serving;

    public FakeService()
    {
        Paths = new CowloopPaths(_directory.Path, "/dev/cow");
        _listener.Bind(new UnixDomainSocketEndPoint(Paths.ControlSocket));
        _listener.Listen();
        _serving = Task.Factory.StartNew(Serve, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public CowloopPaths Paths { get; }

    /// <summary>The whole answer; empty to close the connection without one.</summary>
    public string Answer { get; set; } = Reply(200, "");

    /// <summary>End, with the socket, after the next request.</summary>
    public bool EndsNext { get; set; }

    /// <summary>Answer as soon as a client is there, and close, without looking at what it asks.</summary>
    public bool AnswersUnasked { get; set; }

    /// <summary>Method, path and body of each request.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    public static string Reply(int status, string body, string type = "application/json") =>
        $"HTTP/1.1 {status} X\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}";

    public void Dispose()
    {
        _listener.Dispose();
        Poll.UntilDone("the fake service has ended", _serving);
        _directory.Dispose();
    }

    private void Serve()
    {
        while (true)
        {
            try
            {
                using Socket connection = _listener.Accept();
                using var stream = new NetworkStream(connection);
                if (AnswersUnasked)
                {
                    stream.Write(Encoding.UTF8.GetBytes(Answer));
                }
                else if (ReadRequest(stream) is string request)
                {
                    _requests.Enqueue(request);
                    stream.Write(Encoding.UTF8.GetBytes(Answer));
                    if (EndsNext)
                    {
                        File.Delete(Paths.ControlSocket);
                        return;
                    }
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    /// <summary>Null for a connection that is closed without a request: somebody looked whether there is a service.</summary>
    private static string? ReadRequest(NetworkStream stream)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int next = stream.ReadByte();
            if (next < 0)
            {
                return null;
            }
            head.Append((char)next);
        }
        string[] lines = head.ToString().Split("\r\n");
        string? length = lines.FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase));
        string body = lines.Any(line => line.StartsWith("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
            ? ReadChunks(stream)
            : Encoding.UTF8.GetString(ReadExactly(stream, length is null ? 0 : int.Parse(length.AsSpan(16), CultureInfo.InvariantCulture)));
        return $"{lines[0].Replace(" HTTP/1.1", "", StringComparison.Ordinal)} {body}".TrimEnd();
    }

    private static string ReadChunks(NetworkStream stream)
    {
        var body = new StringBuilder();
        while (true)
        {
            var size = new StringBuilder();
            while (!size.ToString().EndsWith("\r\n", StringComparison.Ordinal))
            {
                size.Append((char)stream.ReadByte());
            }
            int length = int.Parse(size.ToString().AsSpan().TrimEnd(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Append(Encoding.UTF8.GetString(ReadExactly(stream, length)));
            ReadExactly(stream, 2);
            if (length == 0)
            {
                return body.ToString();
            }
        }
    }

    private static byte[] ReadExactly(NetworkStream stream, int length)
    {
        byte[] bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
