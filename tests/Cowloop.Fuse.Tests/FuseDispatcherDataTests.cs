using Cowloop.Fuse.Tests.Support;

namespace Cowloop.Fuse.Tests;

/// <summary>One exchange per opcode, byte by byte: what moves data, and lists names. Each reaches the device as it should.</summary>
public class FuseDispatcherDataTests
{
    private readonly SmallTree _small = new();

    [Fact]
    public void Read_of_a_disk_gives_its_bytes() => _small.Frames.Expect(
        """
        50000000 0f000000 0f00000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # READ
        0000000000000000 0102000000000000 06000000 00000000 0000000000000000 00000000 00000000  # 6 bytes at 513
        """,
        """
        16000000 00000000 0f00000000000000
        010203040506
        """);

    [Fact]
    public void Read_stops_at_the_end_of_the_disk() => _small.Frames.Expect(
        """
        50000000 0f000000 1000000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # READ
        0000000000000000 fe1f000000000000 64000000 00000000 0000000000000000 00000000 00000000  # 100 bytes at 8190
        """,
        """
        12000000 00000000 1000000000000000  # two bytes
        feff
        """);

    [Fact]
    public void Read_behind_the_end_gives_nothing() => _small.Frames.Expect(
        """
        50000000 0f000000 1100000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # READ
        0000000000000000 0020000000000000 00020000 00000000 0000000000000000 00000000 00000000  # 512 bytes at 8192
        """,
        """
        10000000 00000000 1100000000000000
        """);

    [Fact]
    public void Write_tells_how_much_was_written() => _small.Frames.Expect(
        """
        54000000 10000000 1200000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # WRITE
        0000000000000000 e803000000000000 04000000 00000000 0000000000000000 00000000 00000000 636f7721  # 4 bytes at 1000, "cow!"
        """,
        """
        18000000 00000000 1200000000000000
        04000000 00000000
        """);

    [Fact]
    public void Fsync_succeeds() => _small.Frames.Expect(
        """
        38000000 14000000 1300000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # FSYNC
        0000000000000000 01000000 00000000
        """,
        """
        10000000 00000000 1300000000000000
        """);

    [Fact]
    public void Fallocate_punches_a_hole() => _small.Frames.Expect(
        """
        48000000 2b000000 1400000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # FALLOCATE
        0000000000000000 0004000000000000 0008000000000000 03000000 00000000  # 2048 bytes at 1024, mode 0x3
        """,
        """
        10000000 00000000 1400000000000000
        """);

    [Fact]
    public void Fallocate_zeroes_a_range() => _small.Frames.Expect(
        """
        48000000 2b000000 1500000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # FALLOCATE
        0000000000000000 0004000000000000 0008000000000000 10000000 00000000  # 2048 bytes at 1024, mode 0x10
        """,
        """
        10000000 00000000 1500000000000000
        """);

    [Fact]
    public void Fallocate_zeroes_a_range_and_keeps_the_size() => _small.Frames.Expect(
        """
        48000000 2b000000 1600000000000000 0200000000000000 00000000 00000000 d2040000 00000000  # FALLOCATE
        0000000000000000 0004000000000000 0008000000000000 11000000 00000000  # 2048 bytes at 1024, mode 0x11
        """,
        """
        10000000 00000000 1600000000000000
        """);

    [Fact]
    public void Readdir_lists_the_files() => _small.Frames.Expect(
        """
        50000000 1c000000 1700000000000000 0100000000000000 00000000 00000000 d2040000 00000000  # READDIR
        0000000000000000 0000000000000000 00100000 00000000 0000000000000000 00000000 00000000  # from the start, up to 4096 bytes
        """,
        """
        50000000 00000000 1700000000000000  # node 2 at 2, "disk-0"; node 3 at 3, "note"
        0200000000000000 0200000000000000 06000000 08000000 6469736b2d300000
        0300000000000000 0300000000000000 04000000 08000000 6e6f746500000000
        """);

    [Fact]
    public void Readdir_goes_on_behind_the_last_entry() => _small.Frames.Expect(
        """
        50000000 1c000000 1800000000000000 0100000000000000 00000000 00000000 d2040000 00000000  # READDIR
        0000000000000000 0200000000000000 00100000 00000000 0000000000000000 00000000 00000000  # behind node 2
        """,
        """
        30000000 00000000 1800000000000000
        0300000000000000 0300000000000000 04000000 08000000 6e6f746500000000
        """);

    [Fact]
    public void Readdir_gives_whole_entries_only() => _small.Frames.Expect(
        """
        50000000 1c000000 1900000000000000 0100000000000000 00000000 00000000 d2040000 00000000  # READDIR
        0000000000000000 0000000000000000 3f000000 00000000 0000000000000000 00000000 00000000  # up to 63 bytes; both need 64
        """,
        """
        30000000 00000000 1900000000000000
        0200000000000000 0200000000000000 06000000 08000000 6469736b2d300000
        """);

    [Fact]
    public void Readdir_ends() => _small.Frames.Expect(
        """
        50000000 1c000000 1a00000000000000 0100000000000000 00000000 00000000 d2040000 00000000  # READDIR
        0000000000000000 0300000000000000 00100000 00000000 0000000000000000 00000000 00000000  # behind node 3
        """,
        """
        10000000 00000000 1a00000000000000
        """);

    [Fact]
    public void Requests_reach_the_device()
    {
        Read_of_a_disk_gives_its_bytes();
        Write_tells_how_much_was_written();
        Fsync_succeeds();
        Fallocate_punches_a_hole();
        Fallocate_zeroes_a_range();
        Fallocate_zeroes_a_range_and_keeps_the_size();

        Assert.Equal(
            ["read 513+6", "write 1000+4", "flush", "unmap 1024+2048", "zero 1024+2048", "zero 1024+2048"],
            _small.Disk.Calls);
        Assert.Equal("cow!"u8, _small.Disk.Content.AsSpan(1000, 4));
    }

    [Fact]
    public void A_listing_that_goes_on_misses_no_file_when_others_go()
    {
        _small.Tree.Remove("disk-0");

        Readdir_goes_on_behind_the_last_entry();
    }

    [Fact]
    public void A_text_is_read_piece_by_piece()
    {
        _small.Frames.Send("""
        30000000 0e000000 0600000000000000 0300000000000000 00000000 00000000 d2040000 00000000  # OPEN
        02800000 00000000
        """);

        _small.Frames.Expect(
            """
            50000000 0f000000 1e00000000000000 0300000000000000 00000000 00000000 d2040000 00000000  # READ
            0100000000000000 0700000000000000 00010000 00000000 0000000000000000 00000000 00000000  # handle 1, 256 bytes at 7
            """,
            """
            17000000 00000000 1e00000000000000
            72656164 65720a  # "reader" and a newline
            """);
    }
}
