using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Space that others than the disk's size limit: a quota, the largest length of a file, a filesystem that needs space for every change.</summary>
public class FullDiskLimitTests(CowService service, ITestOutputHelper output) : FullDiskTest(service, output)
{
    private const int ChangeLength = 512 * 1024;

    /// <summary>The kernel's way to say it is a signal that ends a process which does not know it.</summary>
    [RootFact("prlimit")]
    public void The_largest_length_of_a_file_can_be_waited_for_and_harms_nobody()
    {
        string image = NumbersBase();
        CowDisk waiting = Attach(image, "waiting.cow", "--on-full=wait");
        CowDisk failing = Attach(image, "failing.cow");
        BlockIo.Write(waiting.Path, 0, Data.Random(1, 4096));
        BlockIo.Write(failing.Path, 0, Data.Random(1, 4096));
        Limit("200000");

        CommandResult failed = BlockIo.TryWrite(failing.Path, 0, Data.Random(2, ChangeLength));
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("No space left on device", failed.Error, StringComparison.Ordinal);
        string bytes = Data.RandomFile(Temp["bytes"], 3, ChangeLength);
        Process writer = StartWrite(waiting, bytes, 0);
        MustWait(waiting);
        Assert.Equal(File.ReadAllBytes(image)[ChangeLength..], BlockIo.Read(waiting.Path, ChangeLength, ChangeLength));
        Poll.Until("the log has the cause", () => Service.Log.Contains("(File too large)", StringComparison.Ordinal));

        Limit("unlimited");
        Finish(writer).MustSucceed();
        Assert.Equal(File.ReadAllBytes(bytes), BlockIo.Read(waiting.Path, 0, ChangeLength));
        BlockIo.Write(failing.Path, 0, Data.Random(2, ChangeLength));
        Service.Detach(waiting);
        Service.Detach(failing);
    }

    [RootFact("mkfs.btrfs", "btrfs", "fs:btrfs")]
    public void A_quota_can_be_waited_for()
    {
        using Mount store = MountBtrfs();
        Shell.Run("btrfs", "quota", "enable", store.Path);
        Shell.Run("btrfs", "subvolume", "create", store["volume"]);
        string image = NumbersBase();
        CowDisk disk = Service.Attach(image, store["volume/x.cow"], "--on-full=wait");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        Shell.Run("btrfs", "qgroup", "limit", "300K", store["volume"]);
        string bytes = Data.RandomFile(Temp["bytes"], 3, ChangeLength);

        Process writer = StartWrite(disk, bytes, 0);
        MustWait(disk);
        Poll.Until("the log has the cause", () => Service.Log.Contains("(Disk quota exceeded)", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(image)[ChangeLength..], BlockIo.Read(disk.Path, ChangeLength, ChangeLength));

        Shell.Run("btrfs", "qgroup", "limit", "none", store["volume"]);
        Finish(writer).MustSucceed();
        Assert.Equal(File.ReadAllBytes(bytes), BlockIo.Read(disk.Path, 0, ChangeLength));
        Service.Detach(disk);
    }

    /// <summary>There even a change of the bitmap, or of a table of a compact store, needs space: the flush waits as a write does.</summary>
    [RootTheory("mkfs.btrfs", "btrfs", "mkfs.ext4", "e2fsck", "fstrim", "fs:btrfs", "fs:ext4")]
    [InlineData("classic")]
    [InlineData("4K")]
    [InlineData("64K")]
    public void A_filesystem_survives_on_a_full_copy_on_write_filesystem(string kind)
    {
        string image = Base(Images.Ext4(Temp["image"]));
        using Mount host = MountBtrfs();
        var store = new SmallStore(host);
        string[] how = kind == "classic" ? ["--store", kind] : ["--store", "compact", "--chunk", kind];
        Service.Cowloop(["create", image, store["x.cow"], .. how]).MustSucceed();
        CowDisk disk = Service.Attach(image, store["x.cow"], "--on-full=wait");
        string source = Data.RandomFile(Temp["big"], 1, 8 * 1024 * 1024);
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllText(mount["before"], "synced before\n");
            File.WriteAllBytes(mount["former"], new byte[4 * 1024 * 1024]);
            Shell.Run("sync", "-f", mount.Path);
            store.Fill();
            File.Delete(mount["former"]);
            Process writer = Shell.Start(new ShellOptions(), "dd", $"if={source}", $"of={mount["big"]}", "bs=64k", "conv=fsync", "status=none");
            MustWait(disk);
            Process trimmer = Shell.Start(new ShellOptions(), "fstrim", mount.Path);
            store.Free();
            Shell.Run("sync", "-f", host.Path);
            CommandResult result = Finish(writer);
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            Finish(trimmer).MustSucceed();
            mount.Unmount();
        }
        Shell.Run("e2fsck", "-f", "-n", disk.Path);
        Service.Detach(disk);
        disk = Service.Attach(image, store["x.cow"]);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal(File.ReadAllBytes(source), File.ReadAllBytes(mount["big"]));
        }
        Service.Detach(disk);
    }

    private Mount MountBtrfs()
    {
        string image = Images.Allocate(Temp["btrfs"], 128);
        Shell.Run("mkfs.btrfs", "-q", "--mixed", image);
        return Mount(image, "-o", "loop");
    }

    private void Limit(string bytes) =>
        Shell.Run("prlimit", "--pid", Service.ProcessId.ToString(CultureInfo.InvariantCulture), $"--fsize={bytes}:unlimited");
}
