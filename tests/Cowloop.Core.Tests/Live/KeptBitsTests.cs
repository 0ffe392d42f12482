using Cowloop.Core.Devices;
using Cowloop.Core.Live;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Live;

/// <summary>Live bits are believed for the very file and state that they speak of, and for no other.</summary>
public sealed class KeptBitsTests : IDisposable
{
    private static readonly LiveKey Key = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1, 2);

    private readonly MemoryFile _file = new();
    private readonly MemoryFile _live = new();

    public KeptBitsTests()
    {
        Overlay killed = Disk.Open(new FlatFile(Fixtures.R), _file, Disk.WithRecord, new LiveBits(_live, Key));
        killed.Fill(0, 1024, 1);
        killed.Zero(64 * 1024, 1024, mayUnmap: true, fua: false);
    }

    public void Dispose()
    {
        _file.Dispose();
        _live.Dispose();
    }

    [Fact]
    public void Speak_of_the_file_that_they_were_kept_for() => Assert.NotNull(Find(Key));

    [Fact]
    public void Another_boot_or_file_is_not_what_they_speak_of()
    {
        Assert.Null(Find(Key with { BootId = Guid.Empty }));
        Assert.Null(Find(Key with { FileSystemId = 9 }));
        Assert.Null(Find(Key with { Inode = 9 }));
    }

    [Fact]
    public void Nor_is_a_state_of_the_file_before_or_after()
    {
        AtRest.Repair(_file);

        Assert.Null(Find(Key));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(1024 + 512)]
    public void A_damaged_page_means_nothing(int position)
    {
        byte[] content = _live.ToArray();
        content[position] ^= 1;

        Assert.Null(KeptBits.Find(new MemoryFile(content), Key, HeaderBlock));
    }

    [Fact]
    public void An_empty_or_cut_file_means_nothing()
    {
        Assert.Null(KeptBits.Find(new MemoryFile(), Key, HeaderBlock));
        Assert.Null(KeptBits.Find(new MemoryFile(_live.ToArray().AsSpan(0, 4000)), Key, HeaderBlock));
    }

    [Fact]
    public void An_offline_repair_adds_them_in_ascending_order()
    {
        var blocks = new List<long>();
        var options = new RepairOptions { Modify = true, OnCorrection = blocks.Add, Kept = Find(Key) };

        RepairReport report = Repairer.Run(AtRest.Named(_file), AtRest.HeaderOf(_file), options, NobodyWatches.Instance);

        Assert.Equal([0L, 64L], blocks);
        Assert.Equal((2, 2, 0, 2), (report.Corrections, report.LiveBlocks, report.RemovedBlocks, report.UsedBlocks));
        using Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), _file, Disk.WithRecord);
        Assert.Equal("01 01", overlay.Sectors(0, 1024));
        Assert.Equal("00 00", overlay.Sectors(64 * 1024, 1024));
    }

    [Fact]
    public void A_look_counts_them_and_changes_nothing()
    {
        byte[] before = _file.ToArray();

        RepairReport report = Repairer.Run(
            AtRest.Named(_file),
            AtRest.HeaderOf(_file),
            new RepairOptions { Modify = false, Kept = Find(Key) },
            NobodyWatches.Instance);

        Assert.Equal((2, 2), (report.LiveBlocks, report.UsedBlocks));
        Assert.Equal(before, _file.ToArray());
    }

    [Fact]
    public void A_file_that_was_cut_since_is_refused()
    {
        _file.SetLength(_file.LengthBytes - 1000 * 1024);

        var exception = Assert.Throws<CowloopException>(() => Repairer.Run(
            AtRest.Named(_file),
            AtRest.HeaderOf(_file),
            new RepairOptions { Modify = true, Kept = Find(Key) },
            NobodyWatches.Instance));

        Assert.Equal("cowfile test.cow was cut after its service was killed: block 64 is missing", exception.Message);
    }

    [Fact]
    public void What_could_not_be_made_durable_is_never_believed_again()
    {
        var file = new TracingFile(_file);
        file.FailOnce("sync", Errno.EIO);

        Assert.Throws<CowloopException>(() => Repairer.Run(
            AtRest.Named(file),
            AtRest.HeaderOf(file),
            new RepairOptions { Modify = true, Kept = Find(Key) },
            NobodyWatches.Instance));

        Assert.Null(Find(Key));
    }

    private ReadOnlySpan<byte> HeaderBlock => _file.ToArray().AsSpan(0, 1024);

    private KeptBits? Find(LiveKey key) => KeptBits.Find(_live, key, HeaderBlock);
}
