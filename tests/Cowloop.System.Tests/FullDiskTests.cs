using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>No space for the cowfile to grow.</summary>
public class FullDiskTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int FailedOffset = 32768;

    [RootFact]
    public void T33_a_write_without_space_fails_and_nothing_acknowledged_is_lost()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        using Mount small = Mount("cowtest", "-t", "tmpfs", "-o", "size=64k");
        CowDisk disk = Service.Attach(image, small["x.cow"]);
        Write(disk, expected, 0, Data.Random(1, 4096));
        Write(disk, expected, 8192, Data.Random(2, 16384));
        byte[] failed = Data.Random(3, 65536);
        CommandResult result = BlockIo.TryWrite(disk.Path, FailedOffset, failed);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Matches("Input/output error|No space left on device", result.Error);

        // Readable as before; of the failed write every block is either old or new.
        MustHold(disk, expected, failed);
        // What the cowfile has already can still be changed.
        Write(disk, expected, 8192, Data.Random(4, 16384));
        Service.Detach(disk);

        disk = Service.Attach(image, small["x.cow"]);
        MustHold(disk, expected, failed);
        Service.Detach(disk);
    }

    [RootFact]
    public void Writing_goes_on_when_there_is_space_again()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        using Mount small = Mount("cowtest", "-t", "tmpfs", "-o", "size=64k");
        CowDisk disk = Service.Attach(image, small["x.cow"]);
        byte[] bytes = Data.Random(3, 65536);
        Assert.NotEqual(0, BlockIo.TryWrite(disk.Path, FailedOffset, bytes).ExitCode);
        Shell.Run("mount", "-o", "remount,size=1m", small.Path);
        Write(disk, expected, FailedOffset, bytes);
        Service.Detach(disk);

        disk = Service.Attach(image, small["x.cow"]);
        Assert.Equal(expected, BlockIo.Read(disk.Path, 0, expected.Length));
        Service.Detach(disk);
    }

    [RootFact]
    public void A_cowfile_that_finds_no_space_at_all_is_not_left_behind()
    {
        string image = NumbersBase();
        using Mount small = Mount("cowtest", "-t", "tmpfs", "-o", "size=8k");
        Data.RandomFile(small["full"], 1, 8192);
        Service.Cowdev("-a", image, small["x.cow"])
            .MustRefuse(2, "activate new cowdevice: Invalid argument", $"cannot set cowfile {small["x.cow"]} to size 2048: No space left on device");
        Assert.Equal([small["full"]], Directory.EnumerateFileSystemEntries(small.Path));
    }

    private static void Write(CowDisk disk, byte[] expected, int offset, byte[] bytes)
    {
        BlockIo.Write(disk.Path, offset, bytes);
        bytes.CopyTo(expected, offset);
    }

    private static void MustHold(CowDisk disk, byte[] expected, byte[] failed)
    {
        const int BlockLength = 1024;
        byte[] content = BlockIo.Read(disk.Path, 0, expected.Length);
        for (int offset = 0; offset < content.Length; offset += BlockLength)
        {
            ReadOnlySpan<byte> block = content.AsSpan(offset, BlockLength);
            bool isNew = offset >= FailedOffset
                && offset < FailedOffset + failed.Length
                && block.SequenceEqual(failed.AsSpan(offset - FailedOffset, BlockLength));
            Assert.True(isNew || block.SequenceEqual(expected.AsSpan(offset, BlockLength)), $"block at {offset}");
        }
    }
}
