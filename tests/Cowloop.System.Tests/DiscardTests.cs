using System.Globalization;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Discarding and zeroing: the base's data is gone for the device's user, and space in the cowfile comes back.</summary>
public class DiscardTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int BaseLength = 32 * 1024 * 1024;

    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void Mkfs_on_the_device_makes_a_sound_filesystem_over_a_base_full_of_data()
    {
        string image = Base(Data.RandomFile(Temp["image"], 3, BaseLength));
        CowDisk disk = Attach(image);
        Shell.Run("mkfs.ext4", "-q", "-F", disk.Path);
        byte[] content = Data.Random(4, 3_000_000);
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllBytes(mount["file"], content);
        }
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        Service.Detach(disk);

        disk = Attach(image);
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal(content, File.ReadAllBytes(mount["file"]));
        }
    }

    [RootFact("mkfs.ext4", "fsck.ext4", "fstrim", "fs:ext4")]
    public void Fstrim_gives_back_the_space_of_deleted_files_and_harms_no_other()
    {
        CowDisk disk = Attach(Base(Images.Ext4(Temp["image"])));
        using (Mount mount = Mount(disk.Path))
        {
            File.WriteAllBytes(mount["big"], Data.Random(5, 20 * 1024 * 1024));
            Shell.Run("sync", "-f", mount.Path);
            long full = AllocatedBytes(disk.Cowfile);
            Assert.True(full > 20 * 1024 * 1024);

            File.Delete(mount["big"]);
            Shell.Run("sync", "-f", mount.Path);
            Assert.Contains("trimmed", Shell.Run("fstrim", "-v", mount.Path).Output, StringComparison.Ordinal);
            long trimmed = AllocatedBytes(disk.Cowfile);
            Assert.True(trimmed < full - 18 * 1024 * 1024, $"{full} bytes before, {trimmed} after fstrim");
            Images.MustHoldContent(mount.Path);
        }
        Shell.Run("fsck.ext4", "-f", "-n", disk.Path);
    }

    [RootTheory("blkdiscard")]
    [InlineData("a few blocks", 65536, 131072, false)]
    [InlineData("a few blocks", 65536, 131072, true)]
    [InlineData("parts of blocks at both ends", 4608, 9216, true)]
    [InlineData("everything", 0, BaseLength, false)]
    [InlineData("everything", 0, BaseLength, true)]
    public void Blkdiscard_makes_zeros_of_a_bases_data(string what, int offset, int length, bool zeroOut)
    {
        Assert.NotEmpty(what);
        string image = Base(Data.RandomFile(Temp["image"], 6, BaseLength));
        byte[] expected = File.ReadAllBytes(image);
        // Some of it has been written before.
        byte[] written = Data.Random(7, 65536);
        written.CopyTo(expected, 98304);
        expected.AsSpan(offset, length).Clear();

        CowDisk disk = Attach(image);
        BlockIo.Write(disk.Path, 98304, written);
        string[] range = ["-o", offset.ToString(CultureInfo.InvariantCulture), "-l", length.ToString(CultureInfo.InvariantCulture), disk.Path];
        Shell.Run("blkdiscard", zeroOut ? ["-z", .. range] : ["-f", .. range]);
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, BaseLength));
        Service.Detach(disk);

        disk = Attach(image);
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, BaseLength));
    }

    [RootFact("blkdiscard")]
    public void A_discarded_device_costs_almost_no_space()
    {
        CowDisk disk = Attach(Base(Data.RandomFile(Temp["image"], 8, BaseLength)));
        BlockIo.Write(disk.Path, 0, Data.Random(9, BaseLength));
        Assert.True(AllocatedBytes(disk.Cowfile) >= BaseLength);
        Shell.Run("blkdiscard", "-f", disk.Path);
        long bytes = AllocatedBytes(disk.Cowfile);
        Assert.True(bytes <= 64 * 1024, $"{bytes} bytes");
    }

    private static long AllocatedBytes(string path) => DiskUsage.Of(path);
}
