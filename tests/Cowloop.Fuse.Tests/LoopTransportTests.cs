using System.Globalization;
using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;
using Cowloop.Tests.Support;

namespace Cowloop.Fuse.Tests;

/// <summary>What users do to the block device reaches the disk behind it. Its life is in LoopAttachmentTests.cs.</summary>
public class LoopTransportTests
{
    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "blockdev")]
    public void The_block_device_has_the_disks_size_and_sectors()
    {
        using var disk = new AttachedDisk(5 * AttachedDisk.MiB, sectorSize: 4096);

        Assert.Equal($"{5 * AttachedDisk.MiB}\n4096\n", Shell.Run("blockdev", "--getsize64", "--getss", disk.Node).Output);
    }

    /// <summary>Nothing is cached twice, and a flush of the block device is one of the disk.</summary>
    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl)]
    public void The_loop_device_goes_past_the_cache()
    {
        using var disk = new AttachedDisk();

        Assert.Equal("1\n", File.ReadAllText($"/sys/block/{disk.KernelName}/loop/dio"));
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "dd")]
    public void Data_goes_both_ways()
    {
        using var directory = new TempDirectory();
        using var disk = new AttachedDisk();
        byte[] written = new byte[AttachedDisk.MiB];
        new Random(3).NextBytes(written);
        File.WriteAllBytes(directory["in"], written);

        Shell.Run("dd", $"if={directory["in"]}", $"of={disk.Node}", "bs=4096", "seek=512", "oflag=direct");
        Shell.Run("dd", $"if={disk.Node}", $"of={directory["out"]}", "bs=64K", "skip=32", "count=16", "iflag=direct");

        Assert.Equal(written, disk.Memory.Content.AsSpan(2 * AttachedDisk.MiB, AttachedDisk.MiB).ToArray());
        Assert.Equal(written, File.ReadAllBytes(directory["out"]));
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "dd")]
    public void Fsync_writes_everything_and_then_flushes()
    {
        using var disk = new AttachedDisk();

        Shell.Run("dd", "if=/dev/urandom", $"of={disk.Node}", "bs=64K", "count=4", "conv=fsync");

        string[] changes = [.. disk.Memory.Calls.Where(call => !call.StartsWith("read", StringComparison.Ordinal))];
        Assert.Equal("flush", changes[^1]);
        Assert.Equal(4 * 64 * 1024, changes.Sum(call => LengthOf(call, "write")));
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "blkdiscard")]
    public void A_discard_gives_space_back() =>
        AssertZeroes("unmap", "blkdiscard", "--offset", "1048576", "--length", "2097152");

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "blkdiscard")]
    public void Zeroing_keeps_the_space() =>
        AssertZeroes("zero", "blkdiscard", "--zeroout", "--offset", "1048576", "--length", "2097152");

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "fallocate")]
    public void A_punched_hole_gives_space_back() =>
        AssertZeroes("unmap", "fallocate", "--punch-hole", "--offset", "1048576", "--length", "2097152");

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "fallocate")]
    public void A_zeroed_range_keeps_the_space() =>
        AssertZeroes("zero", "fallocate", "--zero-range", "--keep-size", "--offset", "1048576", "--length", "2097152");

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "dd")]
    public void Large_transfers_arrive_as_large_requests()
    {
        using var disk = new AttachedDisk();
        int seen = disk.Memory.Calls.Count;

        Shell.Run("dd", "if=/dev/zero", $"of={disk.Node}", "bs=1M", "count=8", "oflag=direct");
        Shell.Run("dd", $"if={disk.Node}", "of=/dev/null", "bs=1M", "count=8", "iflag=direct");

        AssertLarge([.. disk.Memory.Calls.Skip(seen).Select(call => LengthOf(call, "write")).Where(length => length > 0)]);
        AssertLarge([.. disk.Memory.Calls.Skip(seen).Select(call => LengthOf(call, "read")).Where(length => length > 0)]);
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "dd")]
    public void The_disks_errors_reach_the_user_and_pass()
    {
        using var disk = new AttachedDisk();
        disk.Memory.Answer = Errno.ENOSPC;
        CommandResult result = Shell.Try("dd", "if=/dev/zero", $"of={disk.Node}", "bs=4096", "count=1", "oflag=direct");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("error writing", result.Error, StringComparison.Ordinal);

        disk.Memory.Answer = Errno.None;
        Shell.Run("dd", "if=/dev/zero", $"of={disk.Node}", "bs=4096", "count=1", "oflag=direct");
    }

    [RootFact(AttachedDisk.Fuse, AttachedDisk.LoopControl, "mkfs.ext4", "e2fsck")]
    public void A_filesystem_lives_on_it()
    {
        using var disk = new AttachedDisk(32 * AttachedDisk.MiB);
        using var directory = new TempDirectory();
        Shell.Run("mkfs.ext4", "-q", disk.Node);
        Shell.Run("mount", disk.Node, directory.Path);
        try
        {
            File.WriteAllText(directory["file"], "text");
            Assert.Equal(Errno.EBUSY, disk.Attachment.TryDetach());
        }
        finally
        {
            Shell.Run("umount", directory.Path);
        }
        Shell.Run("e2fsck", "-f", "-n", disk.Node);
    }

    /// <summary>
    /// Eight times 1 MiB. The kernel may cut each in two where dd's memory has too many pieces, never below half of it
    /// first; and somebody else may have a look at the new device.
    /// </summary>
    private static void AssertLarge(long[] lengths)
    {
        const int LargeBytes = 256 * 1024;
        string all = $"requests of {string.Join(", ", lengths)} bytes";
        Assert.True(lengths.Sum() >= 8 * AttachedDisk.MiB, all);
        Assert.True(lengths.Count(length => length >= LargeBytes) >= 8, all);
        Assert.True(lengths.Length <= 32, all);
    }

    /// <summary>Runs a program that makes the second and third MiB zeros, and looks at what the disk was asked for.</summary>
    private static void AssertZeroes(string call, string program, params string[] arguments)
    {
        using var disk = new AttachedDisk();
        disk.Memory.Content.AsSpan().Fill(0xAA);

        Shell.Run(program, [.. arguments, disk.Node]);

        string[] changes = [.. disk.Memory.Calls.Where(text => !text.StartsWith("read", StringComparison.Ordinal) && text != "flush")];
        Assert.All(changes, text => Assert.StartsWith($"{call} ", text, StringComparison.Ordinal));
        Assert.Equal(2 * AttachedDisk.MiB, changes.Sum(text => LengthOf(text, call)));
        ReadOnlySpan<byte> content = disk.Memory.Content;
        Assert.Equal(-1, content.Slice(AttachedDisk.MiB, 2 * AttachedDisk.MiB).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, content[..AttachedDisk.MiB].IndexOfAnyExcept((byte)0xAA));
        Assert.Equal(-1, content[(3 * AttachedDisk.MiB)..].IndexOfAnyExcept((byte)0xAA));
    }

    /// <summary>Length of a call of that kind; 0 for another kind.</summary>
    private static long LengthOf(string call, string kind) => call.StartsWith($"{kind} ", StringComparison.Ordinal)
        ? long.Parse(call.AsSpan(call.IndexOf('+', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture)
        : 0;
}
