using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Space runs short, and whoever wants to know hears of it: the log, the status, those who listen to events, and a program of the user's.</summary>
public class FullDiskWarningTests(CowService service, ITestOutputHelper output) : FullDiskTest(service, output)
{
    private const int StoreKiB = 8192;

    [RootFact]
    public void Marks_are_told_to_all_who_may_want_to_know()
    {
        SmallStore store = Store(StoreKiB);
        (string hook, string calls) = MakeHook("");
        CowDisk disk = AttachWith(store, "--warn-at", "50%,1M", "--hook", hook);
        using EventReader events = Listen();
        Assert.Equal(("state", 0), (events.Next().Event, LowOf(disk).Length));

        store.FillBut(2048 * 1024);
        Assert.Equal(("low", "50%"), events.NextMark());
        Poll.Until("the status shows it", () => LowOf(disk) is ["50%"]);
        store.Fill();
        Assert.Equal(("low", "1M"), events.NextMark());
        Poll.Until("the status shows both", () => LowOf(disk) is ["50%", "1M"]);
        store.Free();
        Assert.Equal(("ok", "50%"), events.NextMark());
        Assert.Equal(("ok", "1M"), events.NextMark());
        Poll.Until("the status shows none", () => LowOf(disk).Length == 0);

        Poll.Until("the hook was run for each", () => File.Exists(calls) && File.ReadAllLines(calls).Length == 4);
        string[][] lines = [.. File.ReadAllLines(calls).Select(line => line.Split(' '))];
        Assert.Equal(["low", "low", "ok", "ok"], lines.Select(line => line[0]));
        Assert.Equal(["50%", "1M", "50%", "1M"], lines.Select(line => line[1]));
        Assert.All(lines, line => Assert.Equal((disk.Path, disk.Cowfile), (line[2], line[3])));
        Assert.All(lines, line => Assert.Equal(StoreKiB * 1024L, long.Parse(line[5], CultureInfo.InvariantCulture)));
        Assert.InRange(long.Parse(lines[0][4], CultureInfo.InvariantCulture), 1024 * 1024, StoreKiB * 512L);
        Assert.Equal(0, long.Parse(lines[1][4], CultureInfo.InvariantCulture));
        string log = Service.Log;
        Assert.Contains($"left for cowfile {disk.Cowfile} of cowdevice {disk.Number}: low by the mark 50%", log, StringComparison.Ordinal);
        Assert.Contains("low by the mark 1M", log, StringComparison.Ordinal);
        Assert.Contains("no longer low by the mark 1M", log, StringComparison.Ordinal);
        Service.Detach(disk);
    }

    [RootFact]
    public void Changes_that_wait_and_go_on_are_events_too()
    {
        SmallStore store = Store(StoreKiB);
        (string hook, string calls) = MakeHook("");
        CowDisk disk = AttachWith(store, "--on-full", "wait", "--hook", hook);
        using EventReader events = Listen();
        Assert.Equal("state", events.Next().Event);
        store.Fill();
        Process writer = StartWrite(disk, Data.RandomFile(Temp["bytes"], 1, 65536), 0);
        Assert.Equal(("full", 1), events.NextWaiting());

        store.Free();
        Assert.Equal(("resumed", 0), events.NextWaiting());

        Finish(writer).MustSucceed();
        Poll.Until("the hook was run for both", () => File.Exists(calls) && File.ReadAllLines(calls).Length == 2);
        Assert.Equal(["full", "resumed"], File.ReadAllLines(calls).Select(line => line.Split(' ')[0]));
        Service.Detach(disk);
        Assert.Equal("detached", events.Next().Event);
        Service.Stop();
        Assert.Equal(0, events.End());
    }

    [RootFact]
    public void Who_comes_later_hears_how_things_stand()
    {
        SmallStore store = Store(StoreKiB);
        CowDisk disk = AttachWith(store, "--warn-at", "1M");
        CowDisk other = Attach(NumbersBase("other"), "other.cow");
        store.Fill();
        Poll.Until("the status shows it", () => LowOf(disk) is ["1M"]);

        using EventReader first = Listen();
        using EventReader second = Listen();
        foreach (EventReader events in new[] { first, second })
        {
            (string name, JsonElement devices) = events.Next();
            Assert.Equal("state", name);
            Assert.Equal([disk.Path, other.Path], devices.EnumerateArray().Select(device => device.GetProperty("path").GetString()));
            Assert.Equal("1M", devices[0].GetProperty("space").GetProperty("low")[0].GetString());
        }
        Service.Detach(other);
        Assert.Equal("detached", first.Next().Event);
        Assert.Equal("detached", second.Next().Event);
        Service.Detach(disk);
    }

