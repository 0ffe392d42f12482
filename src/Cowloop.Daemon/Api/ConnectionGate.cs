using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Cowloop.Daemon.Api;

/// <summary>
/// Lets only root talk to the control API, whatever has become of the socket's mode: the kernel says who connected. And only so many
/// connections at a time. Whoever is refused is told so and cut off; not a byte of theirs is looked at.
/// </summary>
/// <param name="maxServed">Connections served at a time, without those on which a request waits for something to happen.</param>
internal sealed class ConnectionGate(int maxServed)
{
    // What a refused client gets to read the answer. It takes a connection meanwhile, so few may do it at a time.
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(1);

    /// <summary>Refused connections that may be open at a time.</summary>
    public const int MaxFarewells = 16;

    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _logLock = new();
    private int _servedCount;
    private int _farewellCount;
    private long _nextLogMilliseconds;
    private int _unloggedCount;

    /// <summary>Serves a new connection, or refuses it.</summary>
    /// <param name="connection">The connection; closed by the caller.</param>
    /// <param name="serve">Serves it.</param>
    public async Task AdmitAsync(ConnectionContext connection, ConnectionDelegate serve)
    {
        Socket socket = connection.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
        PeerCredentials peer = PeerCredentials.Of(socket);
        if (!peer.IsRoot)
        {
            Log($"refused the control socket to user {peer.UserId}, process {peer.ProcessId}: its mode should be 0600");
            await RefuseAsync(connection, "403 Forbidden", new CowloopException(
                Errno.EACCES,
                $"only root may talk to this service, and user {peer.UserId} is not",
                "run it as root"));
            return;
        }
        try
        {
            if (Interlocked.Increment(ref _servedCount) <= maxServed)
            {
                await serve(connection);
                return;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _servedCount);
        }
        Log($"refused the control socket to process {peer.ProcessId}: {maxServed} connections are open already");
        await RefuseAsync(connection, "503 Service Unavailable", new CowloopException(
            Errno.EAGAIN,
            $"{maxServed} connections to the service are open already",
            "end the programs that hold them, or try again"));
    }

    /// <summary>
    /// Does not count a connection while its request waits for something to happen: however many watch, there is room for those who want
    /// something done. Whoever lets requests wait bounds their number.
    /// </summary>
    public async Task WaitAsync(HttpContext context, RequestDelegate wait)
    {
        Interlocked.Decrement(ref _servedCount);
        try
        {
            await wait(context);
        }
        finally
        {
            Interlocked.Increment(ref _servedCount);
        }
    }

    private async Task RefuseAsync(ConnectionContext connection, string status, CowloopException reason)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(ControlJson.Describe(reason), ControlJson.Default.ErrorReply);
        string head = $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";
        try
        {
            await connection.Transport.Output.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body]);
            await SayFarewellAsync(connection.Transport.Input);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // It has had its time, or is gone.
        }
    }

    /// <summary>Drops what comes: closed at once, a client that is still sending its request would see that fail and not look for the answer.</summary>
    private async Task SayFarewellAsync(PipeReader input)
    {
        try
        {
            if (Interlocked.Increment(ref _farewellCount) > MaxFarewells)
            {
                return;
            }
            using var limit = new CancellationTokenSource(FarewellTime);
            ReadResult result;
            do
            {
                result = await input.ReadAsync(limit.Token);
                input.AdvanceTo(result.Buffer.End);
            }
            while (!result.IsCompleted);
        }
        finally
        {
            Interlocked.Decrement(ref _farewellCount);
        }
    }

    /// <summary>One line at a time: who knocks without end must not fill the log.</summary>
    private void Log(string text)
    {
        lock (_logLock)
        {
            if (Environment.TickCount64 < _nextLogMilliseconds)
            {
                _unloggedCount++;
                return;
            }
            if (_unloggedCount > 0)
            {
                text = $"{text} ({_unloggedCount} more since the last such line)";
            }
            _nextLogMilliseconds = Environment.TickCount64 + (long)LogInterval.TotalMilliseconds;
            _unloggedCount = 0;
        }
        ServiceLog.Warning(text);
    }
}
