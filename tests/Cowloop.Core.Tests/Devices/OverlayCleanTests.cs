using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>The clean/dirty life cycle (specification 4.8, case T34).</summary>
public sealed class OverlayCleanTests : IDisposable
{
    private readonly MemoryFile _memory = new();
    private readonly Overlay _overlay;

    public OverlayCleanTests()
    {
        _overlay = Disk.Open(Fixtures.R, _memory);
    }

    public void Dispose() => _overlay.Dispose();

    [Fact]
    public void T34_only_new_blocks_make_it_dirty()
    {
        AssertClean(0);
        _overlay.Fill(0, 1024, 1);
        AssertDirty(0);
        Assert.Equal(Errno.None, _overlay.Clean());
        AssertClean(1);
        _overlay.Fill(0, 1024, 2);
        AssertClean(1);
        _overlay.Fill(1024, 1024, 2);
        AssertDirty(1);
        Assert.Equal(Errno.None, _overlay.Clean());
        AssertClean(2);
    }

    [Fact]
    public void A_flush_does_not_make_it_clean()
    {
        _overlay.Fill(0, 1024, 1);

        Assert.Equal(Errno.None, _overlay.Flush());

        AssertDirty(0);
    }

    [Fact]
    public void Cleaning_a_clean_device_still_makes_overwrites_durable()
    {
        var file = new TracingFile(_memory);
        _overlay.Fill(0, 1024, 1);
        _overlay.Close();
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 2);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Clean());

        Assert.Equal(["sync"], file.Calls);
    }

    [Fact]
    public void A_cleaned_file_can_be_taken_over_as_it_is()
    {
        _overlay.Fill(0, 3000, 1);
        _overlay.Zero(10_000, 3000, mayUnmap: true, fua: false);
        byte[] expected = _overlay.GetAll();
        _overlay.Clean();
        var copy = new MemoryFile(_memory.ToArray());
        _overlay.Fill(0, 3000, 2);

        Overlay other = Disk.Open(Fixtures.R, copy);

        Assert.Equal(expected, other.GetAll());
        other.Close();
    }

    [Fact]
    public void A_dirty_file_is_refused()
    {
        _overlay.Fill(0, 1024, 1);
        _overlay.Dispose();

        var exception = Assert.Throws<CowloopException>(() => Disk.Open(Fixtures.R, _memory));

        Assert.Contains("is dirty", exception.Message, StringComparison.Ordinal);
    }

    private void AssertClean(int usedBlocks)
    {
        Assert.False(_overlay.IsDirty);
        Assert.Equal((0x00, usedBlocks), (_memory.ToArray()[6], _memory.ToArray()[48]));
    }

    private void AssertDirty(int usedBlocksBefore)
    {
        Assert.True(_overlay.IsDirty);
        Assert.Equal((0x01, usedBlocksBefore), (_memory.ToArray()[6], _memory.ToArray()[48]));
    }
}
