using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The service outlives what started it, and keeps nothing of it.</summary>
public class DetachedServiceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("bash", "flock")]
    public void A_lock_that_its_starter_held_is_free_once_the_starter_has_ended()
    {
        Service.Stop();
        string image = NumbersBase();
        var options = new ShellOptions { Environment = Service.Environment };
        string script = $"exec 9>{Temp["lock"]}; flock 9; {Repository.Program("cowdev")} -a {image} {Temp["x.cow"]}";
        Shell.Try(options, "bash", "-ec", script).MustSucceed();
        Assert.True(CowService.IsAlive(Service.ProcessId));
        Shell.Run("flock", "--nonblock", Temp["lock"], "true");
    }

    [RootFact]
    public void It_has_no_descriptor_of_its_starter()
    {
        Service.Stop();
        string image = NumbersBase();
        var options = new ShellOptions { Environment = Service.Environment };
        string script = $"exec 7>{Temp["seven"]} 8<{image}; {Repository.Program("cowdev")} -a {image} {Temp["x.cow"]}";
        Shell.Try(options, "sh", "-ec", script).MustSucceed();
        string[] open = Shell.Run("find", $"/proc/{Service.ProcessId}/fd", "-type", "l", "-printf", "%l\n").Output.Split('\n');
        Assert.DoesNotContain(Temp["seven"], open);
        Assert.Single(open, path => path == image);
        Assert.DoesNotContain(open, path => path.StartsWith("/dev/pts/", StringComparison.Ordinal) || path.StartsWith("/dev/tty", StringComparison.Ordinal));
    }
}
