namespace Cowloop.Control.Tests;

public class CowloopPathsTests
{
    private const string RunVariable = "COWLOOP_RUN_DIR";
    private const string DeviceVariable = "COWLOOP_DEV_DIR";

    [Fact]
    public void Everything_has_its_place()
    {
        var paths = new CowloopPaths("/r", "/d");

        Assert.Equal("/r/control.sock", paths.ControlSocket);
        Assert.Equal("/r/status", paths.StatusDirectory);
        Assert.Equal("/r/status/devices.json", paths.DeviceList);
        Assert.Equal("/r/cowloopd.log", paths.Log);
        Assert.Equal("/d/ctl", paths.ClassicControlDevice);
        Assert.Equal("/r/devices", paths.SavedDevices);
        Assert.Equal("/d/1021", paths.Node(1021));
        Assert.Equal("/d/1021p12", paths.Partition(1021, 12));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    public void Nothing_said_is_the_systems_place(string? runDirectory, string? deviceDirectory) =>
        Assert.Equal(new CowloopPaths("/run/cowloop", "/dev/cow"), Read(runDirectory, deviceDirectory));

    [Fact]
    public void The_environment_names_other_places()
    {
        Assert.Equal(new CowloopPaths("/a/run", "/a/dev"), Read("/a/run", "/a/dev"));
        Assert.Equal(new CowloopPaths("/a/run", "/a/dev"), Read("/a/b/../run/", "/a//dev//"));
        Assert.Equal(new CowloopPaths($"{Environment.CurrentDirectory}/run", "/dev/cow"), Read("run", null));
    }

    private static CowloopPaths Read(string? runDirectory, string? deviceDirectory)
    {
        string? runBefore = Environment.GetEnvironmentVariable(RunVariable);
        string? deviceBefore = Environment.GetEnvironmentVariable(DeviceVariable);
        Environment.SetEnvironmentVariable(RunVariable, runDirectory);
        Environment.SetEnvironmentVariable(DeviceVariable, deviceDirectory);
        try
        {
            return CowloopPaths.FromEnvironment();
        }
        finally
        {
            Environment.SetEnvironmentVariable(RunVariable, runBefore);
            Environment.SetEnvironmentVariable(DeviceVariable, deviceBefore);
        }
    }
}
