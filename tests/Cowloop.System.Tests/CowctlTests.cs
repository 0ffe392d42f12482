using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>cowctl: what a device does with a cowfile that is read-only or closed. What that is for is in CowctlShutdownTests.cs.</summary>
public class CowctlTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Refused = "close/reopen cowfile: Invalid argument";
    private const string IoError = "Input/output error";
    private const int CowOffset = 0;
    private const int BaseOffset = 65536;
    private const int Length = 4096;

    private static readonly byte[] Change = Data.Fill(0x41, Length);

    [RootFact]
    public void T36_less_and_less_access()
    {
        CowDisk disk = AttachChanged();
        Succeeds("-r", disk);
        MustRead(disk, CowOffset, Change);
        MustReadBase(disk);
        Fails(BlockIo.TryWrite(disk.Path, BaseOffset, Change));

        Service.Cowctl("-r", disk.Path).MustRefuse(2, Refused, "open read-only already");
        Succeeds("-c", disk);
        Fails(BlockIo.TryRead(disk.Path, CowOffset, Length));
        MustReadBase(disk);

        Succeeds("-c", disk);
        Service.Cowctl("-r", disk.Path).MustRefuse(2, Refused, "closed already");
        Service.Detach(disk);
        MustHoldChange(disk);
    }

    [RootFact]
    public void A_cowfile_is_closed_without_being_read_only_before()
    {
        CowDisk disk = AttachChanged();
        Succeeds("-c", disk);
        Fails(BlockIo.TryRead(disk.Path, CowOffset, Length));
        Fails(BlockIo.TryWrite(disk.Path, CowOffset, Change));
        Fails(BlockIo.TryWrite(disk.Path, BaseOffset, Change));
        MustReadBase(disk);
        Service.Detach(disk);
        MustHoldChange(disk);
    }

    [RootFact("blkdiscard")]
    public void Discards_and_zeros_are_refused_too()
    {
        CowDisk disk = AttachChanged();
        Succeeds("-r", disk);
        Fails(Shell.Try("blkdiscard", "--length", "4096", disk.Path));
        Fails(Shell.Try("blkdiscard", "--zeroout", "--length", "4096", disk.Path));
        MustRead(disk, CowOffset, Change);
    }

    [RootFact]
    public void The_status_tells_it_in_words_and_as_data()
    {
        CowDisk disk = AttachChanged();
        MustBe(disk, "devopen cowopenrw ", "readWrite", isReadOnly: false, "dirty", "dirty");
        Succeeds("-r", disk);
        MustBe(disk, "devopen cowopenro ", "readOnly", isReadOnly: true, "clean", "read-only");
        Succeeds("-c", disk);
        MustBe(disk, "devopen ", "closed", isReadOnly: true, "clean", "closed");
    }

    [RootTheory]
    [InlineData("-r")]
    [InlineData("-c")]
    public void The_cowfile_is_left_as_a_deactivation_leaves_it(string option)
    {
        CowDisk disk = AttachChanged();
        Succeeds(option, disk);
        byte[] afterwards = File.ReadAllBytes(disk.Cowfile);
        DateTime modified = File.GetLastWriteTimeUtc(disk.Cowfile);
        Service.Cowsync().MustSucceed();
        Service.Detach(disk);
        Assert.Equal(modified, File.GetLastWriteTimeUtc(disk.Cowfile));

        CowDisk other = AttachChanged("other.cow", disk.Image);
        Service.Detach(other);
        Assert.Equal(WithoutRecord(File.ReadAllBytes(other.Cowfile)), WithoutRecord(afterwards));
    }

    [RootFact]
    public void Only_its_own_cowfile_is_made_clean()
    {
        CowDisk one = AttachChanged("one.cow");
        CowDisk other = AttachChanged("other.cow", one.Image);
        Succeeds("-r", one);
        Assert.Equal("dirty", Service.Status(other).GetProperty("state").GetString());
        BlockIo.Write(other.Path, BaseOffset, Change);
    }

    [RootFact]
    public void A_closed_cowfile_can_be_used_by_another_device_and_a_read_only_one_can_not()
    {
        CowDisk first = AttachChanged();
        Succeeds("-r", first);
        Service.Cowdev("-a", first.Image, first.Cowfile)
            .MustRefuse(2, "activate new cowdevice: Device or resource busy", "already in use as cow of cowdevice 0");
        Service.Cowdev("-a", first.Cowfile, Temp["upper.cow"])
            .MustRefuse(2, "activate new cowdevice: Device or resource busy", "it is the cowfile of cowdevice 0");

        Succeeds("-c", first);
        CowDisk second = Service.Attach(first.Image, first.Cowfile);
        MustRead(second, CowOffset, Change);
        BlockIo.Write(second.Path, BaseOffset, Change);
        MustReadBase(first);
        Service.Detach(first);
        MustRead(second, BaseOffset, Change);
    }

    [RootFact]
    public void The_file_is_meant_and_not_its_name()
    {
        string image = NumbersBase();
        var options = new ShellOptions { Directory = Temp.Path, Environment = Service.Environment };
        string path = Shell.Try(options, Repository.Program("cowdev"), "-a", "R", "x.cow").MustSucceed().Line;
        var disk = new CowDisk(path, image, Temp["moved.cow"]);
        BlockIo.Write(disk.Path, CowOffset, Change);
        File.Move(Temp["x.cow"], disk.Cowfile);
        File.WriteAllText(Temp["x.cow"], "another file");

        Succeeds("-r", disk);
        MustRead(disk, CowOffset, Change);
        Service.Detach(disk);
        MustHoldChange(disk);
        Assert.Equal("another file", File.ReadAllText(Temp["x.cow"]));
    }

    [RootFact]
    public void A_device_on_top_goes_on()
    {
        CowDisk lower = AttachChanged("lower.cow");
        CowDisk upper = Attach(lower.Path, "upper.cow");
        Succeeds("-r", lower);
        MustRead(upper, CowOffset, Change);
        BlockIo.Write(upper.Path, BaseOffset, Change);
        MustRead(upper, BaseOffset, Change);
        Service.Detach(upper);
        // It takes changes no more than before it was a base.
        Fails(BlockIo.TryWrite(lower.Path, BaseOffset, Change));
    }

    [RootTheory]
    [InlineData("")]
    [InlineData("-r")]
    [InlineData("-c")]
    [InlineData("-x device")]
    [InlineData("-rc device")]
    [InlineData("-r device more")]
    [InlineData("device -r")]
    public void Wrong_usage(string arguments)
    {
        string program = Repository.Program("cowctl");
        CommandResult result = Service.Cowctl(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).MustExitWith(1);
        Assert.Equal("", result.Output);
        Assert.Equal(
            "Usage:\n"
            + $"\t{program} -c cowdevice\tclose cowfile related to device\n"
            + $"\t{program} -r cowdevice\treopen cowfile read-only\n",
            result.Error);
    }

    [RootTheory("losetup")]
    [InlineData("-r")]
    [InlineData("-c")]
    public void What_is_no_active_cowdevice(string option)
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image);
        using LoopBack loop = LoopBack.ReadOnly(image);
        Service.Cowctl(option, Temp["missing"]).MustRefuse(2, "stat preferred device: No such file or directory");
        Service.Cowctl(option, image).MustRefuse(2, $"{image}: not a block device");
        Service.Cowctl(option, loop.Path).MustRefuse(2, Refused, loop.Path);
        Service.Cowctl(option, Service.Node(300)).MustRefuse(2, Refused, "cowdevice 300");
        Service.Cowctl(option, Service.Node(3)).MustRefuse(2, "close/reopen cowfile: No such device", "cowdevice 3");
        Assert.Equal("readWrite", Service.Status(disk).GetProperty("cowfileAccess").GetString());
    }

    [RootFact]
    public void Without_a_service()
    {
        Service.Stop();
        string text = $"{Service.DeviceDirectory}/ctl: No such file or directory";
        Service.Cowctl("-r", Service.Node(0)).MustRefuse(2, text, "not loaded");
        Service.Cowctl("-c", Temp["missing"]).MustRefuse(2, text, "not loaded");
        Assert.False(Service.IsRunning);
    }

    [RootFact]
    public void Version_and_help()
    {
        Assert.Matches("^cowctl [0-9]+\\.[0-9]+\\.[0-9]+", Service.Cowctl("--version").MustSucceed().Output);
        Assert.Contains("Example", Service.Cowctl("--help").MustSucceed().Output, StringComparison.Ordinal);
    }

    private CowDisk AttachChanged(string cowfile = "changes.cow", string? image = null)
    {
        CowDisk disk = Attach(image ?? NumbersBase(), cowfile);
        BlockIo.Write(disk.Path, CowOffset, Change);
        return disk;
    }

    private void Succeeds(string option, CowDisk disk)
    {
        CommandResult result = Service.Cowctl(option, disk.Path).MustSucceed();
        Assert.Equal("", result.Output);
        Assert.Equal("", result.Error);
    }

    private static void Fails(CommandResult result)
    {
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(IoError, result.Error, StringComparison.Ordinal);
    }

    private static void MustRead(CowDisk disk, int offset, byte[] expected) => Assert.Equal(expected, BlockIo.Read(disk.Path, offset, expected.Length));

    private static void MustReadBase(CowDisk disk) => MustRead(disk, BaseOffset, File.ReadAllBytes(disk.Image)[BaseOffset..(BaseOffset + Length)]);

    /// <summary>The device is gone, and its cowfile holds what was written and nothing that was refused.</summary>
    private void MustHoldChange(CowDisk disk)
    {
        byte[] expected = File.ReadAllBytes(disk.Image);
        Change.CopyTo(expected, CowOffset);
        CowDisk again = Service.Attach(disk.Image, disk.Cowfile);
        MustRead(again, 0, expected);
    }

    private void MustBe(CowDisk disk, string words, string access, bool isReadOnly, string state, string shown)
    {
        string text = Service.StatusText(disk);
        Assert.Contains($"      device state: {words}\n", text, StringComparison.Ordinal);
        Assert.Contains($"     state cowfile: {state,9}\n", text, StringComparison.Ordinal);
        JsonElement status = Service.Status(disk);
        Assert.Equal(access, status.GetProperty("cowfileAccess").GetString());
        Assert.Equal(isReadOnly, status.GetProperty("readOnly").GetBoolean());
        Assert.Equal(state, status.GetProperty("state").GetString());
        Assert.Contains($" {shown} ", Service.Cowloop("status").MustSucceed().Output, StringComparison.Ordinal);
    }

    /// <summary>Every cowfile has an identity of its own.</summary>
    private static byte[] WithoutRecord(byte[] cowfile)
    {
        cowfile.AsSpan(512, 512).Clear();
        return cowfile;
    }
}
