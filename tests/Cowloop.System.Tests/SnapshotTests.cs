using Cowloop.Control;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Snapshots of devices that are in use, and when there is none.</summary>
public class SnapshotTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_mounted_device_goes_on_and_the_frozen_state_is_clean()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image, "r1.cow");
        Mount mount = Mount(disk.Path);
        File.WriteAllText(mount["before"], "in both\n");
        CommandResult result = TrySnapshot(disk, "top.cow", "--freeze", mount.Path).MustSucceed();
        Assert.StartsWith($"{disk.Path}: {Temp["r1.cow"]} is sealed, {Temp["top.cow"]} takes the changes; they waited ", result.Output, StringComparison.Ordinal);
        Base(Temp["r1.cow"]);
        File.WriteAllText(mount["after"], "only now\n");
        CowDisk before = AttachWith(image, "--read-only", Temp["r1.cow"]);
        Shell.Run("e2fsck", "-fn", before.Path);
        using (Mount former = Mount(before.Path, "-o", "ro"))
        {
            Assert.Equal("in both\n", File.ReadAllText(former["before"]));
            Assert.False(File.Exists(former["after"]));
            Images.MustHoldContent(former.Path);
        }
        mount.Unmount();
        Shell.Run("e2fsck", "-fn", disk.Path);
        Assert.Equal([Temp["r1.cow"]], LayersOf(disk));
        Assert.Equal(Temp["top.cow"], Service.Status(disk).GetProperty("cowfilePath").GetString());
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_new_cowfile_on_the_device_itself_is_refused()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image, "r1.cow");
        Mount mount = Mount(disk.Path);
        foreach (string[] freeze in new string[][] { [], ["--freeze", mount.Path] })
        {
            CommandResult result = Service.Cowloop(["snapshot", disk.Path, mount["new.cow"], .. freeze]);
            result.MustComplain(2, $"cowfile {mount["new.cow"]} lies on a filesystem on cowdevice {disk.Number} itself");
            Assert.False(File.Exists(mount["new.cow"]));
        }
        File.WriteAllText(mount["still"], "writable\n");
        Assert.Empty(LayersOf(disk));
        mount.Unmount();
    }

    [RootFact]
    public void The_reply_tells_of_the_device_as_it_is_then()
    {
        CowDisk disk = Attach(NumbersBase(), "r1.cow");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        using var client = new ControlClient(Service.Paths);
        SnapshotReply reply = client.Snapshot(0, new SnapshotRequest("top.cow", Temp.Path));
        Assert.Equal(Temp["r1.cow"], reply.Sealed);
        Assert.Equal(Temp["top.cow"], reply.Device.CowfilePath);
        Assert.Equal("top.cow", reply.Device.Cowfile);
        Assert.Equal([Temp["r1.cow"]], reply.Device.Layers);
        Assert.Equal(DeviceMode.Writable, reply.Device.Mode);
        Assert.InRange(reply.PauseMicroseconds, 1, 60_000_000);
    }

    [RootFact("sfdisk", "mkfs.ext4", "fs:ext4")]
    public void A_partition_can_be_frozen_and_nothing_else()
    {
        string image = Base(Images.Gpt(Temp["image"]));
        CowDisk disk = Attach(image, "r1.cow");
        Poll.Until("the partitions are there", () => File.Exists(disk.Partition(2)));
        Mount mount = Mount(disk.Partition(2));
        CowDisk other = Attach(Base(Images.Ext4(Temp["other"])), "other.cow");
        Mount foreign = Mount(other.Path);
        TrySnapshot(disk, "new.cow", "--freeze", foreign.Path).MustComplain(2, $"{foreign.Path} is on another device");
        TrySnapshot(disk, "new.cow", "--freeze", Temp["nowhere"]).MustComplain(2, $"{Temp["nowhere"]} cannot be opened");
        Assert.False(File.Exists(Temp["new.cow"]));
        // Neither is left frozen.
        File.WriteAllText(foreign["still"], "writable\n");
        disk = Snapshot(disk, "r2.cow", "--freeze", mount.Path);
        File.WriteAllText(mount["still"], "writable\n");
        mount.Unmount();
        foreign.Unmount();
        CowDisk before = AttachWith(image, "--read-only", Temp["r1.cow"]);
        Poll.Until("the partitions are there", () => File.Exists(before.Partition(2)));
        Shell.Run("e2fsck", "-fn", before.Partition(2));
    }

    [RootFact]
    public void A_device_that_can_not_have_one_goes_on_without()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = AttachWith(image, Temp["plain.cow"], "--plain");
        Write(disk, expected, 0, Data.Random(1, 4096));
        TrySnapshot(disk, "new.cow").MustComplain(2, $"cowfile {Temp["plain.cow"]} is a plain one, in which nothing says that it is sealed");
        MustShow(expected, disk);
        Service.Detach(disk);

        disk = AttachWith(image, "--read-only");
        TrySnapshot(disk, "new.cow").MustComplain(2, $"cowdevice {disk.Number} is read-only: it has no cowfile");
        Service.Detach(disk);

        disk = Attach(image, "given up.cow");
        Service.Cowctl("-r", disk.Path).MustSucceed();
        TrySnapshot(disk, "new.cow").MustComplain(2, $"cowfile {Temp["given up.cow"]} of cowdevice {disk.Number} is not open for writing any more");
        Service.Detach(disk);

        disk = Attach(image, "lower.cow");
        CowDisk upper = Attach(disk.Path, "upper.cow");
        TrySnapshot(disk, "new.cow").MustComplain(2, $"cowdevice {disk.Number} is the rdofile of another one");
        Service.Detach(upper);
        Assert.Equal(["R", "given up.cow", "lower.cow", "plain.cow", "upper.cow"], Files());
        Service.Cowloop("snapshot", Service.Node(9), Temp["new.cow"]).MustExitWith(2).MustBeForPeople(2);
    }

    [RootFact]
    public void A_file_that_exists_is_no_new_cowfile()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        Service.Detach(Attach(image, "cowfile.cow"));
        CowDisk disk = Attach(image, "r1.cow");
        Write(disk, expected, 0, Data.Random(1, 4096));
        File.WriteAllText(Temp["text"], "not for you\n");
        Base(Temp["text"]);
        Base(Temp["cowfile.cow"]);
        TrySnapshot(disk, "text").MustComplain(2, $"cowfile {Temp["text"]} exists already");
        TrySnapshot(disk, "cowfile.cow").MustComplain(2, $"cowfile {Temp["cowfile.cow"]} exists already");
        TrySnapshot(disk, "r1.cow").MustExitWith(2).MustBeForPeople(2);
        TrySnapshot(disk, "R").MustExitWith(2).MustBeForPeople(2);
        TrySnapshot(disk, "nowhere/new.cow").MustComplain(2, "nowhere/new.cow");
        Assert.Equal(["R", "cowfile.cow", "r1.cow", "text"], Files());
        Assert.Empty(LayersOf(disk));
        Write(disk, expected, 8192, Data.Random(2, 4096));
        MustShow(expected, disk);
        disk = Snapshot(disk, "top.cow");
        MustShow(expected, disk);
    }

    /// <summary>The place for the new cowfile holds its name and no more.</summary>
    [RootFact]
    public void Without_space_for_the_new_cowfile_the_device_goes_on()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "r1.cow");
        Write(disk, expected, 0, Data.Random(1, 4096));
        using (Mount full = Mount("cowtest", "-t", "tmpfs", "-o", "size=4k"))
        {
            File.WriteAllBytes(full["filler"], new byte[4096]);
            Service.Cowloop("snapshot", disk.Path, full["new.cow"]).MustComplain(2, full["new.cow"], "No space left on device");
            Assert.Equal([full["filler"]], Directory.GetFileSystemEntries(full.Path));
        }
        Write(disk, expected, 8192, Data.Random(2, 4096));
        MustShow(expected, disk);
        Assert.Empty(LayersOf(disk));
        Restart();
        MustShow(expected, disk);
    }
}
