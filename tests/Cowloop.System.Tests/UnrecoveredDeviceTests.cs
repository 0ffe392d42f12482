using Cowloop.Control;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A device of a killed service that can't be made again: the others come back, and it is shown with what to do.</summary>
public class UnrecoveredDeviceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private readonly byte[] _unflushed = Data.Random(1, 8192);

    [RootFact]
    public void A_missing_cowfile_keeps_only_its_device_until_it_is_there_again()
    {
        CowDisk lost = Lose("it's lost.cow", disk => File.Move(disk.Cowfile, Temp["hidden"]));
        UnrecoveredDevice shown = Shown();
        Assert.Equal((0, lost.Path, lost.Image, lost.Cowfile), (shown.Number, shown.Path, shown.BasePath, shown.CowfilePath));
        Assert.Contains("No such file or directory", shown.Reason, StringComparison.Ordinal);
        Assert.False(File.Exists(lost.Cowfile));

        // The next start tries again, whatever ended this one.
        Service.Cowloop("unload").MustSucceed();
        File.Move(Temp["hidden"], lost.Cowfile);
        Service.StartService();
        Assert.Equal([lost.Path], Service.ActiveDevices());
        Assert.Equal(_unflushed, BlockIo.Read(lost.Path, 0, _unflushed.Length));
    }

    [RootFact]
    public void The_command_that_is_shown_brings_it_back()
    {
        CowDisk lost = Lose("it's lost.cow", disk => File.Move(disk.Cowfile, Temp["hidden"]));
        CowDisk other = Attach(NumbersBase("S"), "first to come.cow");
        Assert.NotEqual(lost.Path, other.Path);
        File.Move(Temp["hidden"], lost.Cowfile);

        string status = Service.Cowloop("status").MustSucceed().Output;
        string command = status.Split('\n').Single(line => line.StartsWith("    cowdev ", StringComparison.Ordinal)).Trim();
        Assert.Equal(lost.Path, RunShown(command).Line);
        Assert.Equal(_unflushed, BlockIo.Read(lost.Path, 0, _unflushed.Length));
        Assert.DoesNotContain("cowdev", Service.Cowloop("status").MustSucceed().Output, StringComparison.Ordinal);
    }

    [RootFact]
    public void Its_cowfile_gets_its_number_again()
    {
        CowDisk lost = Lose("lost.cow", disk => File.Move(disk.Cowfile, Temp["hidden"]));
        File.Move(Temp["hidden"], lost.Cowfile);
        Assert.Equal(lost, Attach(lost.Image, "lost.cow"));
        Assert.Equal(_unflushed, BlockIo.Read(lost.Path, 0, _unflushed.Length));
        Assert.Empty(Status().Unrecovered);
    }

    [RootFact]
    public void Detaching_it_forgets_it()
    {
        CowDisk lost = Lose("lost.cow", disk => File.Move(disk.Cowfile, Temp["hidden"]));
        Service.Detach(lost);
        Assert.Empty(Status().Unrecovered);
        Service.Cowdev("-d", lost.Path).MustRefuse(2, "deactivate existing cowdevice: No such device");
        // What it held is in its cowfile as before.
        File.Move(Temp["hidden"], lost.Cowfile);
        Assert.Equal(_unflushed, BlockIo.Read(Attach(lost.Image, "lost.cow").Path, 0, _unflushed.Length));
    }

    [RootFact]
    public void Another_pair_that_asks_for_its_number_takes_its_place()
    {
        CowDisk lost = Lose("lost.cow", disk => File.Delete(disk.Cowfile));
        CowDisk other = Attach(NumbersBase("S"), "other.cow", lost.Path);
        Assert.Equal(lost.Path, other.Path);
        Assert.Empty(Status().Unrecovered);
        Service.Detach(other);
        Service.ForgetLiveBits();
    }

    [RootFact]
    public void Its_number_is_given_away_when_there_is_no_other()
    {
        Service.Stop();
        Service.Cowloop("load", "maxcows=1").MustSucceed();
        CowDisk lost = Attach(NumbersBase(), "lost.cow");
        Service.Kill();
        File.Delete(lost.Cowfile);
        Service.Cowloop("load", "maxcows=1").MustSucceed();
        Assert.Equal(lost.Path, Shown().Path);
        Assert.Equal(lost.Path, Attach(lost.Image, "other.cow").Path);
        Assert.Empty(Status().Unrecovered);
        Service.Detach(new CowDisk(lost.Path, lost.Image, Temp["other.cow"]));
        Service.ForgetLiveBits();
        Service.Stop();
    }

    [RootFact]
    public void A_base_that_has_changed_is_not_taken()
    {
        string image = Data.NumbersFile(Temp["R"]);
        Lose("lost.cow", disk => File.WriteAllBytes(disk.Image, Data.Random(5, 1 << 20)), image);
        Assert.Contains("has changed since", Shown().Reason, StringComparison.Ordinal);
        Service.Cowdev("-d", Shown().Path).MustSucceed();
        Service.ForgetLiveBits();
    }

    [RootFact]
    public void Another_file_of_the_same_name_is_not_taken()
    {
        CowDisk lost = Lose("lost.cow", disk =>
        {
            File.Copy(disk.Cowfile, Temp["copy"]);
            File.Move(Temp["copy"], disk.Cowfile, overwrite: true);
        });
        Assert.Contains($"cowfile {lost.Cowfile} is another file than before", Shown().Reason, StringComparison.Ordinal);
        Service.Detach(lost);
        Service.ForgetLiveBits();
    }

    [RootFact]
    public void A_cowfile_that_another_service_has_is_left_to_it()
    {
        using var other = new CowService();
        CowDisk lost = Lose("lost.cow", disk => other.Attach(disk.Image, disk.Cowfile));
        Assert.Contains("another process has it open", Shown().Reason, StringComparison.Ordinal);
        Service.Detach(lost);
        Service.ForgetLiveBits();
    }

    [RootFact]
    public void A_cowfile_that_cowctl_has_let_go_of_is_not_opened_again()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, _unflushed);
        Service.Cowctl("-c", disk.Path).MustSucceed();
        Service.Kill();
        Service.StartService();
        Assert.Contains("cowctl -c has let go", Shown().Reason, StringComparison.Ordinal);
        Assert.Equal(_unflushed, BlockIo.Read(Attach(disk.Image).Path, 0, _unflushed.Length));
    }

    [RootFact]
    public void A_plain_cowfile_without_live_bits_has_to_be_repaired_first()
    {
        Service.Detach(Attach(NumbersBase("S"), "other.cow"));
        string image = NumbersBase();
        string cowfile = Temp["plain.cow"];
        using (var client = new ControlClient(Service.Paths))
        {
            client.Attach(new AttachRequest(image, cowfile, "/", Plain: true));
        }
        BlockIo.WriteUnflushed(Service.Node(0), 0, _unflushed);
        Service.Kill();
        Service.ForgetLiveBits();
        Service.StartService();
        Assert.Equal((0, $"run: cowrepair {cowfile}"), (Shown().Number, Shown().Hint));
        Service.Run("cowrepair", cowfile).MustSucceed();
        RunShown(Shown().Command!);
        Assert.Equal(_unflushed, BlockIo.Read(Service.Node(0), 0, _unflushed.Length));
    }

    [RootFact]
    public void A_device_whose_base_did_not_come_back_waits_for_it()
    {
        CowDisk lower = Attach(NumbersBase(), "lower.cow");
        CowDisk upper = Attach(lower.Path, "upper.cow");
        BlockIo.WriteUnflushed(upper.Path, 0, _unflushed);
        Service.Kill();
        File.Move(lower.Cowfile, Temp["hidden"]);
        Service.StartService();
        Assert.Empty(Service.ActiveDevices());
        Assert.Equal([lower.Path, upper.Path], Status().Unrecovered.Select(device => device.Path));

        File.Move(Temp["hidden"], lower.Cowfile);
        foreach (UnrecoveredDevice device in Status().Unrecovered)
        {
            RunShown(device.Command!);
        }
        Assert.Equal(_unflushed, BlockIo.Read(upper.Path, 0, _unflushed.Length));
        Service.Detach(upper);
        Service.Detach(lower);
    }

    [RootFact]
    public void A_device_whose_base_was_written_to_without_it_does_not_come_back_by_itself()
    {
        CowDisk lower = Attach(NumbersBase(), "lower.cow");
        CowDisk upper = Attach(lower.Path, "upper.cow");
        Service.Kill();
        File.Move(upper.Cowfile, Temp["hidden"]);
        Service.StartService();
        BlockIo.Write(lower.Path, 512 * 1024, _unflushed);
        File.Move(Temp["hidden"], upper.Cowfile);
        Service.Kill();
        Service.StartService();

        Assert.Equal([lower.Path], Service.ActiveDevices());
        Assert.Contains("may hold something else than before", Shown().Reason, StringComparison.Ordinal);
        Service.Detach(upper);
        Service.Detach(lower);
        Service.ForgetLiveBits();
    }

    [RootFact]
    public void Files_that_make_no_sense_are_put_aside_and_those_of_another_boot_go()
    {
        CowDisk good = Attach(NumbersBase(), "good.cow");
        Service.Attach(good.Image, Temp["bad.cow"], Service.Node(1));
        Service.Attach(good.Image, Temp["old.cow"], Service.Node(2));
        Service.Kill();
        string bad = $"{Service.Paths.SavedDevices}/1.json";
        string old = $"{Service.Paths.SavedDevices}/2.json";
        File.WriteAllText(bad, File.ReadAllText(bad)[..100]);
        File.WriteAllText(old, File.ReadAllText(old).Replace(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), Guid.NewGuid().ToString(), StringComparison.Ordinal));
        File.WriteAllText($"{Service.Paths.SavedDevices}/3.json.new", "{");
        Service.StartService();
        Assert.Equal([good.Path], Service.ActiveDevices());
        Assert.Empty(Status().Unrecovered);
        Assert.Contains($"{bad} is damaged", Service.Log, StringComparison.Ordinal);
        Assert.Equal(
            ["0.json", "1.json.damaged"],
            Directory.GetFiles(Service.Paths.SavedDevices).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        File.Delete($"{bad}.damaged");
        Service.Detach(good);
        Service.ForgetLiveBits();
    }

    /// <summary>Activates a device and another one, kills the service, does something to the first and starts another service.</summary>
    private CowDisk Lose(string cowfile, Action<CowDisk> spoil, string? image = null)
    {
        CowDisk lost = Attach(image ?? NumbersBase(), cowfile);
        BlockIo.WriteUnflushed(lost.Path, 0, _unflushed);
        CowDisk other = Attach(NumbersBase("other base"), "other one.cow");
        BlockIo.WriteUnflushed(other.Path, 0, _unflushed);
        Service.Kill();
        spoil(lost);
        Service.StartService();
        Assert.Equal([other.Path], Service.ActiveDevices());
        Assert.Equal(_unflushed, BlockIo.Read(other.Path, 0, _unflushed.Length));
        Service.Detach(other);
        return lost;
    }

    private ServiceStatus Status()
    {
        using var client = new ControlClient(Service.Paths);
        return client.GetService();
    }

    private UnrecoveredDevice Shown() => Assert.Single(Status().Unrecovered);

    private CommandResult RunShown(string command) => Shell.Try(
        new ShellOptions { Environment = Service.Environment },
        "sh",
        "-c",
        $"PATH={Repository.Binaries}:$PATH; {command}").MustSucceed();
}
