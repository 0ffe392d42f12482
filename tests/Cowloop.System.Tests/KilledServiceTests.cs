using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The service is killed: what was flushed is in the cowfile, and the next service clears up.</summary>
public class KilledServiceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void A_new_service_clears_dead_devices_and_refuses_the_plain_dirty_cowfile()
    {
        string image = NumbersBase();
        CowDisk dirty = Attach(image, "dirty.cow", "--plain");
        CowDisk clean = Attach(image, "clean.cow");
        BlockIo.Write(clean.Path, 0, Data.Fill(1, 1024));
        Service.Cowsync().MustSucceed();
        BlockIo.Write(dirty.Path, 0, Data.Fill(2, 1024));
        Service.Kill();

        // The new service has the old one's numbers.
        CowDisk again = Attach(image, "clean.cow");
        Assert.Equal(clean with { Path = dirty.Path }, again);
        Assert.Equal(Data.Fill(1, 1024), BlockIo.Read(again.Path, 0, 1024));
        Service.Cowdev("-a", image, dirty.Cowfile)
            .MustRefuse(2, "activate new cowdevice: Invalid argument", $"cowfile {dirty.Cowfile} is dirty (not properly closed by rmmod?)", $"run: cowrepair {dirty.Cowfile}");
        Assert.Equal([again.Path], Directory.EnumerateFileSystemEntries(Service.DeviceDirectory));
        Assert.Single(Service.LeftOverDevices(), left => left.StartsWith("/dev/loop", StringComparison.Ordinal));
    }

    [RootFact]
    public void What_was_flushed_is_in_the_cowfile_with_its_bits()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        byte[] bytes = Data.Random(3, 8192);
        BlockIo.Write(disk.Path, 16384, bytes);
        Service.Kill();
        byte[] file = File.ReadAllBytes(disk.Cowfile);
        Assert.Equal(1, file[6] & 1);
        Assert.Equal(0xFF, file[1024 + 2]);
        Assert.Equal(bytes, file[(4096 + 16384)..(4096 + 16384 + 8192)]);
        Service.Stop();
        Service.Cowloop("load").MustSucceed();
    }

    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_acknowledged_write_is_there_when_the_cowfile_is_used_again(bool isRepairedOffline)
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        byte[] bytes = Data.Random(3, 512 << 10);
        BlockIo.WriteUnflushed(disk.Path, 65536, bytes);
        string before = FileSnapshot.HashOf(disk.Path);
        Service.Kill();
        if (isRepairedOffline)
        {
            Service.Run("cowrepair", disk.Cowfile).MustSucceed();
        }

        CommandResult result = Service.Cowdev("-a", disk.Image, disk.Cowfile).MustSucceed();

        Assert.Equal("", result.Error);
        Assert.Equal(before, FileSnapshot.HashOf(result.Line));
    }

    /// <summary>Without a tmpfs each new block is durable and findable before it is acknowledged.</summary>
    [RootFact]
    public void They_are_there_too_where_no_live_bits_can_be_kept()
    {
        Service.Stop();
        string image = NumbersBase();
        var options = new ShellOptions { Environment = new Dictionary<string, string>(Service.Environment) { ["COWLOOP_LIVE_DIR"] = Temp["no-tmpfs"] } };
        Shell.Try(options, Repository.Program("cowdev"), "-a", image, Temp["my.cow"]).MustSucceed();
        Assert.Contains("no place for live bits", Service.Log, StringComparison.Ordinal);
        byte[] bytes = Data.Random(3, 64 << 10);
        BlockIo.WriteUnflushed(Service.Node(0), 65536, bytes);
        Service.Kill();
        Assert.Equal(0xFF, File.ReadAllBytes(Temp["my.cow"])[1024 + 8]);
        Assert.Equal(bytes, BlockIo.Read(Attach(image, "my.cow").Path, 65536, bytes.Length));
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_mounted_device_gives_errors_and_is_gone_after_the_unmount()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image);
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllText(mount["new"], "new\n");
            Shell.Run("sync", "-f", mount.Path);
            Service.Kill();
            Assert.NotEqual(0, BlockIo.TryWrite(disk.Path, 0, Data.Fill(0, 512)).ExitCode);
            Service.Cowloop("load").MustSucceed();
        }
        Poll.UntilNone("left by the killed service", Service.LeftOverDevices);
    }
}