    /// <summary>The original's two lines, without being asked for.</summary>
    [RootFact]
    public void An_almost_full_disk_is_in_the_log_always()
    {
        SmallStore store = Store(1024);
        CowDisk disk = Service.Attach(NumbersBase(), store["x.cow"]);
        int start = Service.Log.Length;
        store.FillBut(200 * 1024);
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        MustLog(start, $"cowfile almost full (only 196 Kb free) {disk.Cowfile} of cowdevice {disk.Number}");
        store.Fill();
        BlockIo.Write(disk.Path, 0, Data.Random(2, 4096));
        MustLog(start, $"ALERT: cowfile full! {disk.Cowfile} of cowdevice {disk.Number}");
        store.Free();
        MustLog(start, "cowfile no longer almost full");
        Service.Detach(disk);
    }

    [RootFact]
    public void Without_waiting_a_change_that_fails_is_told_and_that_it_is_over()
    {
        SmallStore store = Store(1024);
        CowDisk disk = Service.Attach(NumbersBase(), store["x.cow"]);
        store.Fill();
        Assert.NotEqual(0, BlockIo.TryWrite(disk.Path, 0, Data.Random(1, 65536)).ExitCode);
        MustLog(0, $"no space for cowfile {disk.Cowfile} of cowdevice {disk.Number}: changes fail (No space left on device)");
        Assert.Equal("full", ListedState(disk));
        Assert.True(Space(disk).GetProperty("full").GetBoolean());

        store.Free();
        Poll.Until("it is over", () => ListedState(disk) == "dirty");
        MustLog(0, $"there is space again for cowfile {disk.Cowfile}");
        Service.Detach(disk);
    }

    [RootFact]
    public void Marks_can_be_changed_while_the_device_is_in_use()
    {
        SmallStore store = Store(StoreKiB);
        CowDisk disk = AttachWith(store);
        Assert.Equal("wait:60", Setting(disk, "onFull"));
        Service.Cowloop("set", disk.Path, "--warn-at", "1T").MustPrint("");
        Assert.Equal(["1T"], LowOf(disk));
        Service.Cowloop("set", disk.Path, "--warn-at", "1T,100%").MustPrint("");
        Assert.Equal(["1T"], LowOf(disk));
        Assert.Equal("wait:60", Setting(disk, "onFull"));
        using var status = JsonDocument.Parse(Service.Cowloop("set", disk.Path, "--warn-at", "", "--json").MustSucceed().Output);
        Assert.Equal("", status.RootElement.GetProperty("settings").GetProperty("warnAt").GetString());
        Assert.Empty(LowOf(disk));
        Service.Detach(disk);
    }

    [RootFact]
    public void A_hook_that_fails_or_talks_is_in_the_log()
    {
        (string hook, _) = MakeHook("echo to output; echo to error >&2; exit 3");
        CowDisk disk = AttachWith(Store(StoreKiB), "--warn-at", "1T", "--hook", hook);
        MustLog(0, $"hook {hook} of cowdevice {disk.Number}: to output");
        MustLog(0, $"hook {hook} of cowdevice {disk.Number}: to error");
        MustLog(0, $"hook {hook} of cowdevice {disk.Number} ended with exit code 3");
        File.Delete(hook);
        Service.Cowloop("set", disk.Path, "--warn-at", "2T").MustPrint("");
        MustLog(0, $"hook {hook} of cowdevice {disk.Number} cannot be run: ");
        Service.Detach(disk);
    }

