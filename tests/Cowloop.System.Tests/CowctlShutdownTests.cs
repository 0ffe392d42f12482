using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What cowctl is for: the filesystem that holds the cowfile becomes read-only, or goes, under a device that is in use.</summary>
public class CowctlShutdownTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int Length = 64 * 1024;

    [RootFact]
    public void A_tmpfs_can_become_read_only_and_go() => MustBecomeReadOnlyAndGo(Mount("cowtest", "-t", "tmpfs", "-o", "size=4m"));

    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void An_ext4_can_become_read_only_and_go_and_holds_everything()
    {
        string store = Images.Ext4(Temp["store"]);
        using LoopBack loop = LoopBack.Of(store);
        CowDisk disk = MustBecomeReadOnlyAndGo(Mount(loop.Path));
        Shell.Run("fsck.ext4", "-f", "-n", loop.Path);

        using Mount again = Mount(loop.Path);
        CowDisk back = Service.Attach(disk.Image, again[Path.GetFileName(disk.Cowfile)]);
        Assert.Equal(Data.Random(1, Length), BlockIo.Read(back.Path, 0, Length));
        Service.Detach(back);
    }

    [RootFact]
    public void A_filesystem_goes_without_having_become_read_only()
    {
        string image = NumbersBase();
        using Mount small = Mount("cowtest", "-t", "tmpfs", "-o", "size=4m");
        CowDisk disk = Service.Attach(image, small["x.cow"]);
        using (File.OpenRead(disk.Path))
        {
            BlockIo.Write(disk.Path, 0, Data.Random(1, Length));
            Assert.NotEqual(0, Shell.Try("umount", small.Path).ExitCode);
            Service.Cowctl("-c", disk.Path).MustSucceed();
            small.UnmountAtOnce();
        }
        Service.Detach(disk);
    }

    [RootFact]
    public void Readers_and_writers_meanwhile_do_not_keep_the_filesystem()
    {
        string image = NumbersBase();
        for (int round = 0; round < 5; round++)
        {
            using Mount small = Mount("cowtest", "-t", "tmpfs", "-o", "size=4m");
            CowDisk disk = Service.Attach(image, small["x.cow"]);
            byte[] written = Data.Random(round, Length);
            BlockIo.Write(disk.Path, 0, written);
            using var stop = new CancellationTokenSource();
            Task[] users = [.. Enumerable.Range(0, 4).Select(user => Task.Factory.StartNew(
                () => Use(disk, writes: user == 0, stop.Token),
                TaskCreationOptions.LongRunning))];

            Service.Cowctl("-r", disk.Path).MustSucceed();
            Shell.Run("mount", "-o", "remount,ro", small.Path);
            Assert.Equal(written, BlockIo.Read(disk.Path, 0, Length));
            Service.Cowctl("-c", disk.Path).MustSucceed();
            small.UnmountAtOnce();

            stop.Cancel();
            Task.WaitAll(users);
            Service.Detach(disk);
        }
    }

    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void A_filesystem_on_the_device_is_read_on_and_is_whole_afterwards()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image);
        byte[] own = Data.Random(7, 1_000_000);
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllBytes(mount["own"], own);
            Shell.Run("mount", "-o", "remount,ro", mount.Path);
            Service.Cowctl("-r", disk.Path).MustSucceed();
            // Nothing of it may come from memory.
            Shell.RunScript("echo 3 > /proc/sys/vm/drop_caches");
            Assert.Equal(own, File.ReadAllBytes(mount["own"]));
            Images.MustHoldContent(mount.Path);
            // A filesystem may go on believing that it can write.
            Shell.Try("mount", "-o", "remount,rw", mount.Path);
            Assert.NotEqual(0, Shell.Try("dd", "if=/dev/zero", $"of={mount["refused"]}", "bs=64k", "count=1", "conv=fsync").ExitCode);
            Images.MustHoldContent(mount.Path);
        }
        Service.Detach(disk);

        disk = Attach(image);
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        using Mount check = Mount(disk.Path);
        Assert.Equal(own, File.ReadAllBytes(check["own"]));
        Images.MustHoldContent(check.Path);
        Assert.False(File.Exists(check["refused"]));
    }

    [RootFact]
    public void The_service_ends_with_a_closed_and_a_read_only_cowfile()
    {
        string image = NumbersBase();
        CowDisk closed = Attach(image, "closed.cow");
        CowDisk readOnly = Attach(image, "readonly.cow");
        CowDisk[] disks = [closed, readOnly];
        foreach (CowDisk disk in disks)
        {
            BlockIo.Write(disk.Path, 0, Data.Random(1, Length));
        }
        Service.Cowctl("-c", closed.Path).MustSucceed();
        Service.Cowctl("-r", readOnly.Path).MustSucceed();
        var before = disks.Select(disk => FileSnapshot.Of(disk.Cowfile)).ToList();
        Service.Stop();
        Assert.All(before, snapshot => snapshot.MustBeUnchanged());
    }

    private CowDisk MustBecomeReadOnlyAndGo(Mount store)
    {
        string image = NumbersBase();
        CowDisk disk = Service.Attach(image, store["x.cow"]);
        byte[] expected = File.ReadAllBytes(image);
        byte[] written = Data.Random(1, Length);
        written.CopyTo(expected, 0);
        using (File.OpenRead(disk.Path))
        {
            BlockIo.Write(disk.Path, 0, written);
            Assert.NotEqual(0, Shell.Try("mount", "-o", "remount,ro", store.Path).ExitCode);

            Service.Cowctl("-r", disk.Path).MustSucceed();
            Shell.Run("mount", "-o", "remount,ro", store.Path);
            Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
            Assert.NotEqual(0, BlockIo.TryWrite(disk.Path, 0, written).ExitCode);
            Assert.NotEqual(0, Shell.Try("umount", store.Path).ExitCode);

            Service.Cowctl("-c", disk.Path).MustSucceed();
            store.UnmountAtOnce();
            Assert.Equal(expected[Length..(2 * Length)], BlockIo.Read(disk.Path, Length, Length));
            Assert.NotEqual(0, BlockIo.TryRead(disk.Path, 0, Length).ExitCode);
        }
        Service.Detach(disk);
        return disk;
    }

    private static void Use(CowDisk disk, bool writes, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // Whatever comes of it.
            _ = writes ? BlockIo.TryWrite(disk.Path, 2 * Length, Data.Fill(9, Length)) : BlockIo.TryRead(disk.Path, 0, Length);
        }
    }
}
