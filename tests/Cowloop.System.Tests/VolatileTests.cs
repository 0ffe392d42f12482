using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Devices whose changes are gone with them.</summary>
public class VolatileTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    private readonly byte[] _bytes = Data.Random(1, 65_536);

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void Changes_are_there_until_the_device_goes()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = AttachWith(image, "--volatile");
        Assert.Equal("volatile", Service.Status(disk).GetProperty("mode").GetString());
        Assert.Equal("", disk.Cowfile);
        using (Mount mount = Mount(disk.Path))
        {
            Data.RandomFile(mount["bulky"], 5, 8 << 20);
            File.Delete(mount["doomed"]);
        }
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal(Data.Random(5, 8 << 20), File.ReadAllBytes(mount["bulky"]));
        }
        Shell.Run("e2fsck", "-fn", disk.Path);
        Service.Cowsync(disk.Path).MustSucceed();
        Service.Detach(disk);

        using Mount again = Mount(AttachWith(image, "--volatile").Path);
        Images.MustHoldContent(again.Path);
        Assert.Equal(["image"], Files());
        again.Unmount();
    }

    [RootFact]
    public void It_lies_on_layers_as_well()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "r1.cow");
        Write(disk, expected, 0, _bytes);
        disk = Snapshot(disk, "r2.cow");
        Write(disk, expected, 32_768, Data.Random(2, 65_536));
        Service.Detach(disk);
        Base(Temp["r1.cow"]);
        Base(Temp["r2.cow"]);
        disk = AttachWith(image, "--volatile", "--layer", Temp["r2.cow"]);
        Assert.Equal([Temp["r1.cow"], Temp["r2.cow"]], LayersOf(disk));
        MustShow(expected, disk);
        Write(disk, expected, 512, Data.Random(3, 200_704));
        MustShow(expected, disk);
    }

    [RootFact]
    public void In_a_directory_there_is_nothing_to_see_and_nothing_left()
    {
        using var directory = TempDirectory.OnDisk();
        CowDisk disk = AttachWith(NumbersBase(), "--volatile", "--in", directory.Path);
        BlockIo.Write(disk.Path, 0, _bytes);
        Assert.Equal(_bytes, BlockIo.Read(disk.Path, 0, _bytes.Length));
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
        Assert.Contains(OpenFilesOfService(), file => file.StartsWith($"{directory.Path}/", StringComparison.Ordinal));
        Service.Detach(disk);
        Assert.DoesNotContain(OpenFilesOfService(), file => file.StartsWith($"{directory.Path}/", StringComparison.Ordinal));
        TryAttachWith(NumbersBase("other"), "--volatile", "--in", Temp["nowhere"]).MustComplain(2, Temp["nowhere"], "No such file or directory");
    }

    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_limit_is_a_full_disk_that_the_device_survives(bool isInDirectory)
    {
        using var directory = TempDirectory.OnDisk();
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        string[] where = isInDirectory ? ["--in", directory.Path] : [];
        CowDisk disk = AttachWith(image, ["--volatile", "--size-limit", "128K", "--on-full", "error", .. where]);
        Write(disk, expected, 0, _bytes);
        CommandResult result = BlockIo.TryWrite(disk.Path, 262_144, Data.Random(2, 262_144));
        Assert.NotEqual(0, result.ExitCode);
        Assert.Matches("No space left on device|Input/output error", result.Error);

        Assert.Equal(expected[..262_144], BlockIo.Read(disk.Path, 0, 262_144));
        // What it has already can still be changed.
        Write(disk, expected, 0, Data.Random(3, 65_536));
        Assert.Equal(expected[..262_144], BlockIo.Read(disk.Path, 0, 262_144));
        Service.Cowloop("rollback", disk.Path).MustSucceed();
        byte[] pristine = File.ReadAllBytes(image);
        MustShow(pristine, disk);
        Write(disk, pristine, 131_072, _bytes);
        MustShow(pristine, disk);
    }

    [RootFact]
    public void A_kill_leaves_no_file_and_the_next_service_removes_the_node()
    {
        using var directory = TempDirectory.OnDisk();
        string image = NumbersBase();
        CowDisk kept = Attach(image);
        CowDisk[] gone = [AttachWith(image, "--volatile"), AttachWith(image, "--volatile", "--in", directory.Path)];
        foreach (CowDisk disk in gone)
        {
            BlockIo.Write(disk.Path, 0, _bytes);
        }
        Restart();
        Assert.Equal([kept.Path], Service.ActiveDevices());
        Assert.All(gone, disk => Assert.False(File.Exists(disk.Path)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
        Poll.Until("only the loop device of the other one is left", () => Service.LoopDevices().Count() == 1);
    }

    [RootFact]
    public void What_contradicts_itself_is_refused()
    {
        string image = NumbersBase();
        TryAttachWith(image, Temp["my.cow"], "--volatile").MustComplain(2, "a volatile device has no cowfile", "--layer");
        TryAttachWith(image, "--volatile", "--read-only").MustComplain(2, "a read-only device takes no changes");
        TryAttachWith(image, Temp["my.cow"], "--size-limit", "1M").MustComplain(2, "--in and --size-limit are about a volatile device");
        TryAttachWith(image, Temp["my.cow"], "--in", Temp.Path).MustComplain(2, "--in and --size-limit are about a volatile device");
        TryAttachWith(image, "--volatile", "--size-limit", "0").MustComplain(2, "the size limit of a volatile device is more than 0 bytes");
        TryAttachWith(image).MustComplain(2, "no cowfile is named that gets the changes");
        TryAttachWith(image, Temp["a.cow"], Temp["b.cow"]).MustComplain(2, "2 cowfiles are named, and one gets the changes");
        Assert.Equal(["R"], Files());
    }

    [RootFact]
    public void What_needs_a_cowfile_is_refused()
    {
        CowDisk disk = AttachWith(NumbersBase(), "--volatile");
        string reason = $"cowdevice {disk.Number} is volatile: it has no cowfile";
        TrySnapshot(disk, "new.cow").MustComplain(2, reason);
        Service.Cowloop("fork", disk.Path, Temp["new.cow"]).MustComplain(2, reason);
        Assert.Equal(["R"], Files());
        Assert.Contains("(volatile)", Service.Cowloop("list").MustSucceed().Output, StringComparison.Ordinal);
        Assert.Contains("(volatile)", Service.Cowdev("-l").MustSucceed().Output, StringComparison.Ordinal);
    }

    private string[] OpenFilesOfService() => [.. Directory.GetFileSystemEntries($"/proc/{Service.ProcessId}/fd").Select(TargetOf)];

    private static string TargetOf(string link)
    {
        try
        {
            return new FileInfo(link).LinkTarget ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
