using Cowloop.Core.Devices;
using Cowloop.Core.Live;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Live;

/// <summary>What a killed service has acknowledged is found again: the process is gone, what it wrote is there.</summary>
public sealed class LiveBitsTests : IDisposable
{
    private static readonly LiveKey Key = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1, 2);

    private readonly MemoryFile _file = new();
    private readonly MemoryFile _live = new();

    public void Dispose()
    {
        _file.Dispose();
        _live.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_acknowledged_write_is_there_after_a_kill(bool isPlain)
    {
        Overlay killed = Open(isPlain);
        killed.Fill(0, 1024, 1);
        killed.Flush();
        killed.Fill(2048, 3000, 2);
        killed.Fill(700 * 1024, 100 * 1024, 3);
        killed.Zero(9 * 1024, 2048, mayUnmap: true, fua: false);
        killed.Fill(100, 100, 4);
        byte[] expected = killed.GetAll();

        Overlay recovered = Open(isPlain);

        Assert.Equal(expected, recovered.GetAll());
        Assert.Equal(Errno.None, recovered.Close());
        CowfileCheck.AssertClean(_file, recovered.Layout);
    }

    [Fact]
    public void After_a_loss_of_power_only_what_was_flushed_is_there()
    {
        Overlay lost = Open();
        lost.Fill(0, 1024, 1);
        lost.Flush();
        lost.Fill(2048, 1024, 2);
        _live.SetLength(0);

        using Overlay recovered = Open();

        Assert.Equal("01 01", recovered.Sectors(0, 1024));
        Assert.Equal(Fixtures.R[2048..3072], recovered.Get(2048, 1024));
    }

    [Fact]
    public void A_bit_is_kept_before_its_write_is_acknowledged_and_without_a_sync()
    {
        var live = new TracingFile(_live);
        var file = new TracingFile(_file);
        using Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord, new LiveBits(live, Key));
        overlay.Fill(0, 1024, 1);
        Assert.Equal(["write 0+4096", "write 4096+8"], live.Calls);
        file.Forget();
        live.Forget();

        overlay.Fill(65 * 1024, 1024, 1);
        Assert.Equal(["write 4104+8"], live.Calls);
        overlay.Fill(63 * 1024, 130 * 1024, 1);
        Assert.Equal(["write 4104+8", "write 4096+32"], live.Calls);
        overlay.Fill(65 * 1024, 1024, 2);
        Assert.Equal(2, live.Calls.Count());
        Assert.DoesNotContain("sync", file.Calls);
    }

    [Fact]
    public void Where_none_can_be_kept_a_new_block_is_durable_and_findable_before_it_is_acknowledged()
    {
        var file = new TracingFile(_file);
        using Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord, new LiveBits(null, Key));
        overlay.Fill(0, 1024, 1);
        file.Forget();

        overlay.Fill(2048, 1024, 1);
        Assert.Equal(["write 6144+1024", "sync", "write 1024+1024", "sync"], file.Calls);
        file.Forget();
        overlay.Zero(9 * 1024, 1024, mayUnmap: true, fua: false);
        Assert.Equal(["punch 13312+1024", "sync", "write 1024+1024", "sync"], file.Calls);
        file.Forget();
        overlay.Fill(2048, 1024, 2);
        Assert.Equal(["write 6144+1024"], file.Calls);
    }

    [Fact]
    public void When_there_is_no_more_space_for_them_writes_are_made_durable_until_the_next_clean_state()
    {
        var live = new TracingFile(_live);
        var file = new TracingFile(_file);
        Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord, new LiveBits(live, Key));
        overlay.Fill(0, 1024, 1);
        live.FailOnce("write 4096+8", Errno.ENOSPC);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Fill(2048, 1024, 2));
        Assert.Contains("sync", file.Calls);
        Assert.Equal("02 02", Open().Sectors(2048, 1024));

        Assert.Equal(Errno.None, overlay.Clean());
        Assert.Equal(Errno.None, overlay.Fill(4096, 1024, 3));
        file.Forget();
        Assert.Equal(Errno.None, overlay.Fill(5120, 1024, 4));
        Assert.DoesNotContain("sync", file.Calls);
    }

    [Fact]
    public void A_failed_sync_makes_them_worthless()
    {
        var file = new TracingFile(_file);
        Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord, new LiveBits(_live, Key));
        overlay.Fill(0, 1024, 1);
        file.FailOnce("sync", Errno.EIO);
        Assert.Equal(Errno.EIO, overlay.Flush());

        using Overlay recovered = Open();

        Assert.Equal(Fixtures.R, recovered.GetAll());
    }

    [Fact]
    public void Disposing_closes_the_file()
    {
        Open().Close();

        Assert.Equal(1, _live.DisposeCount);
    }

    private Overlay Open(bool isPlain = false)
    {
        CowfileOptions options = (isPlain ? Disk.Plain : Disk.WithRecord) with
        {
            Repair = true,
            FindKeptBits = header => KeptBits.Find(_live, Key, header.Span),
        };
        return Disk.Open(new FlatFile(Fixtures.R), _file, options, new LiveBits(_live, Key));
    }
}
