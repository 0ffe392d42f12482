using Cowloop.Control;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The service is killed, and the next one has its devices again, with all that was acknowledged.</summary>
public class KilledServiceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private readonly byte[] _unflushed = Data.Random(1, 64 * 1024);

    [RootFact]
    public void The_next_activation_brings_all_devices_back()
    {
        string image = NumbersBase();
        CowDisk first = Attach(image, "first.cow");
        CowDisk second = Service.Attach(image, Temp["second.cow"], Service.Node(5));
        BlockIo.WriteUnflushed(first.Path, 0, _unflushed);
        BlockIo.WriteUnflushed(second.Path, 65536, _unflushed);
        Service.Kill();

        CowDisk third = Attach(image, "third.cow");
        Assert.Equal(Service.Node(1), third.Path);
        Assert.Equal([first.Path, third.Path, second.Path], Service.ActiveDevices());
        Assert.Equal(_unflushed, BlockIo.Read(first.Path, 0, _unflushed.Length));
        Assert.Equal(_unflushed, BlockIo.Read(second.Path, 65536, _unflushed.Length));
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(third.Path));
        Assert.Equal(3, Service.LeftOverDevices().Count(left => left.StartsWith("/dev/loop", StringComparison.Ordinal)));
    }

    [RootTheory]
    [InlineData("cowdev", "-a")]
    [InlineData("cowloop", "attach")]
    public void Asked_for_the_same_pair_a_tool_that_starts_the_service_names_the_device(string program, string verb)
    {
        string image = NumbersBase();
        CowDisk disk = Service.Attach(image, Temp["changes.cow"], Service.Node(3));
        BlockIo.WriteUnflushed(disk.Path, 0, _unflushed);
        Service.Kill();
        CommandResult result = Service.Run(program, verb, image, disk.Cowfile).MustSucceed();
        Assert.Equal(disk.Path, result.Line);
        Assert.Contains($"{disk.Path} is there again", result.Error, StringComparison.Ordinal);
        Assert.Equal(_unflushed, BlockIo.Read(disk.Path, 0, _unflushed.Length));
        // The service runs now, so the pair is in use as ever.
        Service.Cowdev("-a", image, disk.Cowfile)
            .MustRefuse(2, "activate new cowdevice: Device or resource busy", $"{disk.Cowfile}: already in use as cow of cowdevice 3");
    }

    [RootFact]
    public void Another_number_for_the_same_pair_is_refused()
    {
        CowDisk disk = Attach(NumbersBase());
        Service.Kill();
        Service.Cowdev("-a", disk.Image, disk.Cowfile, Service.Node(7))
            .MustRefuse(2, "activate new cowdevice: Device or resource busy", $"already in use as cow of cowdevice {disk.Number}");
    }

    /// <summary>Without a tmpfs each new block is durable and findable before it is acknowledged.</summary>
    [RootFact]
    public void Acknowledged_writes_are_there_too_where_no_live_bits_can_be_kept()
    {
        Service.Stop();
        string image = NumbersBase();
        var options = new ShellOptions { Environment = new Dictionary<string, string>(Service.Environment) { ["COWLOOP_LIVE_DIR"] = Temp["no-tmpfs"] } };
        Shell.Try(options, Repository.Program("cowdev"), "-a", image, Temp["my.cow"]).MustSucceed();
        Assert.Contains("no place for live bits", Service.Log, StringComparison.Ordinal);
        BlockIo.WriteUnflushed(Service.Node(0), 65536, _unflushed);
        Service.Kill();
        Assert.Equal(0xFF, File.ReadAllBytes(Temp["my.cow"])[1024 + 8]);
        Service.StartService();
        Assert.Equal(_unflushed, BlockIo.Read(Service.Node(0), 65536, _unflushed.Length));
    }

    [RootFact]
    public void Zeros_over_a_new_block_stay_zeros()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.WriteUnflushed(disk.Path, 5120, Data.Fill(0xAA, 1024));
        BlockIo.WriteUnflushed(disk.Path, 5120, Data.Fill(0, 1024));
        Restart();
        Assert.Equal(Data.Fill(0, 1024), BlockIo.Read(disk.Path, 5120, 1024));
    }

    [RootFact]
    public void A_service_killed_over_and_over_loses_nothing()
    {
        CowDisk disk = Attach(NumbersBase());
        for (int round = 0; round < 4; round++)
        {
            BlockIo.WriteUnflushed(disk.Path, round * 65536, _unflushed);
            Service.Kill();
            CowService.Kill(Service.BeginService());
            Service.StartService();
        }
        for (int round = 0; round < 4; round++)
        {
            Assert.Equal(_unflushed, BlockIo.Read(disk.Path, round * 65536, _unflushed.Length));
        }
    }

    [RootFact]
    public void Numbers_beyond_what_the_next_service_has_come_back()
    {
        Service.Stop();
        Service.Cowloop("load", "maxcows=100").MustSucceed();
        CowDisk disk = Service.Attach(NumbersBase(), Temp["changes.cow"], Service.Node(99));
        Restart();
        Assert.Equal([disk.Path], Service.ActiveDevices());
        Service.Stop();
    }

    [RootFact]
    public void Load_with_the_pair_of_device_0_finds_it_there()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.WriteUnflushed(disk.Path, 0, _unflushed);
        Service.Kill();
        Assert.Equal(disk.Path, Service.Cowloop("load", $"rdofile={disk.Image}", $"cowfile={disk.Cowfile}").MustSucceed().Line);
        Assert.Equal(_unflushed, BlockIo.Read(disk.Path, 0, _unflushed.Length));
    }

    [RootFact]
    public void Load_with_another_pair_is_refused_and_the_devices_are_there_all_the_same()
    {
        CowDisk disk = Attach(NumbersBase());
        Service.Kill();
        CommandResult result = Service.Cowloop("load", $"rdofile={disk.Image}", $"cowfile={Temp["other.cow"]}").MustExitWith(2).MustBeForPeople(2);
        Assert.Contains("cowdevice 0 is active already", result.Error, StringComparison.Ordinal);
        Assert.Equal([disk.Path], Service.ActiveDevices());
        Assert.False(File.Exists(Temp["other.cow"]));
    }

    [RootFact]
    public void A_cowfile_that_was_reopened_read_only_stays_so()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, _unflushed);
        Service.Cowctl("-r", disk.Path).MustSucceed();
        Restart();
        Assert.Equal("readOnly", Service.Status(disk).GetProperty("cowfileAccess").GetString());
        Assert.Equal(_unflushed, BlockIo.Read(disk.Path, 0, _unflushed.Length));
        Assert.NotEqual(0, BlockIo.TryWrite(disk.Path, 0, _unflushed).ExitCode);
    }

    [RootFact]
    public void A_plain_cowfile_comes_back_with_its_live_bits()
    {
        CowDisk disk = AttachPlain();
        BlockIo.WriteUnflushed(disk.Path, 0, _unflushed);
        BlockIo.WriteUnflushed(disk.Path, 65536, Data.Fill(0, 1024));
        Restart();
        Assert.Equal(_unflushed, BlockIo.Read(disk.Path, 0, _unflushed.Length));
        Assert.Equal(Data.Fill(0, 1024), BlockIo.Read(disk.Path, 65536, 1024));
    }

    [RootFact("sfdisk")]
    public void A_partition_that_is_the_base_of_another_device_is_there_before_it()
    {
        Images.Partition(Images.Allocate(Temp["image"], 8), "label: dos\nstart=1MiB, size=4MiB\n");
        CowDisk lower = Service.Attach(Base(Temp["image"]), Temp["lower.cow"], Service.Node(4));
        BlockIo.WriteUnflushed(lower.Partition(1), 0, _unflushed);
        CowDisk upper = Service.Attach(lower.Partition(1), Temp["upper.cow"], Service.Node(0));
        BlockIo.WriteUnflushed(upper.Path, 1 << 20, _unflushed);
        Restart();
        Assert.Equal([upper.Path, lower.Path], Service.ActiveDevices());
        Assert.Equal(_unflushed, BlockIo.Read(upper.Path, 0, _unflushed.Length));
        Assert.Equal(_unflushed, BlockIo.Read(upper.Path, 1 << 20, _unflushed.Length));
        Assert.Equal(1, Service.Status(lower).GetProperty("opens").GetInt32());
        Service.Detach(upper);
        Service.Detach(lower);
    }

    [RootFact]
    public void Without_the_service_that_was_killed_cowrepair_finds_the_same()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.WriteUnflushed(disk.Path, 0, _unflushed);
        BlockIo.WriteUnflushed(disk.Path, 65536, Data.Fill(0, 1024));
        Service.Kill();
        Assert.Equal("Number of corrections in bitmap: 65\n", Service.Run("cowrepair", disk.Cowfile).MustSucceed().Output);
        Service.StartService();
        Assert.Equal(_unflushed, BlockIo.Read(disk.Path, 0, _unflushed.Length));
        Assert.Equal(Data.Fill(0, 1024), BlockIo.Read(disk.Path, 65536, 1024));
    }

    /// <summary>Kills the service and starts another one without a tool.</summary>
    private void Restart()
    {
        Service.Kill();
        Service.StartService();
    }

    private CowDisk AttachPlain()
    {
        Service.Detach(Attach(NumbersBase("other"), "other.cow"));
        string image = NumbersBase();
        using var client = new ControlClient(Service.Paths);
        string path = client.Attach(new AttachRequest(image, Temp["plain.cow"], "/", Plain: true)).Device.Path;
        return new CowDisk(path, image, Temp["plain.cow"]);
    }
}
