using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>cowwatch and cowloop watch: the space for a cowfile, at once or when it runs short.</summary>
public partial class CowwatchTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Action = "watch space information";
    private const int TotalKiB = 4096;

    [RootFact]
    public void T75_the_figures_in_two_lines()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        long available = AvailableKiB(disk);
        Assert.InRange(available, TotalKiB - 64, TotalKiB - 1);
        CommandResult result = Service.Cowwatch(disk.Path).MustSucceed();
        Assert.Equal($"Total: {TotalKiB,9} Kb\nAvail: {available,9} Kb\n", result.Output);
        Assert.Equal("", result.Error);
        Service.Detach(disk);
    }

    [RootFact]
    public void The_filesystem_is_asked_each_time()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        long before = AvailableKiB(disk);
        // The original noticed only what its own device wrote.
        File.WriteAllBytes(small["other"], new byte[1024 * 1024]);
        Assert.Equal(before - 1024, AvailableKiB(disk));
        BlockIo.Write(disk.Path, 0, Data.Random(1, 64 * 1024));
        Assert.Equal(before - 1024 - 64, AvailableKiB(disk));
        Service.Detach(disk);
    }

    [RootTheory]
    [InlineData("4096")]
    [InlineData("0x1000")]
    [InlineData("010000")]
    [InlineData("-1")]
    [InlineData("99999999999999999999")]
    public void T75_a_threshold_above_the_available_space_returns_at_once(string threshold)
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        string expected = Service.Cowwatch(disk.Path).Output;
        Assert.Equal(expected, Service.Cowwatch(disk.Path, threshold).MustSucceed().Output);
        Assert.Equal(expected, Service.Cowwatch(disk.Path, AvailableKiB(disk).ToString(CultureInfo.InvariantCulture)).MustSucceed().Output);
        Service.Detach(disk);
    }

    [RootFact]
    public void T75_it_waits_until_others_have_taken_the_space()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        long threshold = AvailableKiB(disk) - 1024;
        using Process waiter = StartWaiter(disk, threshold);
        File.WriteAllBytes(small["other"], new byte[512 * 1024]);
        MustWait(disk, waiter);
        File.WriteAllBytes(small["more"], new byte[512 * 1024]);
        MustEndWith(waiter, threshold);
        Assert.False(IsWatched(disk));
        Service.Detach(disk);
    }

    [RootFact]
    public void T75_it_waits_until_the_device_has_taken_the_space()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        long threshold = AvailableKiB(disk) - 512;
        using Process waiter = StartWaiter(disk, threshold);
        BlockIo.Write(disk.Path, 0, Data.Random(1, 512 * 1024));
        MustEndWith(waiter, threshold);
        Service.Detach(disk);
    }

    [RootFact]
    public void T75_deactivation_wakes_it_with_the_last_figures()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        long available = AvailableKiB(disk);
        using Process waiter = StartWaiter(disk, 100);
        Service.Detach(disk);
        MustEndWith(waiter, available);
        small.UnmountAtOnce();
    }

    [RootFact]
    public void Unloading_wakes_it_too()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        long available = AvailableKiB(disk);
        using Process waiter = StartWaiter(disk, 100);
        Service.Stop();
        MustEndWith(waiter, available);
    }

    [RootFact]
    public void T74_only_one_can_wait()
    {
        CowDisk disk = Attach(NumbersBase());
        CowDisk other = Attach(disk.Image, "other.cow");
        using Process waiter = StartWaiter(disk, 0);
        Service.Cowwatch(disk.Path, "0").MustRefuse(5, $"{Action}: Resource temporarily unavailable", $"cowdevice {disk.Number}");
        Service.Cowwatch(disk.Path, "-1").MustRefuse(5, $"{Action}: Resource temporarily unavailable");
        Assert.Equal(2, Service.Cowwatch(disk.Path).MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        using Process second = StartWaiter(other, 0);
        MustWait(disk, waiter);
        Service.Detach(disk);
        Service.Detach(other);
        Assert.Equal((0, 0), (Finish(waiter).ExitCode, Finish(second).ExitCode));
    }

    [RootTheory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public void A_signal_ends_it_at_once_and_makes_room_for_another_one(string signal)
    {
        CowDisk disk = Attach(NumbersBase());
        using (Process waiter = StartWaiter(disk, 0))
        {
            Shell.Run("sh", "-c", $"kill -{signal} {waiter.Id.ToString(CultureInfo.InvariantCulture)}");
            CommandResult result = Finish(waiter);
            Assert.NotEqual(0, result.ExitCode);
            Assert.Equal(("", ""), (result.Output, result.Error));
        }
        Poll.Until("nobody waits any more", () => !IsWatched(disk));
        using Process next = StartWaiter(disk, 0);
        Service.Detach(disk);
        Assert.Equal(0, Finish(next).ExitCode);
    }

    [RootFact]
    public void The_status_shows_who_waits()
    {
        CowDisk disk = Attach(NumbersBase());
        using Process waiter = StartWaiter(disk, 0);
        Assert.Contains("      device state: devopen cowopenrw watchdog \n", Service.StatusText(disk), StringComparison.Ordinal);
        Service.Cowctl("-r", disk.Path).MustSucceed();
        Assert.Contains("      device state: devopen cowopenro watchdog \n", Service.StatusText(disk), StringComparison.Ordinal);
        Service.Cowctl("-c", disk.Path).MustSucceed();
        Assert.Contains("      device state: devopen watchdog \n", Service.StatusText(disk), StringComparison.Ordinal);
        Service.Detach(disk);
        Assert.Equal(0, Finish(waiter).ExitCode);
    }

    [RootFact]
    public void A_read_only_cowfile_has_its_space_still_and_a_closed_one_what_it_had()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        Service.Cowctl("-r", disk.Path).MustSucceed();
        File.WriteAllBytes(small["other"], new byte[1024 * 1024]);
        string last = Service.Cowwatch(disk.Path).MustSucceed().Output;
        Assert.InRange(AvailableKiB(disk), 2048, TotalKiB - 1024);
        Service.Cowctl("-c", disk.Path).MustSucceed();
        small.UnmountAtOnce();
        Assert.Equal(last, Service.Cowwatch(disk.Path).MustSucceed().Output);
        Assert.Equal(last, Service.Cowwatch(disk.Path, "4096").MustSucceed().Output);
        Service.Detach(disk);
    }

    [RootTheory]
    [InlineData("12k")]
    [InlineData("08")]
    [InlineData("0x")]
    [InlineData(" ")]
    [InlineData("1.5")]
    public void T74_what_is_no_number(string threshold)
    {
        CowDisk disk = Attach(NumbersBase());
        Service.Cowwatch(disk.Path, threshold).MustRefuse(3, $"{threshold}: not a valid numerical value", "KiB");
        Service.Cowwatch(Service.Node(3), threshold).MustRefuse(3, $"{threshold}: not a valid numerical value");
    }

    [RootFact("losetup")]
    public void T74_what_is_no_active_cowdevice()
    {
        string image = NumbersBase();
        Attach(image);
        using LoopBack loop = LoopBack.ReadOnly(image);
        foreach (string[] threshold in new string[][] { [], ["0"] })
        {
            Service.Cowwatch([Temp["missing"], .. threshold]).MustRefuse(2, "stat cowdevice: No such file or directory");
            Service.Cowwatch([image, .. threshold]).MustRefuse(2, $"{image}: not a block device");
            // The original took the minor number and told of cowdevice 0.
            Service.Cowwatch([loop.Path, .. threshold]).MustRefuse(5, $"{Action}: Invalid argument", loop.Path);
            Service.Cowwatch([Service.Node(300), .. threshold]).MustRefuse(5, $"{Action}: Invalid argument", "cowdevice 300");
            Service.Cowwatch([Service.Node(3), .. threshold]).MustRefuse(5, $"{Action}: No such device", "cowdevice 3");
        }
        // The order of the original's checks.
        Service.Cowwatch(Temp["missing"], "12k").MustRefuse(2, "stat cowdevice: No such file or directory");
        Service.Cowwatch(loop.Path, "12k").MustRefuse(3, "12k: not a valid numerical value");
    }

    [RootFact]
    public void Without_a_service()
    {
        Service.Stop();
        string text = $"{Service.DeviceDirectory}/ctl: No such file or directory";
        Service.Cowwatch(Service.Node(0)).MustRefuse(2, text, "not loaded");
        Service.Cowwatch(Temp["missing"], "12k").MustRefuse(2, text, "not loaded");
        Assert.Contains("not loaded", Service.Cowloop("watch", Service.Node(0)).MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.False(Service.IsRunning);
    }

    [RootTheory]
    [InlineData(0)]
    [InlineData(3)]
    public void Wrong_usage(int operands)
    {
        CommandResult result = Service.Cowwatch([.. Enumerable.Repeat("0", operands)]).MustExitWith(1);
        Assert.Equal("", result.Output);
        Assert.Equal(
            $"Usage: {Repository.Program("cowwatch")} cowdevice [threshold]\n"
            + "\tWhen a threshold-value is specified, cowwatch\n"
            + "\tblocks till the available space for the cowfile\n"
            + "\tdrops below the threshold-value (in Kb).\n",
            result.Error);
    }

    [RootFact]
    public void Version_and_help()
    {
        Assert.Matches("^cowwatch [0-9]+\\.[0-9]+\\.[0-9]+", Service.Cowwatch("--version").MustSucceed().Output);
        Assert.Contains("Example", Service.Cowwatch("--help").MustSucceed().Output, StringComparison.Ordinal);
        Assert.Contains("Example", Service.Cowloop("watch", "--help").MustSucceed().Output, StringComparison.Ordinal);
    }

    [RootFact]
    public void The_verb_shows_sizes_for_people_and_data_for_programs()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        File.WriteAllBytes(small["other"], new byte[2 * 1024 * 1024]);
        Assert.Matches("^(1\\.9|2\\.0) MiB of 4\\.0 MiB available for the cowfile\n$", Service.Cowloop("watch", disk.Path).MustSucceed().Output);
        using var json = JsonDocument.Parse(Service.Cowloop("watch", disk.Path, "--json").MustSucceed().Output);
        Assert.Equal(TotalKiB, json.RootElement.GetProperty("totalKiB").GetInt64());
        Assert.Equal(AvailableKiB(disk), json.RootElement.GetProperty("availableKiB").GetInt64());
        Service.Detach(disk);
    }

    [RootFact]
    public void The_verb_waits_for_a_size_with_a_unit()
    {
        using Mount small = MountSmall();
        CowDisk disk = AttachIn(small);
        Service.Cowloop("watch", disk.Path, "--below", "1G").MustSucceed();
        using Process waiter = Service.Start("cowloop", "watch", disk.Path, "--below", "2M");
        Poll.Until("it waits", () => IsWatched(disk));
        File.WriteAllBytes(small["other"], new byte[3 * 1024 * 1024]);
        Assert.Contains("KiB of 4.0 MiB", Finish(waiter).MustSucceed().Output, StringComparison.Ordinal);
        Service.Detach(disk);
    }

    [RootFact]
    public void The_verb_says_what_is_wrong_in_one_line()
    {
        CowDisk disk = Attach(NumbersBase());
        MustSay("'12x' is not a size", "watch", disk.Path, "--below", "12x");
        MustSay("cowdevice 3 is not active", "watch", Service.Node(3));
        MustSay("No such file or directory", "watch", Temp["missing"]);
        MustSay("not a block device", "watch", disk.Image);

        void MustSay(string reason, params string[] arguments) =>
            Assert.Contains(reason, Service.Cowloop(arguments).MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
    }

    [GeneratedRegex("^Total: +[0-9]+ Kb\nAvail: +([0-9]+) Kb\n$")]
    private static partial Regex Figures();

    private static long AvailableIn(CommandResult result) =>
        long.Parse(Figures().Match(result.MustSucceed().Output).Groups[1].Value, CultureInfo.InvariantCulture);

    private Mount MountSmall() => Mount("cowtest", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={TotalKiB}k"));

    private CowDisk AttachIn(Mount store) => Service.Attach(NumbersBase(), store["x.cow"]);

    private long AvailableKiB(CowDisk disk) => AvailableIn(Service.Cowwatch(disk.Path));

    private bool IsWatched(CowDisk disk) => Service.Status(disk).GetProperty("watched").GetBoolean();

    private Process StartWaiter(CowDisk disk, long thresholdKiB)
    {
        Process waiter = Service.Start("cowwatch", disk.Path, thresholdKiB.ToString(CultureInfo.InvariantCulture));
        Poll.Until("it waits", () => IsWatched(disk));
        return waiter;
    }

    private void MustWait(CowDisk disk, Process waiter)
    {
        Assert.True(IsWatched(disk));
        Assert.False(waiter.HasExited);
    }

    private static CommandResult Finish(Process process)
    {
        Task<string> written = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        Poll.Until("the one who waits has ended", () => process.HasExited);
        return new CommandResult("cowwatch", process.ExitCode, written.Result, error.Result);
    }

    private static void MustEndWith(Process waiter, long mostKiB)
    {
        CommandResult result = Finish(waiter);
        Assert.Equal("", result.Error);
        Assert.InRange(AvailableIn(result), 0, mostKiB);
    }
}
