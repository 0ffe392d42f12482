using System.Net.Sockets;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class PeerCredentialsTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public PeerCredentialsTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(_directory["socket"]));
        _listener.Listen();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void A_connection_knows_who_made_it()
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(_listener.LocalEndPoint!);
        using Socket server = _listener.Accept();

        Assert.Equal(Environment.ProcessId, PeerCredentials.Of(server).ProcessId);
        Assert.Equal(HostProcess.IsRoot, PeerCredentials.Of(server).IsRoot);
        // Also the other way round: who listens.
        Assert.Equal(PeerCredentials.Of(server), PeerCredentials.Of(client));
    }

    [RootFact("setpriv", "perl")]
    public void Another_user_is_told_apart_also_after_its_end()
    {
        Shell.RunScript($"chmod 755 {_directory.Path}; chmod 666 {_directory["socket"]}");
        Shell.Run(
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "perl",
            "-MIO::Socket::UNIX",
            "-e",
            $"IO::Socket::UNIX->new('{_directory["socket"]}') or die");
        using Socket server = _listener.Accept();

        PeerCredentials peer = PeerCredentials.Of(server);
        Assert.Equal(65534u, peer.UserId);
        Assert.False(peer.IsRoot);
        Assert.NotEqual(Environment.ProcessId, peer.ProcessId);
    }

    [Fact]
    public void Another_kind_of_socket_has_no_user()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        Assert.Equal(uint.MaxValue, PeerCredentials.Of(socket).UserId);
    }
}
