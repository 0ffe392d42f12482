using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Users without rights, and machines without FUSE or loop devices.</summary>
public class PermissionTests(CowService service, Nobody nobody, ITestOutputHelper output) : SystemTest(service, output), IClassFixture<Nobody>
{
    [RootFact("setpriv")]
    public void Nobody_may_use_a_running_service()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        string text = $"{Service.DeviceDirectory}/ctl: Permission denied";
        AsNobody("cowdev", "-a", image, Temp["x.cow"]).MustRefuse(2, text, Service.Paths.ControlSocket);
        AsNobody("cowdev", "-d", disk.Path).MustRefuse(2, text, Service.Paths.ControlSocket);
        AsNobody("cowsync").MustRefuse(1, text, Service.Paths.ControlSocket);
        AsNobody("cowctl", "-c", disk.Path).MustRefuse(2, text, Service.Paths.ControlSocket);
        AsNobody("cowwatch", disk.Path).MustRefuse(2, text, Service.Paths.ControlSocket);
        Assert.Contains("no permission", AsNobody("cowloop", "unload").MustExitWith(2).MustBeForPeople(2).Error, StringComparison.Ordinal);
        Assert.Contains(disk.Path, AsNobody("cowdev", "-l").MustSucceed().Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Temp["x.cow"]));
        Assert.Equal([disk.Path], Service.ActiveDevices());
    }

    [RootFact("setpriv")]
    public void Nobody_can_not_start_the_service()
    {
        Service.Stop();
        string image = NumbersBase();
        var before = DirectorySnapshot.Of(Temp.Path);
        AsNobody("cowdev", "-a", image, Temp["x.cow"]).MustRefuse(2, $"{Service.DeviceDirectory}/ctl: No such device or address", "root");
        Assert.Contains("root", AsNobody("cowloop", "load").MustExitWith(2).MustBeForPeople(2).Error, StringComparison.Ordinal);
        Assert.Contains("root", AsNobody("cowloopd").MustExitWith(1).MustBeForPeople(2).Error, StringComparison.Ordinal);
        before.MustBeUnchanged();
        Assert.False(Service.IsRunning);
    }

    [RootTheory("unshare")]
    [InlineData("mount --bind /dev/null /dev/fuse")]
    [InlineData("mount --bind \"$EMPTY\" /dev/fuse")]
    [InlineData("mkdir \"$EMPTY.d\"; mount -t tmpfs x \"$EMPTY.d\"; cp -a /dev/null /dev/urandom /dev/loop-control \"$EMPTY.d\"; mount --move \"$EMPTY.d\" /dev")]
    public void Without_fuse_the_service_does_not_start(string spoil)
    {
        using var service = new CowService();
        CommandResult result = ActivateWith(service, spoil)
            .MustRefuse(2, $"{service.DeviceDirectory}/ctl: No such device or address", "fuse");
        Assert.DoesNotContain("losetup", result.Error, StringComparison.Ordinal);
        Assert.False(service.IsRunning);
        Assert.Contains("FUSE", service.Log, StringComparison.OrdinalIgnoreCase);
    }

    [RootTheory("unshare")]
    [InlineData("mount --bind /dev/null /dev/loop-control")]
    [InlineData("mount --bind \"$EMPTY\" /dev/loop-control")]
    [InlineData("mkdir \"$EMPTY.d\"; mount -t tmpfs x \"$EMPTY.d\"; cp -a /dev/null /dev/urandom /dev/fuse \"$EMPTY.d\"; mount --move \"$EMPTY.d\" /dev")]
    public void Without_a_loop_device_an_activation_fails(string spoil)
    {
        using var service = new CowService();
        CommandResult result = ActivateWith(service, spoil).MustExitWith(2).MustBeForPeople(2);
        Assert.StartsWith("activate new cowdevice: ", result.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("loop", result.ErrorLines[1], StringComparison.Ordinal);
        // It serves on, without a device.
        Assert.True(service.IsRunning);
        Assert.Equal("", service.Cowdev("-l").MustSucceed().Output);
    }

    /// <summary>Activates a device in a mount namespace of its own, in which something was done to /dev before.</summary>
    private CommandResult ActivateWith(CowService service, string spoil)
    {
        string image = NumbersBase();
        File.WriteAllText(Temp["empty"], "");
        var environment = new Dictionary<string, string>(service.Environment)
        {
            ["COWDEV"] = Repository.Program("cowdev"),
            ["IMAGE"] = image,
            ["COWFILE"] = Temp["x.cow"],
            ["EMPTY"] = Temp["empty"],
        };
        CommandResult result = Shell.Try(
            new ShellOptions { Environment = environment }, "unshare", "--mount", "sh", "-ec", $"{spoil}; exec \"$COWDEV\" -a \"$IMAGE\" \"$COWFILE\"");
        Assert.False(File.Exists(Temp["x.cow"]));
        return result;
    }

    private CommandResult AsNobody(string program, params string[] arguments)
    {
        // The directory that the run directory is in is the test's own; for others it is closed.
        Shell.Run("chmod", "755", Path.GetDirectoryName(Service.RunDirectory)!);
        return nobody.Try(new ShellOptions { Environment = Service.Environment }, program, arguments);
    }
}
