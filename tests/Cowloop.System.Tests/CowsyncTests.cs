using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>cowsync, and when a cowfile counts as clean.</summary>
public class CowsyncTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact]
    public void T34_clean_after_a_sync_and_while_only_known_blocks_are_overwritten()
    {
        CowDisk disk = Attach(NumbersBase());
        MustBe(disk, "clean", 0);
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        MustBe(disk, "dirty", 1);

        Assert.Equal("", Service.Cowsync().MustSucceed().Output);
        MustBe(disk, "clean", 1);
        BlockIo.Write(disk.Path, 0, Data.Fill(2, 1024));
        MustBe(disk, "clean", 1);

        BlockIo.Write(disk.Path, 1024, Data.Fill(3, 1024));
        MustBe(disk, "dirty", 2);
        Assert.Equal([.. Data.Fill(2, 1024), .. Data.Fill(3, 1024)], BlockIo.Read(disk.Path, 0, 2048));
    }

    [RootFact]
    public void The_header_on_disk_says_what_the_status_says()
    {
        CowDisk disk = Attach(NumbersBase());
        BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        Assert.Equal(1, File.ReadAllBytes(disk.Cowfile)[6] & 1);
        Service.Cowsync().MustSucceed();
        byte[] file = File.ReadAllBytes(disk.Cowfile);
        Assert.Equal(0, file[6] & 1);
        Assert.Equal(1, BitConverter.ToInt64(file, 48));
        Assert.Equal(1, file[1024]);
    }

    [RootFact]
    public void Sync_takes_all_devices()
    {
        string image = NumbersBase();
        CowDisk[] disks = [Attach(image, "a.cow"), Attach(image, "b.cow")];
        foreach (CowDisk disk in disks)
        {
            BlockIo.Write(disk.Path, 0, Data.Fill(1, 1024));
        }
        Service.Cowsync("arguments", "are", "ignored").MustSucceed();
        Assert.All(disks, disk => MustBe(disk, "clean", 1));
    }

    private void MustBe(CowDisk disk, string state, int blocks)
    {
        string text = Service.StatusText(disk);
        Assert.Contains($"     state cowfile: {state,9}\n", text, StringComparison.Ordinal);
        Assert.Contains($"  cowblocks in use: {blocks,9} (of 1024 bytes)\n", text, StringComparison.Ordinal);
    }
}
