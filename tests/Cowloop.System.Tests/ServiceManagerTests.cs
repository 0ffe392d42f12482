using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The service as a service manager starts it: in the foreground, and asked to say when it serves.</summary>
public class ServiceManagerTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void The_service_serves_when_it_says_so_and_logs_to_the_manager()
    {
        Service.Stop();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
        manager.Bind(new UnixDomainSocketEndPoint(Temp["notify"]));
        var environment = new Dictionary<string, string>(Service.Environment) { ["NOTIFY_SOCKET"] = Temp["notify"], ["JOURNAL_STREAM"] = "8:1" };
        using Process daemon = Shell.Start(new ShellOptions { Environment = environment }, Repository.Program("cowloopd"), "maxcows=1022");

        byte[] message = new byte[256];
        Assert.Equal("READY=1", Encoding.UTF8.GetString(message, 0, manager.Receive(message)));
        Assert.Contains("0 of 1022 devices active", Service.Cowloop("status").MustSucceed().Output, StringComparison.Ordinal);
        Assert.Equal(daemon.Id, Service.ProcessId);

        Service.Cowloop("unload").MustSucceed();
        Assert.True(daemon.WaitForExit(20_000));
        Assert.Equal(0, daemon.ExitCode);
        Assert.Contains("<5>cowloop - unloaded\n", daemon.StandardError.ReadToEnd(), StringComparison.Ordinal);
    }
}
