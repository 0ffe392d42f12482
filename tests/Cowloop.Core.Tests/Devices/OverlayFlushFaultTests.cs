using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Flushes that fail: never a false success, never a retry of a sync.</summary>
public sealed class OverlayFlushFaultTests : IDisposable
{
    private readonly MemoryFile _memory = new();
    private readonly List<Errno> _failures = [];
    private readonly TracingFile _file;
    private readonly Overlay _overlay;

    public OverlayFlushFaultTests()
    {
        var baseFile = new FlatFile(Fixtures.R);
        _file = new TracingFile(_memory);
        _overlay = new Overlay(baseFile, Disk.OpenCowfile(baseFile, _file), 512, onFailure: _failures.Add);
    }

    public void Dispose() => _overlay.Dispose();

    [Fact]
    public void A_failed_sync_makes_the_device_read_only_for_good()
    {
        _overlay.Fill(0, 1024, 1);
        _file.FailOnce("sync", Errno.ENOSPC);

        Assert.Equal(Errno.EIO, _overlay.Flush());

        Assert.Equal(Errno.ENOSPC, _overlay.Failure);
        _file.Forget();
        Assert.Equal(Errno.EIO, _overlay.Flush());
        Assert.Equal(Errno.EIO, _overlay.Clean());
        Assert.Equal(Errno.EROFS, _overlay.Fill(0, 1024, 2));
        Assert.Equal(Errno.EROFS, _overlay.Fill(5000, 1024, 2));
        Assert.Equal(Errno.EROFS, _overlay.Zero(0, 1024, mayUnmap: true, fua: false));
        Assert.Empty(_file.Calls);
        Assert.Equal("01 01", _overlay.Sectors(0, 1024));

        Assert.Equal(Errno.EIO, _overlay.Close());
        Assert.Equal(1, _memory.DisposeCount);
        Assert.Equal([Errno.ENOSPC], _failures);
        AssertDirty();
    }

    [Fact]
    public void A_failed_second_sync_is_as_bad()
    {
        _overlay.Fill(0, 1024, 1);
        _file.DuringNext("write 1024+1024", () => _file.FailOnce("sync", Errno.EIO));

        Assert.Equal(Errno.EIO, _overlay.Flush());

        Assert.Equal(Errno.EIO, _overlay.Failure);
        Assert.Equal([Errno.EIO], _failures);
        Assert.Equal(Errno.EIO, _overlay.Flush());
        Assert.Equal(Errno.EROFS, _overlay.Fill(0, 1024, 2));
    }

    [Fact]
    public void A_failed_sync_of_the_dirty_header_lets_no_data_through()
    {
        _file.FailOnce("sync", Errno.EIO);
        _file.Forget();

        Assert.Equal(Errno.EIO, _overlay.Fill(0, 1024, 1));

        Assert.Equal(["setlength 1052672", "allocate 0+2048", "write 0+1024", "sync"], _file.Calls);
        Assert.Equal(Errno.EROFS, _overlay.Fill(0, 1024, 1));
        Assert.Equal(0, _overlay.UsedBlocks);
        Assert.Equal(Errno.EIO, _overlay.Close());
        AssertDirty();
    }

    [Theory]
    [InlineData("setlength 1052672")]
    [InlineData("write 0+1024")]
    public void A_dirty_header_that_cannot_be_written_is_tried_again(string call)
    {
        _file.FailOnce(call, Errno.ENOSPC);

        Assert.Equal(Errno.ENOSPC, _overlay.Fill(0, 1024, 1));
        Assert.Equal((0, false), (_overlay.UsedBlocks, _overlay.IsDirty));
        _file.Forget();
        Assert.Equal(Errno.None, _overlay.Fill(0, 1024, 1));

        Assert.Equal(["setlength 1052672", "allocate 0+2048", "write 0+1024", "sync", "write 4096+1024"], _file.Calls);
    }

    [Fact]
    public void A_failed_bitmap_write_is_tried_again_by_the_next_flush()
    {
        _overlay.Fill(0, 1024, 1);
        _file.FailOnce("write 1024+1024", Errno.ENOSPC);

        Assert.Equal(Errno.ENOSPC, _overlay.Flush());

        Assert.Equal(Errno.None, _overlay.Failure);
        Assert.Empty(_failures);
        _file.Forget();
        Assert.Equal(Errno.None, _overlay.Flush());
        Assert.Equal(["sync", "write 1024+1024", "sync"], _file.Calls);
        Assert.Equal(0x01, _memory.ToArray()[1024]);
    }

    [Fact]
    public void A_fua_write_whose_flush_fails_is_an_error()
    {
        _overlay.Fill(0, 1024, 1);
        _file.FailOnce("sync", Errno.EIO);

        Assert.Equal(Errno.EIO, _overlay.Write(0, new byte[1024], fua: true));
    }

    [Fact]
    public void A_clean_header_that_cannot_be_written_leaves_the_device_dirty_and_usable()
    {
        _overlay.Fill(0, 1024, 1);
        _file.FailOnce("write 0+1024", Errno.EIO);

        Assert.Equal(Errno.EIO, _overlay.Clean());

        Assert.True(_overlay.IsDirty);
        AssertDirty();
        Assert.Equal(Errno.None, _overlay.Fill(1024, 1024, 1));
        Assert.Equal(Errno.None, _overlay.Close());
        CowfileCheck.AssertClean(_memory, new(1024));
    }

    /// <summary>An error does not say that nothing was written: the header on disk may be clean by now.</summary>
    [Fact]
    public void After_a_failed_clean_header_the_next_new_block_marks_it_dirty_again()
    {
        var file = new TracingFile(_memory);
        _overlay.Fill(0, 1024, 1);
        _file.FailOnce("write 0+1024", Errno.EIO);
        _overlay.Clean();
        byte[] clean = _memory.ToArray()[..1024];
        clean[6] = 0;
        file.WriteAt(0, clean);

        Assert.Equal(Errno.None, _overlay.Fill(1024, 1024, 1));

        AssertDirty();
    }

    /// <summary>An error does not say that nothing was written: the header on disk may be dirty by now.</summary>
    [Fact]
    public void After_a_failed_dirty_header_closing_cleans_it()
    {
        var memory = new MemoryFile();
        var faulty = new FaultyFile(memory, new PlannedFault(3, 1, Errno.EIO, FaultMoment.AfterTheCall)) { IsArmed = false };
        Overlay overlay = Disk.Open(Fixtures.R, faulty);
        faulty.IsArmed = true;
        Assert.Equal(Errno.EIO, overlay.Fill(0, 1024, 1));
        Assert.Equal(0x01, memory.ToArray()[6]);

        Assert.Equal(Errno.None, overlay.Close());

        CowfileCheck.AssertClean(memory, new(1024));
    }

    private void AssertDirty() => Assert.Equal(0x01, _memory.ToArray()[6]);
}
