using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>What reaches the cowfile, and in which order (specification 7.2).</summary>
public sealed class OverlayFlushTests : IDisposable
{
    private readonly MemoryFile _memory = new();
    private readonly TracingFile _file;
    private readonly Overlay _overlay;

    public OverlayFlushTests()
    {
        _file = new TracingFile(_memory);
        _overlay = Disk.Open(Fixtures.R, _file);
        _file.Forget();
    }

    public void Dispose() => _overlay.Dispose();

    [Fact]
    public void The_first_new_block_comes_after_a_durable_dirty_header()
    {
        _overlay.Fill(0, 1024, 1);
        _overlay.Fill(1024, 1024, 1);

        Assert.Equal(["setlength 1052672", "allocate 0+2048", "write 0+1024", "sync", "write 4096+1024", "write 5120+1024"], _file.Calls);
        Assert.Equal(0x01, _memory.ToArray()[6]);
    }

    [Fact]
    public void The_first_discard_comes_after_a_durable_dirty_header()
    {
        _overlay.Zero(0, 1024, mayUnmap: true, fua: false);

        Assert.Equal(["setlength 1052672", "allocate 0+2048", "write 0+1024", "sync", "punch 4096+1024"], _file.Calls);
    }

    [Fact]
    public void Data_then_bitmap_each_made_durable()
    {
        _overlay.Fill(0, 1024, 1);
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Flush());

        Assert.Equal(["sync", "write 1024+1024", "sync"], _file.Calls);
        Assert.Equal((0x01, 0x01), (_memory.ToArray()[1024], _memory.ToArray()[6]));
    }

    [Fact]
    public void Fua_is_a_flush()
    {
        _overlay.Fill(0, 1024, 1);
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Write(1024, new byte[1024], fua: true));

        Assert.Equal(["write 5120+1024", "sync", "write 1024+1024", "sync"], _file.Calls);
    }

    [Fact]
    public void Without_new_bits_one_sync_is_enough()
    {
        _overlay.Fill(0, 1024, 1);
        _overlay.Flush();
        _overlay.Fill(100, 100, 2);
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Flush());

        Assert.Equal(["sync"], _file.Calls);
    }

    /// <summary>It may have overwritten blocks of a clean cowfile, which stays clean then; what it acknowledged must be durable after a flush, whose ever.</summary>
    [Fact]
    public void The_first_flush_syncs_what_a_killed_service_may_have_left()
    {
        _overlay.Dispose();
        using Overlay next = Disk.Open(Fixtures.R, _file);
        _file.Forget();

        Assert.Equal(Errno.None, next.Flush());

        Assert.Equal(["sync"], _file.Calls);
    }

    [Fact]
    public void A_new_cowfile_is_durable_before_the_first_flush()
    {
        Assert.Equal(Errno.None, _overlay.Flush());

        Assert.Empty(_file.Calls);
    }

    [Fact]
    public void Nothing_changed_nothing_done()
    {
        _overlay.Fill(0, 1024, 1);
        _overlay.Flush();
        _overlay.GetAll();
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Flush());

        Assert.Empty(_file.Calls);
    }

    [Fact]
    public void A_bit_set_during_the_data_sync_waits_for_the_next_flush()
    {
        _overlay.Fill(0, 1024, 1);
        _file.DuringNext("sync", () => Assert.Equal(Errno.None, _overlay.Fill(9 * 1024, 1024, 2)));

        Assert.Equal(Errno.None, _overlay.Flush());
        Assert.Equal((0x01, 0x00), (_memory.ToArray()[1024], _memory.ToArray()[1025]));

        _file.Forget();
        Assert.Equal(Errno.None, _overlay.Flush());
        Assert.Equal((0x01, 0x02), (_memory.ToArray()[1024], _memory.ToArray()[1025]));
        Assert.Equal(["sync", "write 1024+1024", "sync"], _file.Calls);
    }

    [Fact]
    public void A_bit_set_during_the_bitmap_write_waits_for_the_next_flush()
    {
        _overlay.Fill(0, 1024, 1);
        _file.DuringNext("write 1024+1024", () => Assert.Equal(Errno.None, _overlay.Fill(9 * 1024, 1024, 2)));

        Assert.Equal(Errno.None, _overlay.Flush());

        Assert.Equal((0x01, 0x00), (_memory.ToArray()[1024], _memory.ToArray()[1025]));
    }

    [Fact]
    public void An_overwrite_during_the_data_sync_is_synced_by_the_next_flush()
    {
        _overlay.Fill(0, 1024, 1);
        _overlay.Flush();
        _overlay.Fill(0, 1024, 2);
        _file.DuringNext("sync", () => _overlay.Fill(0, 1024, 3));
        _overlay.Flush();
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Flush());

        Assert.Equal(["sync"], _file.Calls);
    }

    [Fact]
    public void A_write_that_ends_after_a_flush_is_synced_by_the_next_one()
    {
        _overlay.Fill(0, 1024, 1);
        _overlay.Flush();
        _file.DuringNext("write 4096+1024", () => _overlay.Flush());
        _overlay.Fill(0, 1024, 2);
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Flush());

        Assert.Equal(["sync"], _file.Calls);
    }

    [Fact]
    public void A_block_written_while_the_device_is_cleaned_is_counted()
    {
        _overlay.Fill(0, 1024, 1);
        _file.DuringNext("sync", () => _overlay.Fill(9 * 1024, 1024, 2));

        Assert.Equal(Errno.None, _overlay.Clean());

        byte[] content = _memory.ToArray();
        Assert.Equal((0x00, 2), (content[6], content[48]));
        Assert.Equal((0x01, 0x02), (content[1024], content[1025]));
    }

    [Fact]
    public void Cleaning_ends_with_a_durable_clean_header()
    {
        _overlay.Fill(0, 1024, 1);
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Clean());

        Assert.Equal(["sync", "write 1024+1024", "sync", "write 0+1024", "sync"], _file.Calls);
    }

    [Fact]
    public void Closing_also_cuts_the_hole_at_the_end()
    {
        _overlay.Fill(0, 1024, 1);
        _file.Forget();

        Assert.Equal(Errno.None, _overlay.Close());

        Assert.Equal(["sync", "write 1024+1024", "sync", "setlength 5120", "write 0+1024", "sync"], _file.Calls);
    }

    [Fact]
    public void Only_changed_bitmap_pages_are_written()
    {
        var baseFile = new MemoryFile();
        baseFile.SetLength(100L << 20);
        var file = new TracingFile(new MemoryFile());
        using Overlay overlay = Disk.Open(baseFile, file);
        overlay.Fill((8 << 20) - 1024, 2048, 1);
        overlay.Fill(99 << 20, 1024, 1);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Flush());

        Assert.Equal(["sync", "write 1024+2048", "write 13312+1024", "sync"], file.Calls);
    }

    [Fact]
    public void Flushes_that_come_together_share_a_round()
    {
        _overlay.Fill(0, 1024, 1);
        Thread[] others = [];
        _file.DuringNext("sync", () =>
        {
            _overlay.Fill(1024, 1024, 1);
            others = [.. Enumerable.Range(0, 4).Select(_ => Together.StartWaiter(() => _overlay.Flush()))];
            _file.Forget();
        });

        _overlay.Flush();
        foreach (Thread other in others)
        {
            other.Join();
        }

        Assert.Equal(["write 1024+1024", "sync", "sync", "write 1024+1024", "sync"], _file.Calls);
    }
}
