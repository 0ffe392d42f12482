using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Cowfiles that lie on each other: what a device on any of them shows, and that nothing of a layer changes.</summary>
public class LayerTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    private const int ImageLength = 1024 * 1024;

    /// <summary>What the device held when a layer was sealed; first what the base holds, last what the top does.</summary>
    private readonly List<byte[]> _states = [];

    [RootFact]
    public void Every_state_of_a_stack_can_be_seen_by_itself()
    {
        string image = MakeStack();
        Assert.Equal(4, _states.Distinct(new SameBytes()).Count());
        MustShow(_states[0], AttachWith(image, "--read-only"));
        MustShow(_states[1], AttachWith(image, "--read-only", Temp["r1.cow"]));
        MustShow(_states[2], AttachWith(image, "--read-only", Temp["r1.cow"], Temp["r2.cow"]));
        MustShow(_states[3], AttachWith(image, "--read-only", Temp["r1.cow"], Temp["r2.cow"], Temp["top.cow"]));
    }

    [RootFact]
    public void A_fresh_top_begins_with_the_state_of_its_layers_and_keeps_its_changes_to_itself()
    {
        string image = MakeStack();
        CowDisk[] disks =
        [
            AttachWith(image, Temp["t1.cow"], "--layer", Temp["r1.cow"]),
            AttachWith(image, Temp["t2.cow"], "--layer", Temp["r1.cow"], "--layer", Temp["r2.cow"]),
            Service.Attach(image, $"{Temp["r1.cow"]},{Temp["r2.cow"]},{Temp["t3.cow"]}"),
            Attach(image, "top.cow"),
        ];
        byte[][] expected = [[.. _states[1]], [.. _states[2]], [.. _states[2]], [.. _states[3]]];
        for (int index = 0; index < disks.Length; index++)
        {
            MustShow(expected[index], disks[index]);
            // Whole blocks and a part of one, over what each of the layers holds and over the base.
            Write(disks[index], expected[index], 512 * (10 + index), Data.Random(100 + index, 20_480));
        }
        for (int index = 0; index < disks.Length; index++)
        {
            MustShow(expected[index], disks[index]);
            Service.Detach(disks[index]);
        }
        MustShow(expected[0], Attach(image, "t1.cow"));
        MustShow(expected[1], Attach(image, "t2.cow"));
        MustShow(expected[2], Attach(image, "t3.cow"));
        MustShow(expected[3], Attach(image, "top.cow"));
    }

    [RootFact]
    public void A_read_only_device_changes_nothing_and_takes_no_change()
    {
        string image = MakeStack();
        Base(Temp["top.cow"]);
        CowDisk disk = AttachWith(image, "--read-only", Temp["top.cow"]);
        Assert.Equal([Temp["r1.cow"], Temp["r2.cow"], Temp["top.cow"]], LayersOf(disk));
        Assert.Equal("readOnly", Service.Status(disk).GetProperty("mode").GetString());
        Assert.Equal("1", Shell.Run("blockdev", "--getro", disk.Path).Line);
        Assert.NotEqual(0, BlockIo.TryWrite(disk.Path, 0, Data.Random(1, 4096)).ExitCode);
        Assert.NotEqual(0, Shell.Try("blkdiscard", disk.Path).ExitCode);
        MustShow(_states[3], disk);
        Service.Cowsync(disk.Path).MustSucceed();
        MustShow(_states[3], disk);
        Restart();
        MustShow(_states[3], disk);
        Assert.Equal("1", Shell.Run("blockdev", "--getro", disk.Path).Line);
        Service.Detach(disk);
    }

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void A_read_only_device_can_be_mounted()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk disk = Attach(image, "r1.cow");
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllText(mount["late"], "on the layer\n");
        }
        Service.Detach(disk);
        Base(disk.Cowfile);
        using Mount readOnly = Mount(AttachWith(image, "--read-only", disk.Cowfile).Path, "-o", "ro");
        Images.MustHoldContent(readOnly.Path);
        Assert.Equal("on the layer\n", File.ReadAllText(readOnly["late"]));
        readOnly.Unmount();
    }

    [RootFact]
    public void Layers_are_found_again_after_their_directory_was_moved()
    {
        Directory.CreateDirectory(Temp["set"]);
        byte[] expected = File.ReadAllBytes(Data.NumbersFile(Temp["set/R"]));
        CowDisk disk = Attach(Temp["set/R"], "set/r1.cow");
        Write(disk, expected, 0, Data.Random(1, 4096));
        disk = Snapshot(disk, "set/r2.cow");
        Write(disk, expected, 8192, Data.Random(2, 4096));
        disk = Snapshot(disk, "set/top.cow");
        Write(disk, expected, 4096, Data.Random(3, 8192));
        Service.Detach(disk);
        Directory.Move(Temp["set"], Temp["moved"]);

        disk = Attach(Temp["moved/R"], "moved/top.cow");
        Assert.Equal([Temp["moved/r1.cow"], Temp["moved/r2.cow"]], LayersOf(disk));
        MustShow(expected, disk);
        Service.Detach(disk);

        // By what it is, where its name is another.
        File.Move(Temp["moved/r1.cow"], Temp["moved/renamed"]);
        disk = Attach(Temp["moved/R"], "moved/top.cow");
        Assert.Equal([Temp["moved/renamed"], Temp["moved/r2.cow"]], LayersOf(disk));
        MustShow(expected, disk);
    }

    [RootFact]
    public void Layers_that_are_named_must_be_in_their_order()
    {
        string image = MakeStack();
        TryAttachWith(image, "--read-only", Temp["r2.cow"], Temp["r1.cow"])
            .MustComplain(2, $"layer {Temp["r1.cow"]} is named above {Temp["r2.cow"]}, which lies on it");
        TryAttachWith(image, Temp["top.cow"], "--layer", Temp["r1.cow"])
            .MustComplain(2, $"cowfile {Temp["top.cow"]} lies on layer r2.cow", $"not on {Temp["r1.cow"]}");
        Assert.Empty(Service.ActiveDevices());
    }

    [RootFact]
    public void A_layer_of_another_base_is_refused()
    {
        MakeStack();
        string other = Base(Data.RandomFile(Temp["other"], 7, ImageLength));
        TryAttachWith(other, Temp["new.cow"], "--layer", Temp["r1.cow"])
            .MustComplain(2, $"rdofile {other} has changed since cowfile {Temp["r1.cow"]} was made for it");
        string longer = Base(Data.RandomFile(Temp["longer"], 7, ImageLength + 4096));
        TryAttachWith(longer, Temp["new.cow"], "--layer", Temp["r1.cow"])
            .MustComplain(2, $"cowfile {Temp["r1.cow"]} (size {ImageLength}) not related to rdofile (size {ImageLength + 4096})");
        Assert.False(File.Exists(Temp["new.cow"]));
    }

    [RootFact]
    public void A_layer_that_is_missing_is_named()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image, "r1.cow");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        Service.Detach(Snapshot(disk, "top.cow"));
        File.Move(Temp["r1.cow"], Temp["r1.cow"] + ".gone");
        Directory.CreateDirectory(Temp["elsewhere"]);
        File.Move(Temp["r1.cow.gone"], Temp["elsewhere/r1.cow"]);

        TryAttachWith(image, Temp["top.cow"])
            .MustComplain(2, $"cowfile {Temp["top.cow"]} lies on layer r1.cow (", "which is not there", "name it before the one that lies on it");
        Service.Cowdev("-a", image, Temp["top.cow"])
            .MustRefuse(2, "activate new cowdevice: Invalid argument", $"cowfile {Temp["top.cow"]} lies on layer r1.cow (");
        disk = AttachWith(image, Temp["top.cow"], "--layer", Temp["elsewhere/r1.cow"]);
        Assert.Equal([Temp["elsewhere/r1.cow"]], LayersOf(disk));
        Service.Detach(disk);
    }

    [RootFact]
    public void A_layer_that_was_written_to_since_is_refused()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image, "lower.cow");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        Service.Detach(disk);
        Service.Detach(AttachWith(image, Temp["upper.cow"], "--layer", Temp["lower.cow"]));
        Service.Detach(Attach(image, "lower.cow"));
        // Who only had it open has not changed it.
        Service.Detach(Attach(image, "upper.cow"));

        disk = Attach(image, "lower.cow");
        BlockIo.Write(disk.Path, 65536, Data.Random(2, 4096));
        Service.Detach(disk);
        TryAttachWith(image, Temp["upper.cow"])
            .MustComplain(2, $"layer {Temp["lower.cow"]} has changed since {Temp["upper.cow"]} was made on it: it has generation");
        TryAttachWith(image, Temp["upper.cow"], "--accept-base")
            .MustComplain(2, $"layer {Temp["lower.cow"]} has changed since");
    }

    [RootFact]
    public void A_layer_that_is_written_to_is_refused()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image, "lower.cow");
        TryAttachWith(image, Temp["upper.cow"], "--layer", Temp["lower.cow"])
            .MustComplain(2, $"layer {Temp["lower.cow"]} is in use: it is the cowfile of cowdevice {disk.Number}, which writes to it", "cowloop snapshot");
        Assert.False(File.Exists(Temp["upper.cow"]));
    }

    [RootFact]
    public void A_dirty_layer_is_refused_until_it_is_repaired()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image, "active.cow");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        File.Copy(disk.Cowfile, Temp["dirty.cow"]);
        Service.Detach(disk);
        TryAttachWith(image, "--read-only", Temp["dirty.cow"])
            .MustComplain(2, $"cowfile {Temp["dirty.cow"]} is dirty", $"run: cowrepair {Temp["dirty.cow"]}");
        Service.Run("cowrepair", Temp["dirty.cow"]).MustSucceed();
        Assert.Equal(Data.Random(1, 4096), BlockIo.Read(AttachWith(image, "--read-only", Temp["dirty.cow"]).Path, 0, 4096));
    }

    [RootFact]
    public void A_packed_layer_is_refused()
    {
        string image = NumbersBase();
        CowDisk disk = Attach(image, "my.cow");
        BlockIo.Write(disk.Path, 0, Data.Random(1, 4096));
        Service.Detach(disk);
        Service.Run("cowpack", "-p", disk.Cowfile, Temp["packed"]).MustSucceed();
        TryAttachWith(image, Temp["new.cow"], "--layer", Temp["packed"])
            .MustComplain(2, $"cowfile {Temp["packed"]} is packed", $"cowpack -u {Temp["packed"]} NEWFILE");
        Assert.False(File.Exists(Temp["new.cow"]));
    }

    [RootFact]
    public void A_file_is_named_once_in_a_stack()
    {
        string image = MakeStack();
        string r1 = Temp["r1.cow"];
        File.CreateSymbolicLink(Temp["link.cow"], r1);
        TryAttachWith(image, Temp["new.cow"], "--layer", r1, "--layer", r1).MustComplain(2, $"layers {r1} and {r1} are the same file");
        TryAttachWith(image, "--read-only", r1, Temp["link.cow"]).MustComplain(2, $"layers {r1} and {Temp["link.cow"]} are the same file");
        TryAttachWith(image, "--read-only", image).MustComplain(2, $"rdofile and layer {image} are the same file");
        Assert.False(File.Exists(Temp["new.cow"]));
    }

    [RootFact]
    public void A_file_that_is_layer_and_cowfile_at_once_is_refused()
    {
        string image = NumbersBase();
        Service.Detach(Attach(image, "my.cow"));
        Base(Temp["my.cow"]);
        TryAttachWith(image, Temp["my.cow"], "--layer", Temp["my.cow"]).MustComplain(2, Temp["my.cow"]);
        Assert.Empty(Service.ActiveDevices());
    }

    [RootFact]
    public void A_stack_has_at_most_32_layers()
    {
        string image = NumbersBase();
        string[] words = [.. Enumerable.Range(0, 33).SelectMany(index => new[] { "--layer", Temp[$"l{index}.cow"] })];
        TryAttachWith(image, [Temp["new.cow"], .. words]).MustComplain(2, "33 layers are too many: a stack has at most 32");

        CowDisk disk = Attach(image, "l0.cow");
        byte[] expected = File.ReadAllBytes(image);
        for (int index = 1; index <= 32; index++)
        {
            Write(disk, expected, index * 8192, Data.Random(index, 12_288));
            disk = Snapshot(disk, $"l{index}.cow");
        }
        TrySnapshot(disk, "l33.cow").MustComplain(2, "33 layers are too many: a stack has at most 32");
        Assert.False(File.Exists(Temp["l33.cow"]));
        Write(disk, expected, 0, Data.Random(99, 4096));
        MustShow(expected, disk);
        Service.Detach(disk);

        disk = Attach(image, "l32.cow");
        Assert.Equal(32, LayersOf(disk).Length);
        MustShow(expected, disk);
    }

    [RootFact]
    public void A_sealed_cowfile_is_no_top()
    {
        string image = MakeStack();
        Base(Temp["r2.cow"]);
        TryAttachWith(image, Temp["r2.cow"]).MustComplain(2, $"cowfile {Temp["r2.cow"]} is sealed", $"--layer {Temp["r2.cow"]} NEW.cow");
        Service.Cowdev("-a", image, Temp["r2.cow"])
            .MustRefuse(2, "activate new cowdevice: Read-only file system", $"cowfile {Temp["r2.cow"]} is sealed");
    }

    [RootFact]
    public void A_name_with_a_comma_is_a_file_where_there_is_one()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = AttachWith(image, Temp["a,b.cow"]);
        Write(disk, expected, 0, Data.Random(1, 4096));
        Service.Detach(disk);
        disk = Attach(image, "a,b.cow");
        Assert.Empty(LayersOf(disk));
        MustShow(expected, disk);
    }

    [RootFact]
    public void A_stack_survives_a_killed_service()
    {
        string image = MakeStack();
        CowDisk disk = Attach(image, "top.cow");
        byte[] expected = [.. _states[3]];
        byte[] bytes = Data.Random(50, 20_480);
        BlockIo.WriteUnflushed(disk.Path, 1536, bytes);
        bytes.CopyTo(expected, 1536);
        Restart();
        Assert.Equal([disk.Path], Service.ActiveDevices());
        Assert.Equal([Temp["r1.cow"], Temp["r2.cow"]], LayersOf(disk));
        MustShow(expected, disk);
    }

    /// <summary>A base, two sealed layers on it and a top, none of them active; no layer may change until the test ends.</summary>
    private string MakeStack()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        _states.Add([.. expected]);
        CowDisk disk = Attach(image, "r1.cow");
        // Each overlaps with what was before, on blocks and beside them.
        Write(disk, expected, 2048, Data.Random(1, 65_536));
        _states.Add([.. expected]);
        disk = Snapshot(disk, "r2.cow");
        Write(disk, expected, 33_280, Data.Random(2, 131_072));
        Write(disk, expected, ImageLength - 512, Data.Random(3, 512));
        _states.Add([.. expected]);
        disk = Snapshot(disk, "top.cow");
        Write(disk, expected, 60_928, Data.Random(4, 16_384));
        Write(disk, expected, 2048, new byte[4096]);
        _states.Add([.. expected]);
        Service.Detach(disk);
        Base(Temp["r1.cow"]);
        Base(Temp["r2.cow"]);
        return image;
    }

    private sealed class SameBytes : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }
}
