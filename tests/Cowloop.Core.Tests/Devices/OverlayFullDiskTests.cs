using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>A full disk never kills an overlay (case T33).</summary>
public class OverlayFullDiskTests
{
    [Fact]
    public void T33_only_whole_blocks_are_marked_and_nothing_is_lost()
    {
        var file = new MemoryFile { SpaceLimitBytes = 64 * 1024 };
        Overlay overlay = Disk.Open(Fixtures.R, file);
        Assert.Equal(60 * 1024, file.SpaceLimitBytes - file.UsedBytes);

        Assert.Equal(Errno.None, overlay.Fill(0, 4096, 1));
        Assert.Equal(Errno.None, overlay.Fill(8192, 16384, 2));
        Assert.Equal(Errno.ENOSPC, overlay.Fill(32768, 65536, 3));

        Assert.Equal(20, overlay.UsedBlocks);
        byte[] expected = [.. Fixtures.R];
        expected.AsSpan(0, 4096).Fill(1);
        expected.AsSpan(8192, 16384).Fill(2);
        Assert.Equal(expected, overlay.GetAll());
        Assert.Equal(Errno.None, overlay.Close());
        CowfileCheck.AssertClean(file, new(1024));
        overlay = Disk.Open(Fixtures.R, file);
        Assert.Equal(expected, overlay.GetAll());
        Assert.Equal(Errno.None, overlay.Close());
    }

    [Fact]
    public void Goes_on_when_there_is_space_again()
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 1);
        file.SpaceLimitBytes = file.UsedBytes;

        Assert.Equal(Errno.ENOSPC, overlay.Fill(40_000, 5000, 2));
        Assert.Equal(Errno.None, overlay.Fill(0, 1024, 3));
        Assert.Equal(Errno.None, overlay.Fill(1024, 3072, 4));
        Assert.Equal(Errno.None, overlay.Flush());
        file.SpaceLimitBytes = long.MaxValue;
        Assert.Equal(Errno.None, overlay.Fill(40_000, 5000, 2));

        Assert.Equal("03 03 04 04 04 04 04 04", overlay.Sectors(0, 4096));
        Assert.Equal(Fixtures.Filled(5000, 2), overlay.Get(40_000, 5000));
        Assert.Equal(Errno.None, overlay.Close());
        CowfileCheck.AssertClean(file, new(1024));
    }

    [Fact]
    public void The_flush_needs_no_space()
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 1);
        file.SpaceLimitBytes = 0;

        Assert.Equal(Errno.None, overlay.Flush());
        Assert.Equal(Errno.None, overlay.Clean());
        Assert.Equal(Errno.None, overlay.Close());
    }

    /// <summary>What a failed write left behind, and could not be punched out, goes before the file is called clean.</summary>
    [Fact]
    public void Leftovers_that_cannot_be_punched_now_are_punched_later()
    {
        var file = new MemoryFile();
        var trace = new TracingFile(file);
        Overlay overlay = Disk.Open(Fixtures.R, trace);
        overlay.Fill(102400, 1024, 1);
        file.SpaceLimitBytes = file.UsedBytes + 4096;
        trace.FailOnce("punch 8192+8192", Errno.EIO);
        Assert.Equal(Errno.ENOSPC, overlay.Fill(4096, 8192, 2));
        Assert.Equal(2, file.ToArray()[8192]);

        Assert.Equal(Errno.None, overlay.Close());

        CowfileCheck.AssertClean(file, new(1024));
    }

    [Fact]
    public void Leftovers_that_cannot_be_taken_out_keep_the_file_dirty()
    {
        var file = new MemoryFile();
        var trace = new TracingFile(file);
        Overlay overlay = Disk.Open(Fixtures.R, trace);
        overlay.Fill(102400, 1024, 1);
        file.SpaceLimitBytes = file.UsedBytes + 4096;
        trace.OnCall = call => call.Op == FileOp.Punch ? Errno.EIO : Errno.None;
        Assert.Equal(Errno.ENOSPC, overlay.Fill(4096, 8192, 2));

        Assert.Equal(Errno.EIO, overlay.Clean());
        Assert.True(overlay.IsDirty);

        trace.OnCall = null;
        Assert.Equal(Errno.None, overlay.Clean());
        Assert.Equal(Errno.None, overlay.Close());
        CowfileCheck.AssertClean(file, new(1024));
    }

    [Fact]
    public void Leftovers_that_were_written_since_are_kept()
    {
        var file = new MemoryFile();
        var trace = new TracingFile(file);
        Overlay overlay = Disk.Open(Fixtures.R, trace);
        overlay.Fill(102400, 1024, 1);
        file.SpaceLimitBytes = file.UsedBytes + 4096;
        trace.FailOnce("punch 8192+8192", Errno.EIO);
        Assert.Equal(Errno.ENOSPC, overlay.Fill(4096, 8192, 2));
        Assert.Equal(Errno.None, overlay.Fill(5120, 1024, 3));

        Assert.Equal(Errno.None, overlay.Close());

        CowfileCheck.AssertClean(file, new(1024));
        overlay = Disk.Open(Fixtures.R, file);
        Assert.Equal(Fixtures.Filled(1024, 3), overlay.Get(5120, 1024));
        Assert.Equal(Fixtures.R[6144..20_000], overlay.Get(6144, 20_000 - 6144));
        overlay.Close();
    }

    [Theory]
    [InlineData(4096, 65536)]
    [InlineData(65536, 4096)]
    public void All_leftovers_are_remembered(int first, int second)
    {
        var file = new MemoryFile();
        var trace = new TracingFile(file);
        Overlay overlay = Disk.Open(Fixtures.R, trace);
        overlay.Fill(102400, 1024, 1);
        file.SpaceLimitBytes = file.UsedBytes + 8192;
        trace.OnCall = call => call.Op == FileOp.Punch ? Errno.EIO : Errno.None;
        Assert.Equal(Errno.ENOSPC, overlay.Fill(first, 12288, 2));
        file.SpaceLimitBytes += 4096;
        Assert.Equal(Errno.ENOSPC, overlay.Fill(second, 12288, 2));
        trace.OnCall = null;

        Assert.Equal(Errno.None, overlay.Close());

        CowfileCheck.AssertClean(file, new(1024));
    }

    [Fact]
    public void Without_hole_punching_leftovers_are_overwritten()
    {
        var file = new MemoryFile { CanPunch = false };
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(102400, 1024, 1);
        file.SpaceLimitBytes = file.UsedBytes + 4096;
        Assert.Equal(Errno.ENOSPC, overlay.Fill(4096, 8192, 2));

        Assert.Equal(Errno.None, overlay.Close());

        CowfileCheck.AssertClean(file, new(1024));
    }
}
