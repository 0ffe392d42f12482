using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Changes that find no space wait for it: what it is like for those who use the device.</summary>
public class FullDiskWaitTests(CowService service, ITestOutputHelper output) : FullDiskTest(service, output)
{
    private const int ChangeLength = 256 * 1024;
    private const int BigLength = 10 * 1024 * 1024;

    [RootTheory("mkfs.ext4", "e2fsck", "fs:ext4")]
    [InlineData("ext4")]
    [InlineData("tmpfs")]
    public void A_mounted_filesystem_survives_a_full_disk(string host)
    {
        string image = Base(Images.Ext4(Temp["image"]));
        SmallStore store = host == "ext4" ? Ext4Store(16) : Store(16 * 1024);
        CowDisk disk = Service.Attach(image, store["x.cow"], "--on-full=wait");
        string source = Data.RandomFile(Temp["big"], 1, BigLength);
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllText(mount["before"], "synced before\n");
            Shell.Run("sync", "-f", mount.Path);
            store.FillBut(1024 * 1024);
            Process writer = Shell.Start(new ShellOptions(), "dd", $"if={source}", $"of={mount["big"]}", "bs=64k", "conv=fsync", "status=none");
            MustWait(disk);
            Assert.Equal("full", ListedState(disk));

            // Not through any cache.
            Assert.Equal(ReadFile(image, 32 * 1024 * 1024, ChangeLength), BlockIo.Read(disk.Path, 32 * 1024 * 1024, ChangeLength));
            Assert.Equal("synced before\n", File.ReadAllText(mount["before"]));
            Images.MustHoldContent(mount.Path);
            MustWait(disk);
            Assert.False(writer.HasExited);

            store.Free();
            CommandResult result = Finish(writer);
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            Assert.Equal(0, Waiting(disk));
            mount.Unmount();
        }
        Poll.Until("the list shows that it goes on", () => ListedState(disk) != "full");
        Assert.Contains("clean", Shell.Run("e2fsck", "-f", "-n", disk.Path).MustSucceed().Output + Shell.Run("tune2fs", "-l", disk.Path).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("FS Error count", Shell.Run("tune2fs", "-l", disk.Path).Output, StringComparison.Ordinal);
        Service.Detach(disk);
        Assert.Equal(0, File.ReadAllBytes(disk.Cowfile)[6] & 1);

        disk = Service.Attach(image, store["x.cow"]);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal(File.ReadAllBytes(source), File.ReadAllBytes(mount["big"]));
            Assert.Equal("synced before\n", File.ReadAllText(mount["before"]));
        }
        Service.Detach(disk);
        MustLog("changes wait for it (No space left on device)", "there is space again for cowfile");
    }

    [RootFact]
    public void When_the_time_is_over_the_writer_hears_of_it_and_the_device_is_as_before()
    {
        SmallStore store = Store(1024);
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = Service.Attach(image, store["x.cow"], "--on-full=wait:1");
        store.Fill();
        string bytes = Data.RandomFile(Temp["bytes"], 2, ChangeLength);

        Process writer = StartWrite(disk, bytes, 0);
        MustWait(disk);
        MustFindNoSpace(writer);

        Assert.Equal(0, Waiting(disk));
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        Assert.Equal("full", ListedState(disk));
        store.Free();
        BlockIo.Write(disk.Path, 0, File.ReadAllBytes(bytes));
        File.ReadAllBytes(bytes).CopyTo(expected, 0);
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        Poll.Until("the list shows that it goes on", () => ListedState(disk) == "dirty");
        Service.Detach(disk);
        MustLog("changes that have waited for it fail", "1 change waited for it, 1 change failed");

        disk = Service.Attach(image, store["x.cow"]);
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        Service.Detach(disk);
    }

    [RootFact]
    public void Devices_on_one_full_disk_wait_together_and_one_on_another_disk_does_not()
    {
        const int Count = 6;
        SmallStore store = Store(4096);
        string image = NumbersBase();
        CowDisk[] disks = [.. Enumerable.Range(0, Count).Select(index => Service.Attach(image, store[$"{index}.cow"], "--on-full=wait"))];
        CowDisk other = Attach(image, "other.cow", "--on-full=wait");
        store.Fill();
        string bytes = Data.RandomFile(Temp["bytes"], 3, ChangeLength);
        Process[] writers = [.. disks.Select(disk => StartWrite(disk, bytes, 0))];
        Array.ForEach(disks, MustWait);

        BlockIo.Write(other.Path, 0, Data.Random(4, ChangeLength));
        Assert.Equal(Data.Random(4, ChangeLength), BlockIo.Read(other.Path, 0, ChangeLength));
        Assert.Equal("dirty", ListedState(other));
        Array.ForEach(disks, MustWait);

        store.Free();
        Assert.All(writers, writer => Finish(writer).MustSucceed());
        foreach (CowDisk disk in disks)
        {
            Assert.Equal(File.ReadAllBytes(bytes), BlockIo.Read(disk.Path, 0, ChangeLength));
            Service.Detach(disk);
        }
    }

    /// <summary>Every request that the kernel sends at once, and as large as they come.</summary>
    [RootFact("fio")]
    public void Many_large_changes_wait_and_none_is_lost()
    {
        SmallStore store = Store(40 * 1024);
        string image = Base(Images.Allocate(Temp["image"], 64));
        CowDisk disk = Service.Attach(image, store["x.cow"], "--on-full=wait");
        store.Fill();
        Process writer = Shell.Start(
            new ShellOptions(),
            "fio",
            "--name=x", $"--filename={disk.Path}", "--rw=write", "--bs=512k", "--size=24m", "--direct=1", "--ioengine=libaio", "--iodepth=32",
            "--verify=crc32c", "--do_verify=1", "--verify_fatal=1", "--output-format=terse");
        Poll.Until("many wait", () => Waiting(disk) >= 16);

        store.Free();

        CommandResult result = Finish(writer);
        Assert.True(result.ExitCode == 0, result.ToString());
        Service.Detach(disk);
    }

    [RootFact("blkdiscard")]
    public void Zeros_and_discards_need_no_space()
    {
        SmallStore store = Store(1024);
        string image = NumbersBase();
        CowDisk disk = Service.Attach(image, store["x.cow"], "--on-full=wait");
        // The first new block after a clean state has a header to write.
        BlockIo.Write(disk.Path, 512 * 1024, Data.Fill(1, 4096));
        store.Fill();

        Shell.Run("blkdiscard", "--offset", "0", "--length", "65536", disk.Path);
        Shell.Run("blkdiscard", "--zeroout", "--offset", "131072", "--length", "65536", disk.Path);

        Assert.Equal(new byte[65536], BlockIo.Read(disk.Path, 0, 65536));
        Assert.Equal(new byte[65536], BlockIo.Read(disk.Path, 131072, 65536));
        Assert.Equal(0, Waiting(disk));
        Service.Detach(disk);
    }

    /// <summary>Reads of blocks that are there, and changes of them, need nothing.</summary>
    [RootFact]
    public void What_is_in_the_cowfile_can_be_changed_meanwhile()
    {
        SmallStore store = Store(1024);
        CowDisk disk = Service.Attach(NumbersBase(), store["x.cow"], "--on-full=wait");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 65536));
        store.Fill();
        string bytes = Data.RandomFile(Temp["bytes"], 2, ChangeLength);
        Process writer = StartWrite(disk, bytes, 512 * 1024);
        MustWait(disk);

        // With a flush, which covers it.
        BlockIo.Write(disk.Path, 0, Data.Random(3, 65536));

        Assert.Equal(Data.Random(3, 65536), BlockIo.Read(disk.Path, 0, 65536));
        Service.Cowsync().MustSucceed();
        MustWait(disk);
        store.Free();
        Finish(writer).MustSucceed();
        Assert.Equal(File.ReadAllBytes(bytes), BlockIo.Read(disk.Path, 512 * 1024, ChangeLength));
        Service.Detach(disk);
    }

    [RootFact]
    public void The_status_says_how_many_wait_and_since_when()
    {
        SmallStore store = Store(1024);
        CowDisk disk = Service.Attach(NumbersBase(), store["x.cow"], "--on-full=wait:100");
        Assert.Equal("wait:100", Service.Status(disk).GetProperty("settings").GetProperty("onFull").GetString());
        Assert.Equal(JsonValueKind.Null, Space(disk).GetProperty("waitingSince").ValueKind);
        string text = Service.StatusText(disk);
        store.Fill();
        DateTime before = DateTime.UtcNow;
        Process writer = StartWrite(disk, Data.RandomFile(Temp["bytes"], 2, ChangeLength), 0);
        MustWait(disk);

        Assert.Equal(1, Waiting(disk));
        Assert.True(Space(disk).GetProperty("full").GetBoolean());
        Assert.InRange(Space(disk).GetProperty("waitingSince").GetDateTime(), before, DateTime.UtcNow);
        // The original's text has no place for it.
        Assert.Equal(text.Split('\n').Length, Service.StatusText(disk).Split('\n').Length);
        store.Free();
        Finish(writer).MustSucceed();
        Service.Detach(disk);
    }

    private void MustLog(params string[] texts) => Assert.All(
        texts,
        text => Poll.Until($"the log says: {text}", () => Service.Log.Contains(text, StringComparison.Ordinal)));

    private static byte[] ReadFile(string path, long offset, int length)
    {
        byte[] bytes = new byte[length];
        using FileStream file = File.OpenRead(path);
        file.Position = offset;
        file.ReadExactly(bytes);
        return bytes;
    }
}
