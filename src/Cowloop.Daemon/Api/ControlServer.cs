using System.Net;
using System.Net.Sockets;
using Cowloop.Control;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Daemon.Api;

/// <summary>How the control API is served: its socket, who may connect, and what a client may cost. docs/api.md states these limits.</summary>
internal static class ControlServer
{
    /// <summary>
    /// Connections that can be open: those that are served, that listen to events, and that are just being refused; and one for each device,
    /// whose space somebody waits for.
    /// </summary>
    public const int MaxConnectionsWithoutDevices = MaxServed + ServiceEvents.MaxListeners + 4 * ConnectionGate.MaxFarewells;

    // Several times what a busy machine has.
    private const int MaxServed = 256;

    // Three paths of at most 4096 characters, each of which JSON may spell with six, would be more; real ones are far below.
    private const int MaxRequestBytes = 64 * 1024;

    // The longest line that means anything is below 100 bytes.
    private const int MaxRequestLineBytes = 1024;
    private const int MaxHeaderBytes = 8 * 1024;
    private const int MaxHeaderCount = 32;

    private static readonly TimeSpan HeaderTime = TimeSpan.FromSeconds(10);

    // Longer than clients keep an unused connection: it should be theirs to close it.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(130);
    private static readonly MinDataRate BodyRate = new(bytesPerSecond: 4096, gracePeriod: TimeSpan.FromSeconds(10));

    /// <summary>Lets an application be served on the control socket.</summary>
    /// <param name="host">The application's.</param>
    /// <param name="paths">Where the socket is.</param>
    /// <param name="maxDevices">Devices that there can be.</param>
    /// <returns>What admits connections.</returns>
    public static ConnectionGate Configure(IWebHostBuilder host, CowloopPaths paths, int maxDevices)
    {
        var gate = new ConnectionGate(MaxServed);
        host.ConfigureServices(services => services.Configure<SocketTransportOptions>(options => options.CreateBoundListenSocket = Bind));
        host.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxConcurrentConnections = MaxConnectionsWithoutDevices + maxDevices;
            options.Limits.MaxRequestLineSize = MaxRequestLineBytes;
            options.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            options.Limits.MaxRequestHeaderCount = MaxHeaderCount;
            options.Limits.MaxRequestBodySize = MaxRequestBytes;
            options.Limits.MaxRequestBufferSize = MaxRequestBytes;
            options.Limits.RequestHeadersTimeout = HeaderTime;
            options.Limits.KeepAliveTimeout = IdleTime;
            options.Limits.MinRequestBodyDataRate = BodyRate;
            options.ListenUnixSocket(paths.ControlSocket, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(serve => connection => gate.AdmitAsync(connection, serve));
            });
        });
        return gate;
    }

    /// <summary>Makes the socket with its final mode: a file gets it from the socket that is bound to it.</summary>
    private static Socket Bind(EndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using var handle = new SafeFileHandle(socket.Handle, ownsHandle: false);
            File.SetUnixFileMode(handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
