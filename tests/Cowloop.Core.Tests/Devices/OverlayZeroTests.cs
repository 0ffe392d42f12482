using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Zeroing and discarding.</summary>
public class OverlayZeroTests
{
    private static readonly byte[] Ones = Fixtures.Filled(16 * 1024, 1);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Hides_the_base_and_stays_hidden(bool mayUnmap)
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(Ones, file);

        Assert.Equal(Errno.None, overlay.Zero(1024, 3072, mayUnmap, fua: false));

        const string Expected = "01 01 00 00 00 00 00 00 01 01";
        Assert.Equal(3, overlay.UsedBlocks);
        Assert.Equal(Expected, overlay.Sectors(0, 5120));
        overlay.Close();
        overlay = Disk.Open(Ones, file);
        Assert.Equal(3, overlay.UsedBlocks);
        Assert.Equal(Expected, overlay.Sectors(0, 5120));
        overlay.Close();
        CowfileCheck.AssertClean(file, new(16));
    }

    [Theory]
    [InlineData(512, 512, "01 00 01 01 01 01")]
    [InlineData(512, 1024, "01 00 00 01 01 01")]
    [InlineData(512, 2048, "01 00 00 00 00 01")]
    [InlineData(0, 1536, "00 00 00 01 01 01")]
    [InlineData(1024, 512, "01 01 00 01 01 01")]
    public void Works_at_any_alignment(long offset, long length, string expected)
    {
        using Overlay overlay = Disk.Open(Ones, new MemoryFile());

        Assert.Equal(Errno.None, overlay.Zero(offset, length, mayUnmap: true, fua: false));

        Assert.Equal(expected, overlay.Sectors(0, 3072));
    }

    [Fact]
    public void Works_on_blocks_that_were_written_before()
    {
        using Overlay overlay = Disk.Open(Ones, new MemoryFile());
        overlay.Fill(0, 3072, 2);

        Assert.Equal(Errno.None, overlay.Zero(512, 2048, mayUnmap: true, fua: false));

        Assert.Equal("02 00 00 00 00 02 01 01", overlay.Sectors(0, 4096));
        Assert.Equal(3, overlay.UsedBlocks);
    }

    [Fact]
    public void A_single_byte_can_be_zeroed()
    {
        using Overlay overlay = Disk.Open(Ones, new MemoryFile());

        Assert.Equal(Errno.None, overlay.Zero(1025, 1, mayUnmap: true, fua: false));

        byte[] expected = Fixtures.Filled(4096, 1);
        expected[1025] = 0;
        Assert.Equal(expected, overlay.Get(0, 4096));
    }

    [Fact]
    public void A_discard_gives_space_back()
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(Ones, file);
        overlay.Fill(0, 16 * 1024, 2);
        long before = file.UsedBytes;

        overlay.Zero(0, 12 * 1024, mayUnmap: true, fua: false);

        Assert.Equal(before - 12 * 1024, file.UsedBytes);
        overlay.Close();
    }

    [Fact]
    public void Without_unmapping_the_space_stays_reserved()
    {
        var file = new TracingFile(new MemoryFile());
        using Overlay overlay = Disk.Open(Ones, file);
        overlay.Fill(0, 1024, 1);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Zero(4096, 4096, mayUnmap: false, fua: false));
        Assert.Equal(["punch 8192+4096", "allocate 8192+4096"], file.Calls);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Zero(8192, 4096, mayUnmap: true, fua: false));
        Assert.Equal(["punch 12288+4096"], file.Calls);
    }

    [Fact]
    public void Space_that_cannot_be_reserved_is_an_error_and_marks_nothing()
    {
        var file = new MemoryFile();
        using Overlay overlay = Disk.Open(Ones, file);
        overlay.Fill(0, 1024, 2);
        file.SpaceLimitBytes = file.UsedBytes;

        Assert.Equal(Errno.ENOSPC, overlay.Zero(4096, 4096, mayUnmap: false, fua: false));

        Assert.Equal(1, overlay.UsedBlocks);
        Assert.Equal(Fixtures.Filled(4096, 1), overlay.Get(4096, 4096));
        Assert.Equal(Errno.None, overlay.Zero(4096, 4096, mayUnmap: true, fua: false));
    }

    [Theory]
    [InlineData(false, true, true)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    public void Where_the_filesystem_cannot_zeros_are_written(bool canPunch, bool canAllocate, bool mayUnmap)
    {
        byte[] base256 = Fixtures.Filled(256 * 1024, 1);
        var memory = new MemoryFile { CanPunch = canPunch, CanAllocate = canAllocate };
        var file = new TracingFile(memory);
        Overlay overlay = Disk.Open(base256, file);
        overlay.Fill(0, 256 * 1024, 2);
        overlay.Flush();
        file.Forget();

        Assert.Equal(Errno.None, overlay.Zero(1024, 200 * 1024, mayUnmap, fua: false));

        Assert.Equal(200 * 1024, overlay.Get(1024, 200 * 1024).Count(value => value == 0));
        Assert.Equal(2, overlay.Get(1023, 1)[0]);
        Assert.Equal(2, overlay.Get(201 * 1024, 1)[0]);
        Assert.Contains("write 5120+65536", file.Calls);
        Assert.Equal(Errno.None, overlay.Close());
        CowfileCheck.AssertClean(memory, new(256));
    }

    [Fact]
    public void A_discard_that_fails_marks_nothing()
    {
        var file = new TracingFile(new MemoryFile());
        using Overlay overlay = Disk.Open(Ones, file);
        file.FailOnce("punch 4096+1024", Errno.EIO);

        Assert.Equal(Errno.EIO, overlay.Zero(0, 1024, mayUnmap: true, fua: false));

        Assert.Equal(0, overlay.UsedBlocks);
        Assert.Equal("01 01", overlay.Sectors(0, 1024));
    }

    [Fact]
    public void A_huge_discard_goes_out_in_pieces_of_1_GiB()
    {
        var baseFile = new MemoryFile();
        baseFile.SetLength(3L << 30);
        var file = new TracingFile(new MemoryFile());
        using Overlay overlay = Disk.Open(baseFile, file);
        overlay.Fill(0, 1024, 1);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Zero(1024, (3L << 30) - 1024, mayUnmap: true, fua: false));

        long data = overlay.Layout.DataOffsetBytes + 1024;
        Assert.Equal([$"punch {data}+1073741824", $"punch {data + (1L << 30)}+1073741824", $"punch {data + (2L << 30)}+1073740800"], file.Calls);
        Assert.Equal(3L << 20, overlay.UsedBlocks);
    }

    [Fact]
    public void With_fua_it_is_findable_on_return()
    {
        var memory = new MemoryFile();
        using Overlay overlay = Disk.Open(Ones, memory);

        Assert.Equal(Errno.None, overlay.Zero(2048, 1024, mayUnmap: true, fua: true));

        Assert.Equal(0x04, memory.ToArray()[1024]);
    }
}
