using System.Diagnostics;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Changes wait for space that nobody makes: whoever wants an end to it can have it.</summary>
public class FullDiskEndTests(CowService service, ITestOutputHelper output) : FullDiskTest(service, output)
{
    private const int ChangeLength = 64 * 1024;

    [RootFact]
    public void A_change_of_the_setting_applies_to_what_waits()
    {
        (SmallStore store, CowDisk disk, Process writer) = StartWaiting();

        Service.Cowloop("set", disk.Path, "--on-full", "error").MustPrint("");

        MustFindNoSpace(writer);
        MustFindNoSpace(StartWrite(disk, Temp["bytes"], 0));
        Assert.Equal("error", Service.Status(disk).GetProperty("settings").GetProperty("onFull").GetString());

        Service.Cowloop("set", disk.Path, "--on-full", "wait").MustPrint("");
        writer = StartWrite(disk, Temp["bytes"], 0);
        MustWait(disk);
        store.Free();
        Finish(writer).MustSucceed();
        Service.Detach(disk);
    }

    /// <summary>The refusal must not disturb: it comes at once, and reads go on after it.</summary>
    [RootFact]
    public void Deactivation_and_unload_are_refused_with_what_waits()
    {
        (SmallStore store, CowDisk disk, Process writer) = StartWaiting();
        byte[] expected = BlockIo.Read(disk.Path, 512 * 1024, ChangeLength);

        Service.Cowdev("-d", disk.Path).MustRefuse(
            2,
            "deactivate existing cowdevice: Device or resource busy",
            "1 of its changes wait for space",
            $"cowloop set {disk.Path} --on-full error");
        Service.Cowloop("unload").MustRefuse(2, "unload cowloop: Device or resource busy", "1 of its changes wait for space");

        Assert.Equal(expected, BlockIo.Read(disk.Path, 512 * 1024, ChangeLength));
        Assert.Equal(1, Waiting(disk));
        store.Free();
        Finish(writer).MustSucceed();
        Service.Detach(disk);
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_refused_deactivation_of_a_mounted_device_does_not_stop_it()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        SmallStore store = Store(4096);
        CowDisk disk = Service.Attach(image, store["x.cow"], "--on-full=wait");
        using (Mount mount = Mount(disk.Path))
        {
            store.Fill();
            Process writer = Shell.Start(new ShellOptions(), "dd", "if=/dev/urandom", $"of={mount["big"]}", "bs=64k", "count=8", "conv=fsync", "status=none");
            MustWait(disk);
            Service.Cowdev("-d", disk.Path).MustRefuse(2, "deactivate existing cowdevice: Device or resource busy", mount.Path, "wait for space");
            Images.MustHoldContent(mount.Path);
            store.Free();
            Finish(writer).MustSucceed();
            mount.Unmount();
        }
        Service.Detach(disk);
    }

    [RootTheory]
    [InlineData("SIGTERM")]
    [InlineData("unload --wait")]
    public void A_service_that_is_to_end_lets_nothing_wait(string how)
    {
        (_, CowDisk disk, Process writer) = StartWaiting();
        int process = Service.ProcessId;
        using Process? unload = how == "SIGTERM" ? null : Service.Start("cowloop", how.Split(' '));
        if (unload is null)
        {
            CowService.Terminate(process);
        }

        MustFindNoSpace(writer);
        Poll.UntilNone("left by the service", Service.LeftOvers);
        Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void An_unmount_that_waits_ends_with_the_service()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        SmallStore store = Store(4096);
        CowDisk disk = Service.Attach(image, store["x.cow"], "--on-full=wait");
        Mount mount = Mount(disk.Path);
        store.Fill();
        File.WriteAllBytes(mount["big"], Data.Random(1, 1024 * 1024));
        Task<CommandResult> unmount = Task.Run(() => Shell.Try("umount", mount.Path));
        MustWait(disk);
        int process = Service.ProcessId;

        CowService.Terminate(process);

        Poll.UntilDone("it is unmounted", unmount).MustSucceed();
        mount.Forget();
        Poll.UntilNone("left by the service", Service.LeftOvers);
    }

    [RootTheory]
    [InlineData("-r")]
    [InlineData("-c")]
    public void Giving_up_the_cowfile_ends_the_waiting(string option)
    {
        (SmallStore store, CowDisk disk, Process writer) = StartWaiting();

        Service.Cowctl(option, disk.Path).MustSucceed();

        CommandResult result = Finish(writer);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Input/output error", result.Error, StringComparison.Ordinal);
        Assert.Equal(0, Waiting(disk));
        Service.Detach(disk);
        store.Free();
        disk = Service.Attach(disk.Image, disk.Cowfile);
        Assert.Equal(File.ReadAllBytes(disk.Image), BlockIo.Read(disk.Path, 0, 1024 * 1024));
        Service.Detach(disk);
    }

    /// <summary>The space is freed by a program that the service runs, which needs no other way in.</summary>
    [RootFact]
    public void A_hook_can_make_space()
    {
        SmallStore store = Store(1024);
        string hook = Temp["hook"];
        File.WriteAllText(hook, $"#!/bin/sh\n[ \"$COWLOOP_EVENT\" != full ] || : >{store["filler"]}\n");
        File.SetUnixFileMode(hook, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string path = Service.Cowloop("attach", NumbersBase(), store["x.cow"], "--on-full", "wait", "--hook", hook).MustSucceed().Line;
        var disk = new CowDisk(path, "", store["x.cow"]);
        store.Fill();

        Finish(StartWrite(disk, Data.RandomFile(Temp["bytes"], 1, ChangeLength), 0)).MustSucceed();

        Service.Detach(disk);
    }

    private (SmallStore Store, CowDisk Disk, Process Writer) StartWaiting()
    {
        SmallStore store = Store(1024);
        CowDisk disk = Service.Attach(NumbersBase(), store["x.cow"], "--on-full=wait");
        store.Fill();
        Process writer = StartWrite(disk, Data.RandomFile(Temp["bytes"], 1, ChangeLength), 0);
        MustWait(disk);
        return (store, disk, writer);
    }
}
