using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Somebody has opened the socket's mode to everybody: only root may talk nevertheless.</summary>
public class ControlApiPeerTests(CowService service, Nobody nobody, ITestOutputHelper output) : ControlApiTest(service, output), IClassFixture<Nobody>
{
    private const string Refusal = "only root may talk to this service, and user 65534 is not";

    [RootFact("setpriv", "curl")]
    public void Another_user_is_refused_with_a_reason()
    {
        CowDisk disk = OpenToAll();
        foreach (string method in new[] { "GET", "DELETE" })
        {
            string answer = Shell.Run(
                "setpriv",
                [.. AsNobody, "curl", "--silent", "--include", "--unix-socket", Service.Paths.ControlSocket, "--request", method, "http://cowloop/v1/devices/0"]).Output;
            Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
            Assert.Contains("\"EACCES\"", answer, StringComparison.Ordinal);
            Assert.Contains(Refusal, answer, StringComparison.Ordinal);
        }
        Assert.Equal([disk.Path], Service.ActiveDevices());
        Assert.Equal(200, Call("GET", "v1/devices/0").Status);
    }

    [RootFact("setpriv")]
    public void The_tools_of_another_user_say_why()
    {
        CowDisk disk = OpenToAll();
        var options = new ShellOptions { Environment = Service.Environment };
        Assert.Contains(Refusal, nobody.Try(options, "cowloop", "unload").MustExitWith(2).MustBeForPeople(2).Error, StringComparison.Ordinal);
        nobody.Try(options, "cowdev", "-d", disk.Path).MustRefuse(2, "deactivate existing cowdevice: Permission denied", Refusal);
        Assert.Equal([disk.Path], Service.ActiveDevices());
    }

    /// <summary>It need not even say anything; and it can neither fill the log nor take the connections that root needs.</summary>
    [RootFact("setpriv", "perl")]
    public void A_crowd_of_other_users_connections_is_cut_off_and_locks_nobody_out()
    {
        CowDisk disk = OpenToAll();
        const int Connections = 400;
        Task<CommandResult> crowd = Task.Run(() => Shell.Try("setpriv", [.. AsNobody, "perl", "-MIO::Socket::UNIX", "-e", $$"""
            my @all = map { IO::Socket::UNIX->new('{{Service.Paths.ControlSocket}}') or die "$_: $!" } 1..{{Connections}};
            for my $socket (@all) { local $/; my $answer = <$socket>; die "answer: $answer" if $answer !~ /^(HTTP.1.1 403 .*EACCES.*|)$/s; $told++ if $answer }
            print "told $told\n";
            """]));
        while (!crowd.IsCompleted)
        {
            Assert.Equal(200, Call("GET", "v1/devices/0/space").Status);
        }
        Assert.Matches("^told [1-9]", crowd.Result.MustSucceed().Output);
        Assert.InRange(LogLines(), 1, Connections / 10);
        Assert.Equal([disk.Path], Service.ActiveDevices());
    }

    private static string[] AsNobody => ["--reuid=65534", "--regid=65534", "--clear-groups"];

    private int LogLines() => Regex.Count(Service.Log, "refused the control socket to user 65534, process [0-9]+");

    private CowDisk OpenToAll()
    {
        CowDisk disk = AttachByApi();
        Shell.RunScript($"chmod 755 {Path.GetDirectoryName(Service.RunDirectory)}; chmod 666 {Service.Paths.ControlSocket}");
        return disk;
    }
}
