using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Real filesystems: changed through the device, sound, still changed on re-activation, gone with a new cowfile.</summary>
public class FilesystemTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int BigLength = 12 * 1024 * 1024;

    [RootFact("mkfs.ext4", "fs:ext4")]
    public void Ext4_keeps_changes_in_the_cowfile() =>
        CheckLifeOf(Images.Ext4(Temp["image"]), disk => Shell.Run("fsck.ext4", "-f", "-n", disk));

    [RootFact("mkfs.xfs", "fs:xfs")]
    public void Xfs_keeps_changes_in_the_cowfile() =>
        CheckLifeOf(Images.Xfs(Temp["image"]), disk => Shell.Run("xfs_repair", "-n", disk));

    [RootFact("mkfs.btrfs", "fs:btrfs")]
    public void Btrfs_keeps_changes_in_the_cowfile() =>
        CheckLifeOf(Images.Btrfs(Temp["image"]), disk => Shell.Run("btrfs", "check", disk));

    private void CheckLifeOf(string image, Action<string> check)
    {
        Base(image);
        byte[] big = Data.Random(1, BigLength);

        CowDisk disk = Attach(image);
        using (Mount mount = Mount(disk.Path))
        {
            Images.MustHoldContent(mount.Path);
            Change(mount.Path, big);
        }
        check(disk.Path);
        Service.Detach(disk);

        disk = Attach(image);
        check(disk.Path);
        using (Mount mount = Mount(disk.Path))
        {
            MustBeChanged(mount.Path, big);
        }
        Service.Detach(disk);

        CowDisk fresh = Attach(image, "another.cow");
        check(fresh.Path);
        using (Mount mount = Mount(fresh.Path))
        {
            Images.MustHoldContent(mount.Path);
            Assert.False(File.Exists(mount["big"]));
        }
    }

    private static void Change(string directory, byte[] big)
    {
        File.WriteAllText($"{directory}/greeting", "overwritten\n");
        File.WriteAllText($"{directory}/new", "created\n");
        File.Delete($"{directory}/doomed");
        File.WriteAllBytes($"{directory}/big", big);
        using FileStream bulk = File.OpenWrite($"{directory}/bulk");
        bulk.Position = 100_000;
        bulk.Write(big.AsSpan(0, 5000));
    }

    private static void MustBeChanged(string directory, byte[] big)
    {
        Assert.Equal("overwritten\n", File.ReadAllText($"{directory}/greeting"));
        Assert.Equal("created\n", File.ReadAllText($"{directory}/new"));
        Assert.False(File.Exists($"{directory}/doomed"));
        Assert.Equal(big, File.ReadAllBytes($"{directory}/big"));
        byte[] bulk = Data.Random(Images.BulkSeed, Images.BulkLength);
        big.AsSpan(0, 5000).CopyTo(bulk.AsSpan(100_000));
        Assert.Equal(bulk, File.ReadAllBytes($"{directory}/bulk"));
        Assert.Equal("deeper\n", File.ReadAllText($"{directory}/below/nested"));
    }
}
