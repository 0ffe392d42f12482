using System.Globalization;
using Cowloop.Control;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What still uses the block device of a killed service is named and never touched.</summary>
public class OrphanedUseTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void What_was_synced_is_there_after_the_command_that_is_shown()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image);
        using Mount mount = MountAt("it's mounted here", disk.Path);
        Shell.RunScript($"echo synced >\"{mount["new"]}\"; sync -f \"{mount.Path}\"");
        string former = Service.KernelName(disk);
        Service.Kill();
        Service.StartService();
        Assert.True(IsMounted(mount));
        Assert.NotEqual(0, Shell.Try("sh", "-c", $"echo more >\"{mount["more"]}\" && sync -f \"{mount.Path}\"").ExitCode);

        OrphanedUse use = Assert.Single(Status().OrphanedUses);
        Assert.Equal((0, former, mount.Path), (use.Number, use.KernelName, use.MountPoint));
        Assert.StartsWith("mounted read-", use.Use, StringComparison.Ordinal);
        Assert.NotEqual(former, Service.KernelName(disk));
        string quoted = $"'{mount.Path.Replace("'", @"'\''", StringComparison.Ordinal)}'";
        Assert.Equal($"umount {quoted} && mount {disk.Path} {quoted}", use.Command);
        Assert.Contains($"    {use.Command}\n", Service.Cowloop("status").MustSucceed().Output, StringComparison.Ordinal);
        Assert.Contains(use.Command!, Service.Log, StringComparison.Ordinal);

        Shell.RunScript(use.Command!);
        Assert.Equal("synced\n", File.ReadAllText(mount["new"]));
        File.WriteAllText(mount["more"], "more\n");
        Assert.Empty(Status().OrphanedUses);
        Assert.DoesNotContain("umount", Service.Cowloop("status").MustSucceed().Output, StringComparison.Ordinal);
        mount.Unmount();
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
    }

    [RootFact("mkfs.ext4", "fs:ext4", "sfdisk")]
    public void A_mounted_partition_is_mounted_again_as_one()
    {
        CowDisk disk = Attach(Base(Images.Gpt(Temp["image"])));
        using Mount mount = MountAt("mnt", disk.Partition(2));
        Service.Kill();
        Service.StartService();
        Assert.Equal($"umount {mount.Path} && mount {disk.Partition(2)} {mount.Path}", Assert.Single(Status().OrphanedUses).Command);
        Shell.RunScript(Assert.Single(Status().OrphanedUses).Command!);
        Images.MustHoldContent(mount.Path);
        Assert.Empty(Status().OrphanedUses);
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_part_of_a_filesystem_that_is_mounted_elsewhere_is_only_unmounted()
    {
        CowDisk disk = Attach(Base(Images.Ext4(Temp["image"])));
        using Mount mount = MountAt("mnt", disk.Path);
        using Mount view = MountAt("view", mount["below"], "--bind");
        Service.Kill();
        Service.StartService();
        Assert.Equal(
            [$"umount {mount.Path} && mount {disk.Path} {mount.Path}", $"umount {view.Path}"],
            Status().OrphanedUses.Select(use => use.Command).Order(StringComparer.Ordinal).OrderByDescending(command => command!.Length));
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void The_mount_of_a_device_that_did_not_come_back_is_only_unmounted()
    {
        CowDisk disk = Attach(Base(Images.Ext4(Temp["image"])));
        using Mount mount = MountAt("mnt", disk.Path);
        Service.Kill();
        File.Move(disk.Cowfile, Temp["moved"]);
        Service.StartService();
        Assert.Equal($"umount {mount.Path}", Assert.Single(Status().OrphanedUses).Command);
        Service.Cowdev("-d", disk.Path).MustSucceed();
        // What was kept for the file is kept for it wherever it is now.
        Service.Run("cowrepair", Temp["moved"]).MustSucceed();
    }

    [RootFact]
    public void An_open_descriptor_is_named_through_all_services_to_come()
    {
        CowDisk disk = Attach(NumbersBase());
        using (SafeFileHandle open = File.OpenHandle(disk.Path, share: FileShare.ReadWrite))
        {
            for (int round = 0; round < 2; round++)
            {
                Service.Kill();
                Service.StartService();
                OrphanedUse use = Assert.Single(Status().OrphanedUses);
                Assert.StartsWith($"open in process {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)} (", use.Use, StringComparison.Ordinal);
                Assert.Equal((null, null), (use.MountPoint, use.Command));
            }
        }
        Assert.Empty(Status().OrphanedUses);
        Assert.Single(Service.LeftOverDevices(), left => left.StartsWith("/dev/loop", StringComparison.Ordinal));
    }

    /// <summary>To the inner device the kill is what a loss of power is: its filesystem has died before it could write all out.</summary>
    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_device_whose_files_lie_on_a_dead_filesystem_does_not_keep_it_from_being_unmounted()
    {
        CowDisk outer = Attach(Base(Images.Ext4(Temp["image"])), "outer.cow");
        using Mount mount = MountAt("mnt", outer.Path);
        string image = Data.NumbersFile(mount["inner.img"]);
        Shell.Run("sync", "-f", mount.Path);
        CowDisk inner = Service.Attach(image, mount["inner.cow"]);
        BlockIo.Write(inner.Path, 0, Data.Fill(1, 4096));
        BlockIo.WriteUnflushed(inner.Path, 65536, Data.Fill(2, 4096));
        Service.Kill();
        Service.StartService();
        Assert.Equal([outer.Path], Service.ActiveDevices());
        UnrecoveredDevice lost = Assert.Single(Status().Unrecovered);
        Assert.Contains("cowdevice 0 as a killed service has left it", lost.Reason, StringComparison.Ordinal);
        Service.Cowdev("-a", image, mount["other.cow"]).MustRefuse(2, "activate new cowdevice: Input/output error", "cowloop status tells");

        Shell.RunScript(Assert.Single(Status().OrphanedUses).Command!);
        Assert.Equal(inner, Service.Attach(image, mount["inner.cow"]));
        Assert.Equal(Data.Fill(1, 4096), BlockIo.Read(inner.Path, 0, 4096));
        // Never zeros: either it was written out in time, or it is what the base holds.
        byte[] unflushed = BlockIo.Read(inner.Path, 65536, 4096);
        Assert.Contains(unflushed, new[] { Data.Fill(2, 4096), File.ReadAllBytes(image)[65536..(65536 + 4096)] });
        Assert.Empty(Status().Unrecovered);
        Service.Detach(inner);
    }

    /// <summary>A sync of the inner cowfile waits for the outer device, which the very process serves that is killed.</summary>
    [RootFact("mkfs.ext4", "fs:ext4", "dd")]
    public void A_killed_service_that_waits_for_its_own_device_ends()
    {
        CowDisk outer = Attach(Base(Images.Ext4(Temp["image"], 256)), "outer.cow");
        using Mount mount = MountAt("mnt", outer.Path);
        string image = Images.Allocate(mount["inner.img"], 64);
        for (int round = 0; round < 4; round++)
        {
            CowDisk inner = Service.Attach(image, mount["inner.cow"]);
            Task[] writers = [.. Enumerable.Range(0, 4).Select(writer => Task.Run(() => Shell.Try(
                "dd", "if=/dev/zero", $"of={inner.Path}", "bs=64k", "count=200", $"seek={writer * 200}", "oflag=direct,dsync", "status=none")))];
            Thread.Sleep(300);
            Service.Kill();
            Poll.UntilDone("the writers end", Task.WhenAll(writers));
            Service.StartService();
            Shell.RunScript(Assert.Single(Status().OrphanedUses).Command!);
        }
        Service.Detach(Service.Attach(image, mount["inner.cow"]));
    }

    private ServiceStatus Status()
    {
        using var client = new ControlClient(Service.Paths);
        return client.GetService();
    }

    private Mount MountAt(string name, string device, params string[] options) => Cowloop.Tests.Support.Mount.Of(device, Temp[name], options);

    private static bool IsMounted(Mount mount) =>
        File.ReadLines("/proc/self/mountinfo").Any(line => line.Contains($" {mount.Path.Replace(" ", @"\040", StringComparison.Ordinal)} ", StringComparison.Ordinal));
}