    /// <summary>Nobody waits for it, neither a change nor the next mark.</summary>
    [RootFact("pgrep")]
    public void A_hook_that_does_not_end_holds_up_nothing_and_runs_alone()
    {
        string nap = Temp["nap"];
        File.Copy(Requirements.Find("sleep")!, nap);
        (string hook, string calls) = MakeHook($"exec {nap} 1000");
        CowDisk disk = AttachWith(Store(StoreKiB), "--warn-at", "1T", "--hook", hook);
        Poll.Until("the hook runs", () => File.Exists(calls));

        Service.Cowloop("set", disk.Path, "--warn-at", "2T").MustPrint("");
        Assert.Equal(["2T"], LowOf(disk));
        BlockIo.Write(disk.Path, 0, Data.Random(1, 65536));

        Assert.Single(File.ReadAllLines(calls));
        Shell.Run("pkill", "--full", nap);
        Poll.Until("the next one runs", () => File.ReadAllLines(calls).Length == 2);
        Service.Detach(disk);
        Shell.Run("pkill", "--full", nap);
    }

    [RootTheory]
    [InlineData("--on-full", "panic", "'panic' does not say what to do when the disk is full")]
    [InlineData("--warn-at", "80", "")]
    [InlineData("--warn-at", "many", "'many' is no mark")]
    [InlineData("--hook", "missing", "is not a program that can be run")]
    public void A_setting_that_makes_no_sense_is_refused(string option, string value, string reason)
    {
        if (reason.Length == 0)
        {
            // A number is a size in KiB.
            Service.Detach(AttachWith(Store(StoreKiB), option, value));
            return;
        }
        string image = NumbersBase();
        Assert.Contains(reason, Service.Cowloop("attach", image, Temp["x.cow"], option, value).MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Temp["x.cow"]));
        CowDisk disk = Attach(image);
        Assert.Contains(reason, Service.Cowloop("set", disk.Path, option, value).MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Assert.Contains("nothing to set", Service.Cowloop("set", disk.Path).MustExitWith(2).MustBeForPeople(1).Error, StringComparison.Ordinal);
        Service.Cowdev("-a", "--on-full=panic", image, Temp["y.cow"]).MustRefuse(2, "activate new cowdevice: Invalid argument", "'panic'");
    }

    private CowDisk AttachWith(SmallStore store, params string[] options)
    {
        string image = NumbersBase();
        return new CowDisk(Service.Cowloop(["attach", image, store["x.cow"], .. options]).MustSucceed().Line, image, store["x.cow"]);
    }

    /// <summary>A program that writes down what it is told.</summary>
    private (string Hook, string Calls) MakeHook(string then)
    {
        string hook = Temp["hook"];
        string calls = Temp["calls"];
        const string Told = "$COWLOOP_EVENT $COWLOOP_MARK $COWLOOP_DEVICE $COWLOOP_COWFILE $COWLOOP_AVAILABLE_BYTES $COWLOOP_TOTAL_BYTES $COWLOOP_WAITING";
        File.WriteAllText(hook, $"#!/bin/sh\necho \"{Told}\" >>{calls}\n{then}\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return (hook, calls);
    }

    private string[] LowOf(CowDisk disk) => [.. Space(disk).GetProperty("low").EnumerateArray().Select(mark => mark.GetString()!)];

    private string? Setting(CowDisk disk, string name) => Service.Status(disk).GetProperty("settings").GetProperty(name).GetString();

    private void MustLog(int start, string text) =>
        Poll.Until($"the log says: {text}", () => Service.Log[start..].Contains(text, StringComparison.Ordinal));

    private EventReader Listen() => new(Service.Start("cowloop", "events", "--json"));

    /// <summary>What cowloop events prints, a line at a time.</summary>
    private sealed class EventReader(Process process) : IDisposable
    {
        private JsonElement Last { get; set; }

        public (string Event, JsonElement Devices) Next()
        {
            string? line = Poll.UntilDone("there is an event", Task.Run(process.StandardOutput.ReadLine));
            using var happened = JsonDocument.Parse(line ?? throw new InvalidOperationException("it has ended"));
            Last = happened.RootElement.Clone();
            return (Last.GetProperty("event").GetString()!, Last.GetProperty("devices"));
        }

        public (string Event, string? Mark) NextMark()
        {
            (string name, _) = Next();
            return (name, Last.GetProperty("mark").GetString());
        }

        public (string Event, int Waiting) NextWaiting()
        {
            (string name, JsonElement devices) = Next();
            return (name, devices[0].GetProperty("space").GetProperty("waiting").GetInt32());
        }

        /// <summary>Waits until it ends by itself.</summary>
        public int End()
        {
            Poll.Until("it has ended", () => process.HasExited);
            return process.ExitCode;
        }

        public void Dispose()
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
            process.Dispose();
        }
    }
}
