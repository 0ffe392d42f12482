using System.Net.Sockets;
using System.Text;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

/// <summary>What a service manager gets to hear, on a socket of our own.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private const string Variable = "NOTIFY_SOCKET";

    private readonly TempDirectory _directory = new();

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, null);
        _directory.Dispose();
    }

    [Fact]
    public void A_manager_hears_once_that_the_service_serves()
    {
        using Socket manager = Listen(_directory["notify"]);
        Environment.SetEnvironmentVariable(Variable, _directory["notify"]);

        Assert.True(ServiceManager.TryNotifyReady());
        Assert.True(ServiceManager.TryNotifyReady());

        Assert.Equal("READY=1", Receive(manager));
        Assert.Equal(0, manager.Available);
    }

    [Fact]
    public void An_address_may_be_abstract()
    {
        string name = $"cowloop-test-{Path.GetFileName(_directory.Path)}";
        using Socket manager = Listen($"\0{name}");
        Environment.SetEnvironmentVariable(Variable, $"@{name}");

        Assert.True(ServiceManager.TryNotifyReady());

        Assert.Equal("READY=1", Receive(manager));
    }

    [Fact]
    public void The_programs_that_the_service_runs_do_not_inherit_it()
    {
        using Socket manager = Listen(_directory["notify"]);
        Environment.SetEnvironmentVariable(Variable, _directory["notify"]);

        Assert.True(ServiceManager.TryNotifyReady());

        Assert.Null(Environment.GetEnvironmentVariable(Variable));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_a_manager_nothing_happens(string? address)
    {
        Environment.SetEnvironmentVariable(Variable, address);

        Assert.True(ServiceManager.TryNotifyReady());
    }

    [Fact]
    public void A_manager_that_is_gone_cannot_be_told()
    {
        Environment.SetEnvironmentVariable(Variable, _directory["gone"]);

        Assert.False(ServiceManager.TryNotifyReady());
    }

    [Fact]
    public void An_address_that_is_none_cannot_be_told()
    {
        Environment.SetEnvironmentVariable(Variable, new string('x', 1000));

        Assert.False(ServiceManager.TryNotifyReady());
    }

    private static Socket Listen(string address)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Bind(new UnixDomainSocketEndPoint(address));
        return socket;
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }
}
