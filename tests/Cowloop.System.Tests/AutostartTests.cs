using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The service starts with the first activation, and with nothing else.</summary>
public class AutostartTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void Activation_starts_the_service()
    {
        Service.Stop();
        CowDisk disk = Attach(NumbersBase());
        Assert.True(CowService.IsAlive(Service.ProcessId));
        Assert.Equal(FileSnapshot.HashOf(disk.Image), FileSnapshot.HashOf(disk.Path));
    }

    [RootFact]
    public void T72_without_a_service_the_control_device_is_missing()
    {
        Service.Stop();
        string image = NumbersBase();
        string[] texts = [$"{Service.DeviceDirectory}/ctl: No such file or directory", $"{Service.DeviceDirectory}/ctl: No such device or address"];
        var options = new ShellOptions
        {
            Environment = new Dictionary<string, string>(Service.Environment) { ["COWLOOP_AUTOSTART"] = "0" },
        };
        CommandResult activate = Shell.Try(options, Repository.Program("cowdev"), "-a", image, Temp["x.cow"]).MustExitWith(2).MustBeForPeople(2);
        CommandResult deactivate = Service.Cowdev("-d", Service.Node(0)).MustExitWith(2).MustBeForPeople(2);
        CommandResult sync = Service.Cowsync().MustExitWith(1).MustBeForPeople(2);
        Assert.All([activate, deactivate, sync], result => Assert.Contains(result.ErrorLines[0], texts));
        Assert.Contains("not loaded", activate.ErrorLines[1], StringComparison.Ordinal);
        Assert.Equal("", Service.Cowdev("-l").MustSucceed().Output);
        Assert.False(File.Exists(Temp["x.cow"]));
        Assert.False(Service.IsRunning);
    }

    [RootFact]
    public void Several_first_activations_at_once_share_one_service()
    {
        Service.Stop();
        string image = NumbersBase();
        CommandResult[] results = [.. Enumerable.Range(0, 4).AsParallel().WithDegreeOfParallelism(4)
            .Select(index => Service.Cowdev("-a", image, Temp[$"{index}.cow"]))];
        Assert.All(results, result => result.MustSucceed());
        Assert.Equal(4, results.Select(result => result.Line).Distinct().Count());
        Assert.Equal(4, Service.ActiveDevices().Count);
    }

    [RootFact]
    public void A_service_can_be_started_the_moment_the_last_one_is_unloaded()
    {
        string image = NumbersBase();
        for (int round = 0; round < 5; round++)
        {
            Attach(image);
            Service.Cowloop("unload").MustSucceed();
            Assert.Empty(Service.LeftOversInSystem());
            Service.Cowloop("load", "maxcows=3").MustSucceed();
        }
    }

    [RootFact]
    public void The_service_does_not_keep_its_starters_directory_busy()
    {
        Service.Stop();
        string image = NumbersBase();
        Shell.Run("mount", "-t", "tmpfs", "cowtest", Directory.CreateDirectory(Temp["there"]).FullName);
        try
        {
            var options = new ShellOptions { Directory = Temp["there"], Environment = Service.Environment };
            Shell.Try(options, Repository.Program("cowdev"), "-a", image, Temp["x.cow"]).MustSucceed();
        }
        finally
        {
            Shell.Run("umount", Temp["there"]);
        }
    }
}
