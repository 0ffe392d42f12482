using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Nobody but root can put a socket, a log or a node of his own where the service's should be.</summary>
public class RunDirectoryTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const UnixFileMode OnlyOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [RootFact]
    public void The_socket_is_roots_alone_from_its_first_moment_whatever_the_mask()
    {
        using var service = new CowService();
        var seen = new List<UnixFileMode>();
        Task<CommandResult> starting = Task.Run(() => Shell.Try(
            new ShellOptions { Environment = service.Environment }, "sh", "-ec", $"umask 0; exec '{Repository.Program("cowloop")}' load"));
        while (!starting.IsCompleted)
        {
            try
            {
                seen.Add(File.GetUnixFileMode(service.Paths.ControlSocket));
            }
            catch (IOException)
            {
                // Not there yet.
            }
        }
        starting.Result.MustSucceed();
        Assert.NotEmpty(seen);
        Assert.All(seen, mode => Assert.Equal(OnlyOwner, mode));
        Assert.Equal("755", ModeOf(service.RunDirectory));
        Assert.Equal("755", ModeOf(service.DeviceDirectory));
        Assert.Equal("640", ModeOf(service.Paths.Log));
    }

    [RootTheory]
    [InlineData("run", "chmod 777", "others may write to ")]
    [InlineData("run", "chmod 1777", "others may write to ")]
    [InlineData("run", "chmod 775", "others may write to ")]
    [InlineData("run", "chown 65534", " belongs to user 65534")]
    [InlineData("dev", "chmod 777", "others may write to ")]
    [InlineData("dev", "chown 65534", " belongs to user 65534")]
    public void A_directory_that_others_may_write_to_is_refused(string which, string spoil, string reason)
    {
        using var service = new CowService();
        string directory = which == "run" ? service.RunDirectory : service.DeviceDirectory;
        Directory.CreateDirectory(directory);
        Shell.RunScript($"{spoil} {directory}");
        var before = DirectorySnapshot.Of(directory);

        CommandResult result = service.Cowloop("load").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        Assert.Contains(directory, result.Error, StringComparison.Ordinal);
        service.Run("cowloopd").MustExitWith(1);
        service.Cowdev("-a", NumbersBase(), Temp["x.cow"]).MustExitWith(2);
        Assert.False(service.IsRunning);
        Assert.False(File.Exists(Temp["x.cow"]));
        before.MustBeUnchanged();

        Shell.RunScript($"chown 0 {directory}; chmod 755 {directory}");
        service.Cowloop("load").MustSucceed();
    }

    [RootFact]
    public void A_log_that_somebody_else_has_made_a_link_is_not_written_to()
    {
        using var service = new CowService();
        Directory.CreateDirectory(service.RunDirectory);
        File.CreateSymbolicLink(service.Paths.Log, Temp["victim"]);
        Shell.RunScript($"chown -h 65534 {service.RunDirectory} {service.Paths.Log}");

        service.Cowloop("load").MustExitWith(2);
        Assert.False(File.Exists(Temp["victim"]));
        File.Delete(service.Paths.Log);
    }

    private static string ModeOf(string path) => Shell.Run("stat", "-c", "%a", path).Line;
}
