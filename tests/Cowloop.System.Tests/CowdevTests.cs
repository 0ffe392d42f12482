using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What cowdev prints and how it ends.</summary>
public class CowdevTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void T70_listing_without_devices_prints_nothing()
    {
        Assert.Equal("", Service.Cowdev("-l").MustSucceed().Output);
        // The service runs now, and has none.
        Service.Detach(Attach(NumbersBase()));
        CommandResult result = Service.Cowdev("-l").MustSucceed();
        Assert.Equal("", result.Output);
        Assert.Equal("", result.Error);
    }

    [RootFact]
    public void T70_listing_two_devices_prints_the_originals_table()
    {
        string image = NumbersBase();
        CowDisk first = Attach(image, "first.cow");
        CowDisk second = Attach(image, "a name that is longer than the column of 32 characters.cow");
        string expected =
            "cowdevice     read-only file                   copy-on-write file              \n"
            + "--------------------------------------------------------------------------------\n"
            + $"{first.Path,-12}  {image,-32} {first.Cowfile,-32}\n"
            + $"{second.Path,-12}  {image,-32} {second.Cowfile,-32}\n"
            + "\n";
        Assert.Equal(expected, Service.Cowdev("-l").MustSucceed().Output);
    }

    [RootTheory]
    [InlineData("")]
    [InlineData("-x")]
    [InlineData("-ll")]
    [InlineData("-a one")]
    [InlineData("-a one two three four")]
    [InlineData("-l extra")]
    [InlineData("-d")]
    [InlineData("-d one two")]
    [InlineData("extra")]
    public void T71_wrong_usage(string arguments)
    {
        string program = Repository.Program("cowdev");
        CommandResult result = Service.Cowdev(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).MustExitWith(1);
        Assert.Equal("", result.Output);
        Assert.Equal(
            "Usage:\n"
            + $"\t{program} -l                          \tlist active cowdevices\n"
            + $"\t{program} -a rdofile cowfile [devfile]\tactivate new cowdevice\n"
            + $"\t{program} -d devfile                  \tdeactivate existing cowdevice\n",
            result.Error);
    }

    [RootFact]
    public void Success_prints_the_device_alone_and_deactivation_prints_nothing()
    {
        string image = NumbersBase();
        CommandResult attached = Service.Cowdev("-a", image, Temp["changes.cow"]).MustSucceed();
        Assert.Equal($"{Service.Node(0)}\n", attached.Output);
        Assert.Equal("", attached.Error);
        Assert.Equal(File.ReadAllBytes(image), File.ReadAllBytes(attached.Line));

        CommandResult detached = Service.Cowdev("-d", attached.Line).MustSucceed();
        Assert.Equal("", detached.Output);
        Assert.Equal("", detached.Error);
        Assert.False(File.Exists(attached.Line));
    }

    [RootFact]
    public void T73_a_wanted_device_that_is_a_regular_file_or_missing()
    {
        string image = NumbersBase();
        var before = DirectorySnapshot.Of(Temp.Path);
        Service.Cowdev("-a", image, Temp["changes.cow"], image).MustRefuse(2, $"{image}: not a block device");
        Service.Cowdev("-a", image, Temp["changes.cow"], Temp["missing"]).MustRefuse(2, "stat preferred cowdevice: No such file or directory");
        Service.Cowdev("-d", image).MustRefuse(2, $"{image}: not a block device");
        Service.Cowdev("-d", Temp["missing"]).MustRefuse(2, "stat preferred device: No such file or directory");
        before.MustBeUnchanged();
    }

    [RootFact("losetup")]
    public void A_foreign_block_device_is_no_cowdevice()
    {
        string image = NumbersBase();
        using LoopBack loop = LoopBack.ReadOnly(image);
        Attach(image, "runs.cow");
        Service.Cowdev("-a", image, Temp["changes.cow"], loop.Path).MustRefuse(2, "activate new cowdevice: Invalid argument", loop.Path);
        Service.Cowdev("-d", loop.Path).MustRefuse(2, "deactivate existing cowdevice: Invalid argument", loop.Path);
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(loop.Path));
        Assert.False(File.Exists(Temp["changes.cow"]));
    }

    [RootFact]
    public void A_device_is_found_by_any_node_of_its_number()
    {
        CowDisk disk = Attach(NumbersBase());
        Service.Cowdev("-d", $"/dev/{Service.KernelName(disk)}").MustSucceed();
        Assert.Empty(Service.ActiveDevices());
    }

    [RootFact]
    public void Deactivating_what_is_not_active()
    {
        Service.Detach(Attach(NumbersBase()));
        Service.Cowdev("-d", Service.Node(3)).MustRefuse(2, "deactivate existing cowdevice: No such device", "cowdevice 3");
        Service.Cowdev("-d", Service.Node(300)).MustRefuse(2, "deactivate existing cowdevice: Invalid argument", "cowdevice 300");
    }

    [RootFact]
    public void Relative_paths_mean_the_callers_directory()
    {
        string image = NumbersBase();
        Directory.CreateDirectory(Temp["below"]);
        // The service was started from elsewhere.
        Service.Detach(Attach(image, "elsewhere.cow"));
        var options = new ShellOptions { Directory = Temp["below"], Environment = Service.Environment };
        string device = Shell.Try(options, Repository.Program("cowdev"), "-a", "../R", "own.cow").MustSucceed().Line;
        Assert.True(File.Exists(Temp["below/own.cow"]));
        Assert.Equal(File.ReadAllBytes(image), File.ReadAllBytes(device));
    }

    [RootFact]
    public void Version_and_help()
    {
        string version = Service.Cowloop("--version").MustSucceed().Output;
        Assert.Matches("^cowloop [0-9]+\\.[0-9]+\\.[0-9]+", version);
        Assert.Equal(version.Replace("cowloop", "cowdev", StringComparison.Ordinal), Service.Cowdev("--version").MustSucceed().Output);
        Assert.Equal(version.Replace("cowloop", "cowsync", StringComparison.Ordinal), Service.Cowsync("--version").MustSucceed().Output);
        Assert.Contains("Example", Service.Cowdev("--help").MustSucceed().Output, StringComparison.Ordinal);
        Assert.Contains("Usage", Service.Cowsync("--help").MustSucceed().Output, StringComparison.Ordinal);
        foreach (string verb in new[] { "load", "unload", "status", "watch" })
        {
            Assert.Contains(verb, Service.Cowloop("--help").MustSucceed().Output, StringComparison.Ordinal);
            Assert.Contains("Example", Service.Cowloop(verb, "--help").MustSucceed().Output, StringComparison.Ordinal);
        }
    }
}
