using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Cowfiles in every kind of store, on every kind of place: what a user does with them is the same.</summary>
public class CompactStoreTests(CowService service, ITestOutputHelper output) : FullDiskTest(service, output)
{
    private const int MiB = 1024 * 1024;

    public static TheoryData<string, string> StoresAndPlaces
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string store in new[] { "classic", "4K", "64K", "1M" })
            {
                data.Add(store, "ext4");
                data.Add(store, "tmpfs");
                if (store != "classic")
                {
                    data.Add(store, "device");
                    data.Add(store, "exfat");
                }
            }
            return data;
        }
    }

    [RootTheory("mkfs.ext4", "e2fsck", "fstrim", "losetup", "wipefs", "fs:ext4", "mkfs.exfat", "mount.exfat-fuse", "fs:fuseblk")]
    [MemberData(nameof(StoresAndPlaces))]
    public void A_filesystem_lives_on_it(string store, string place)
    {
        string image = Base(Data.RandomFile(Temp["image"], 1, 64 * MiB));
        using LoopBack? loop = place == "device" ? LoopBack.Of(Images.Allocate(Temp["volume"], 100)) : null;
        string cowfile = loop?.Path ?? (place switch
        {
            "exfat" => ExfatStore(128),
            "tmpfs" => Store(128 * 1024),
            _ => Ext4Store(128),
        })["my.cow"];
        Create(image, cowfile, store);

        CowDisk disk = AttachMade(image, cowfile);
        Shell.Run("mkfs.ext4", "-q", disk.Path);
        string hash;
        using (Mount mount = Mount(disk.Path))
        {
            Churn(mount);
            hash = HashOfTree(mount.Path);
        }
        Shell.Run("e2fsck", "-f", "-n", disk.Path);
        Service.Detach(disk);
        Service.Cowloop("check", cowfile, "--base", image).MustSucceed();

        disk = AttachMade(image, cowfile);
        Shell.Run("e2fsck", "-f", "-n", disk.Path);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal(hash, HashOfTree(mount.Path));
        }
        Service.Detach(disk);
    }

    /// <summary>A classic cowfile would take the space of the whole base there, at once.</summary>
    [RootFact("mkfs.exfat", "mount.exfat-fuse", "fs:fuseblk")]
    public void On_a_filesystem_without_holes_it_is_compact_unasked_and_that_is_said()
    {
        string image = Base(Data.RandomFile(Temp["image"], 1, 64 * MiB));
        SmallStore stick = ExfatStore(16);
        string cowfile = stick["my.cow"];

        CommandResult attached = Service.Cowloop("attach", image, cowfile, "--on-full", "error").MustSucceed();

        Assert.Contains($"cowfile {cowfile} is made as a compact store: its filesystem has no holes", attached.Error, StringComparison.Ordinal);
        var disk = new CowDisk(attached.Line, image, cowfile);
        byte[] changes = Data.Random(2, MiB);
        BlockIo.Write(disk.Path, 10 * MiB, changes);
        Service.Detach(disk);
        Assert.InRange(new FileInfo(cowfile).Length, MiB, 2 * MiB);

        disk = AttachMade(image, cowfile, "--on-full", "error");
        Assert.Equal(changes, BlockIo.Read(disk.Path, 10 * MiB, MiB));
        // As much as the stick has, and no more.
        CommandResult full = BlockIo.TryWrite(disk.Path, 20 * MiB, Data.Random(3, 32 * MiB));
        Assert.Contains("No space left on device", full.Error, StringComparison.Ordinal);
        Assert.Equal(changes, BlockIo.Read(disk.Path, 10 * MiB, MiB));
        Service.Detach(disk);
        Service.Cowloop("check", cowfile, "--base", image).MustSucceed();
    }

    [RootTheory]
    [InlineData("4K")]
    [InlineData("64K")]
    [InlineData("1M")]
    public void What_was_acknowledged_is_there_after_a_kill(string chunk)
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        Create(image, Temp["my.cow"], chunk);
        CowDisk disk = AttachMade(image, Temp["my.cow"]);
        WriteBoth(0, Data.Random(1, 100 * 1024));
        Shell.Run("sync");
        // Durable zeros, and then data in their place that nobody made durable.
        Shell.Run("blkdiscard", "--zeroout", disk.Path);
        Shell.Run("blockdev", "--flushbufs", disk.Path);
        Array.Clear(expected);
        Service.Cowsync().MustSucceed();
        WriteBoth(8 * 1024, Data.Random(2, 4096));
        WriteBoth(700 * 1024, Data.Random(3, 64 * 1024));
        Restart();
        MustBe();
        WriteBoth(12 * 1024, Data.Random(4, 512));
        Restart();
        MustBe();
        Service.Detach(disk);
        Service.Cowloop("check", disk.Cowfile).MustSucceed();

        void WriteBoth(int offset, byte[] bytes)
        {
            BlockIo.WriteUnflushed(disk.Path, offset, bytes);
            bytes.CopyTo(expected, offset);
        }

        void MustBe() => Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));

        void Restart()
        {
            Service.Kill();
            Service.StartService();
        }
    }

    [RootFact("losetup")]
    public void A_small_device_holds_the_changes_of_a_large_base_until_it_is_full_and_goes_on_when_it_is_larger()
    {
        const int PieceBytes = 8 * MiB;
        const long Distance = 80L * MiB;
        string image = Temp["image"];
        using (FileStream file = new(image, FileMode.CreateNew))
        {
            file.SetLength(4L << 30);
        }
        Base(image);
        string volume = Images.Allocate(Temp["volume"], 256);
        using LoopBack loop = LoopBack.Of(volume);
        Create(image, loop.Path, "64K");
        CowDisk disk = AttachMade(image, loop.Path, "--on-full", "error");
        var written = new List<byte[]>();
        CommandResult result;
        while (true)
        {
            byte[] bytes = Data.Random(written.Count, PieceBytes);
            result = BlockIo.TryWrite(disk.Path, written.Count * Distance, bytes);
            if (result.ExitCode != 0)
            {
                break;
            }
            written.Add(bytes);
        }
        Assert.Contains("No space left on device", result.Error, StringComparison.Ordinal);
        Assert.InRange(written.Count, 256 / 8 - 2, 256 / 8);
        MustHoldAll();
        // What was under way when the first change failed may have come to its end since, which looks like new space: each look has a failure before it.
        int attempt = 0;
        Poll.Until("the list shows that it is full", () =>
        {
            _ = BlockIo.TryWrite(disk.Path, written.Count * Distance + PieceBytes + ++attempt * MiB, new byte[4096]);
            return ListedState(disk) == "full";
        });
        // What is there can be changed.
        written[3] = Data.Random(99, PieceBytes);
        BlockIo.Write(disk.Path, 3 * Distance, written[3]);

        using (FileStream file = new(volume, FileMode.Open))
        {
            file.SetLength(320L * MiB);
        }
        Shell.Run("losetup", "--set-capacity", loop.Path);
        for (int more = 0; more < 3; more++)
        {
            written.Add(Data.Random(written.Count, PieceBytes));
            BlockIo.Write(disk.Path, (written.Count - 1) * Distance, written[^1]);
        }
        MustHoldAll();
        Assert.StartsWith(
            $"{loop.Path} of {disk.Path} has 320.0 MiB, as before; ",
            Service.Cowloop("grow", disk.Path).MustSucceed().Output,
            StringComparison.Ordinal);
        MustRefuse(Service.Cowloop("grow", disk.Path, "1G"), "is a block device", "make the device larger");
        Service.Detach(disk);
        Service.Cowloop("check", loop.Path, "--base", image).MustSucceed();
        disk = AttachMade(image, loop.Path);
        MustHoldAll();
        Service.Detach(disk);

        void MustHoldAll()
        {
            for (int index = 0; index < written.Count; index++)
            {
                Assert.True(written[index].AsSpan().SequenceEqual(BlockIo.Read(disk.Path, index * Distance, PieceBytes)), $"piece {index} is not what was written");
            }
        }
    }

    [RootFact("losetup", "mkfs.ext4", "wipefs")]
    public void What_a_device_holds_is_not_overwritten_unasked()
    {
        string image = NumbersBase();
        string volume = Images.Ext4(Temp["volume"]);
        string before = FileSnapshot.HashOf(volume);
        using LoopBack loop = LoopBack.Of(volume);
        MustRefuse(Service.Cowloop("create", image, loop.Path), $"cowloop: {loop.Path} holds ext4", "give --force");
        MustRefuse(Service.Cowloop("create", "--store", "classic", image, loop.Path), $"{loop.Path} is a block device: only a compact store");
        MustRefuse(Service.Cowdev("-a", image, loop.Path), "activate new cowdevice", "a block device without a compact store");
        Shell.Run("blockdev", "--flushbufs", loop.Path);
        Assert.Equal(before, FileSnapshot.HashOf(volume));
        MustRefuse(Service.Cowloop("create", "--force", loop.Path, loop.Path), "it would be lost");
        MustRefuse(Service.Cowloop("create", "--force", volume, loop.Path), "it would be lost");
        Assert.Equal(before, FileSnapshot.HashOf(volume));
        using (Mount(loop.Path))
        {
            MustRefuse(Service.Cowloop("create", "--force", image, loop.Path), loop.Path);
        }
        Service.Cowloop("create", "--force", image, loop.Path).MustSucceed();
        Assert.Equal("", Shell.Run("wipefs", "--no-act", loop.Path).Output);
        MustRefuse(Service.Cowloop("create", image, loop.Path), "holds a compact store of a cowfile");
        CowDisk disk = AttachMade(image, loop.Path);
        MustRefuse(Service.Cowloop("create", "--force", image, loop.Path), loop.Path);
        MustRefuse(Service.Cowloop("rollback", disk.Path), "is a block device");
        Service.Detach(disk);
    }

    [RootTheory]
    [InlineData("4K")]
    [InlineData("1M")]
    public void Snapshots_and_merges_of_a_device_in_use_stay_in_the_same_kind_of_store(string chunk)
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = new(Service.Cowloop("attach", image, Temp["r1.cow"], "--store", "compact", "--chunk", chunk).MustSucceed().Line, image, Temp["r1.cow"]);
        for (int round = 2; round <= 4; round++)
        {
            Write(round * 30_000, Data.Random(round, 50 * 1024));
            Service.Cowloop("snapshot", disk.Path, Temp[$"r{round}.cow"]).MustSucceed();
            Assert.Contains("\"kind\": \"compact\"", Service.Cowloop("info", "--json", Temp[$"r{round}.cow"]).MustSucceed().Output, StringComparison.Ordinal);
        }
        Write(0, Data.Random(9, 4096));
        Service.Cowloop("merge", "--live", "--yes", disk.Path).MustSucceed();
        Service.Cowloop("merge", "--live", "--yes", disk.Path).MustSucceed();
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        Service.Cowloop("rollback", disk.Path).MustSucceed();
        File.ReadAllBytes(image).AsSpan(0, 4096).CopyTo(expected);
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        Service.Detach(disk);
        foreach (string name in new[] { "r1.cow", "r4.cow" })
        {
            Service.Cowloop("check", Temp[name], "--base", image).MustSucceed();
        }

        void Write(int offset, byte[] bytes)
        {
            offset -= offset % 512;
            BlockIo.Write(disk.Path, offset, bytes);
            bytes.CopyTo(expected, offset);
        }
    }

    private void Create(string image, string cowfile, string store)
    {
        string[] options = store == "classic" ? ["--store", "classic"] : ["--store", "compact", "--chunk", store];
        Service.Cowloop(["create", image, cowfile, .. options]).MustSucceed();
    }

    private CowDisk AttachMade(string image, string cowfile, params string[] options) =>
        new(Service.Cowloop(["attach", image, cowfile, .. options]).MustSucceed().Line, image, cowfile);

    /// <summary>Writes, overwrites, cuts and removes files, and gives the space back that is free.</summary>
    private static void Churn(Mount mount)
    {
        var random = new Random(5);
        for (int step = 0; step < 120; step++)
        {
            string path = mount[$"file{random.Next(30)}"];
            switch (random.Next(5))
            {
                case 0:
                    File.Delete(path);
                    break;
                case 1 when File.Exists(path):
                    using (FileStream file = new(path, FileMode.Open))
                    {
                        file.SetLength(random.Next(100_000));
                    }
                    break;
                default:
                    byte[] bytes = new byte[random.Next(300_000)];
                    random.NextBytes(bytes);
                    File.WriteAllBytes(path, bytes);
                    break;
            }
            if (step % 40 == 20)
            {
                Shell.Run("sync", "-f", mount.Path);
                Shell.Run("fstrim", mount.Path);
            }
        }
    }

    private static void MustRefuse(CommandResult result, params string[] reasons)
    {
        Assert.Equal(2, result.ExitCode);
        Assert.All(reasons, reason => Assert.Contains(reason, result.Error, StringComparison.Ordinal));
    }

    private static string HashOfTree(string directory) =>
        Shell.Run("sh", "-c", $"cd {directory} && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum").Line;
}
