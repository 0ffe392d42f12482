using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A second device of what a device holds now: from then on they know nothing of each other.</summary>
public class ForkTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    [RootFact]
    public void Both_begin_with_the_same_content_and_keep_their_changes_apart()
    {
        string image = NumbersBase();
        byte[] first = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "my.cow");
        Write(disk, first, 2048, Data.Random(1, 65_536));
        CommandResult result = Fork(disk, "clone.cow").MustSucceed();
        Assert.Contains($"{Temp["my.cow"]} is sealed, {Temp["my-2.cow"]} takes the changes", result.Error, StringComparison.Ordinal);
        Base(Temp["my.cow"]);
        var clone = new CowDisk(result.Line, image, Temp["clone.cow"]);
        Assert.Equal(Service.Node(1), clone.Path);
        Assert.Equal([Temp["my.cow"]], LayersOf(disk));
        Assert.Equal([Temp["my.cow"]], LayersOf(clone));

        byte[] second = [.. first];
        MustShow(first, disk);
        MustShow(second, clone);
        Write(disk, first, 4096, Data.Random(2, 32_768));
        Write(clone, second, 20_480, Data.Random(3, 65_536));
        MustShow(first, disk);
        MustShow(second, clone);
        Service.Detach(disk);
        Service.Detach(clone);
        MustShow(first, Attach(image, "my-2.cow"));
        MustShow(second, Attach(image, "clone.cow"));
    }

    [RootFact]
    public void What_has_not_changed_since_the_last_one_is_not_sealed_again()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "my.cow");
        Write(disk, expected, 0, Data.Random(1, 4096));
        Fork(disk, "a.cow").MustSucceed();
        CommandResult result = Fork(disk, "b.cow").MustSucceed();
        Assert.DoesNotContain("is sealed", result.Error, StringComparison.Ordinal);
        MustShow(expected, new CowDisk(result.Line, image, Temp["b.cow"]));
        Assert.Equal(["R", "a.cow", "b.cow", "my-2.cow", "my.cow"], Files());

        // The name goes on where it was.
        Write(disk, expected, 8192, Data.Random(2, 4096));
        Fork(disk, "c.cow").MustSucceed();
        Assert.Contains("my-3.cow", Files());
    }

    [RootFact]
    public void Names_and_number_can_be_chosen()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image, "my.cow");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        CommandResult result = Fork(disk, "clone.cow", "--top", Temp["goes on.cow"], "--number", "7", "--json").MustSucceed();
        using JsonDocument reply = JsonDocument.Parse(result.Output);
        Assert.Equal(Service.Node(7), reply.RootElement.GetProperty("device").GetProperty("path").GetString());
        Assert.Equal(Temp["my.cow"], reply.RootElement.GetProperty("snapshot").GetProperty("sealed").GetString());
        Assert.Equal(Temp["goes on.cow"], Service.Status(disk).GetProperty("cowfilePath").GetString());
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_mounted_device_is_forked_clean_when_it_is_frozen()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image, "my.cow");
        Mount mount = Mount(disk.Path);
        File.WriteAllText(mount["both"], "have it\n");
        string clone = Fork(disk, "clone.cow", "--freeze", mount.Path).MustSucceed().Line;
        File.WriteAllText(mount["first"], "only\n");
        Shell.Run("e2fsck", "-fn", clone);
        using Mount second = Mount(clone);
        Assert.Equal("have it\n", File.ReadAllText(second["both"]));
        Assert.False(File.Exists(second["first"]));
        Images.MustHoldContent(second.Path);
        second.Unmount();
        mount.Unmount();
        Shell.Run("e2fsck", "-fn", disk.Path);
        Shell.Run("e2fsck", "-fn", clone);
    }

    [RootFact]
    public void Refused_it_leaves_nothing_behind()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image, "my.cow");
        Fork(disk, "clone.cow").MustComplain(2, $"cowdevice {disk.Number} holds what its rdofile holds, nothing more", "cowloop attach");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        File.WriteAllText(Temp["taken"], "by somebody\n");
        Fork(disk, "taken").MustComplain(2, $"cowfile {Temp["taken"]} exists already");
        Fork(disk, "clone.cow", "--top", Temp["taken"]).MustComplain(2, $"cowfile {Temp["taken"]} exists already");
        Assert.Equal("by somebody\n", File.ReadAllText(Temp["taken"]));
        Assert.Equal(["R", "my.cow", "taken"], Files());
        Assert.Empty(LayersOf(disk));
        Service.Cowloop("fork", Service.Node(9), Temp["clone.cow"]).MustExitWith(2).MustBeForPeople(2);
    }

    [RootFact]
    public void When_only_the_second_device_can_not_be_made_the_reason_says_what_was_done()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "my.cow");
        Write(disk, expected, 0, Data.Random(1, 4096));
        Fork(disk, "clone.cow", "--number", disk.Number)
            .MustComplain(2, $"the snapshot is made, and cowdevice {disk.Number} goes on with {Temp["my-2.cow"]}, but not the second device");
        Assert.False(File.Exists(Temp["clone.cow"]));
        MustShow(expected, disk);
        Assert.Equal(Service.Node(1), Fork(disk, "clone.cow").MustSucceed().Line);
    }

    [RootFact]
    public void Both_survive_a_killed_service()
    {
        string image = NumbersBase();
        byte[] first = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "my.cow");
        Write(disk, first, 0, Data.Random(1, 65_536));
        var clone = new CowDisk(Fork(disk, "clone.cow").MustSucceed().Line, image, Temp["clone.cow"]);
        byte[] second = [.. first];
        BlockIo.WriteUnflushed(disk.Path, 8192, Data.Random(2, 4096));
        Data.Random(2, 4096).CopyTo(first, 8192);
        BlockIo.WriteUnflushed(clone.Path, 8704, Data.Random(3, 65_536));
        Data.Random(3, 65_536).CopyTo(second, 8704);
        Restart();
        Assert.Equal([disk.Path, clone.Path], Service.ActiveDevices());
        MustShow(first, disk);
        MustShow(second, clone);
    }

    private CommandResult Fork(CowDisk disk, string cowfile, params string[] more) => Service.Cowloop(["fork", disk.Path, Temp[cowfile], .. more]);
}
