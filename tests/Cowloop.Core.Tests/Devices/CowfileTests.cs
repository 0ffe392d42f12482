using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Opening cowfiles that are accepted; see CowfileRefusalTests for the others.</summary>
public class CowfileTests
{
    [Fact]
    public void An_empty_file_becomes_a_new_cowfile()
    {
        var file = new MemoryFile();

        using Cowfile cowfile = Disk.OpenCowfile(new FlatFile(Fixtures.F1), file);

        Assert.Equal(Golden.G1Wide, file.Sha256());
        Assert.Equal((0, -1), (cowfile.Bitmap.SetCount, cowfile.Bitmap.HighestBlock));
        Assert.Equal(8, cowfile.Layout.BlockCount);
    }

    [Fact]
    public void A_new_cowfile_reserves_header_and_bitmap_and_is_synced()
    {
        var file = new TracingFile(new MemoryFile());

        Disk.OpenCowfile(new FlatFile(Fixtures.R), file);

        Assert.Equal(["setlength 1052672", "setlength 2048", "allocate 0+2048", "write 0+1024", "sync"], file.Calls.Take(5));
    }

    [Fact]
    public void A_filesystem_that_cannot_reserve_is_good_enough()
    {
        var file = new MemoryFile { CanAllocate = false };

        Disk.OpenCowfile(new FlatFile(Fixtures.F1), file);

        Assert.Equal(Golden.G1Wide, file.Sha256());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_failed_initialisation_leaves_an_empty_file(int failingCall)
    {
        foreach (FaultMoment moment in Enum.GetValues<FaultMoment>())
        {
            var memory = new MemoryFile();
            var file = new FaultyFile(memory, new PlannedFault(failingCall, 1, Errno.ENOSPC, moment));

            var exception = Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(Fixtures.R), file));

            Assert.Equal(0, memory.LengthBytes);
            Assert.Equal(0, memory.DisposeCount);
            Assert.Equal(Errno.EINVAL, exception.Errno);
            Assert.Equal($"cannot set cowfile test.cow to size {(failingCall == 1 ? 1052672 : 2048)}: No space left on device", exception.Message);
            Assert.Contains("free some space", exception.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_filesystem_with_too_small_files_is_found_out_at_once()
    {
        var file = new TracingFile(new MemoryFile());
        file.FailOnce("setlength 1052672", Errno.EFBIG);

        var exception = Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(Fixtures.R), file));

        Assert.Equal("cannot set cowfile test.cow to size 1052672: File too large", exception.Message);
        Assert.Contains("large sparse files", exception.Hint, StringComparison.Ordinal);
    }

    /// <summary>The original's own files, a lengthened one (T9), an unknown flag (T15), no sign extension (T8): all are taken as they are.</summary>
    [Theory]
    [InlineData("G2")]
    [InlineData("narrow G2")]
    [InlineData("lengthened G2")]
    [InlineData("private flag")]
    [InlineData("no sign")]
    [InlineData("reserved bytes")]
    public void Opening_and_closing_an_existing_file_changes_nothing(string kind)
    {
        byte[] content = kind == "narrow G2" ? Golden.NarrowG2() : Golden.G2();
        switch (kind)
        {
            case "lengthened G2":
                Array.Resize(ref content, 1052672);
                break;
            case "private flag":
                content[6] = 0x04;
                break;
            case "no sign":
                content.AsSpan(44, 4).Clear();
                break;
            case "reserved bytes":
                content.AsSpan(56, 968).Fill(0x5A);
                break;
        }
        var memory = new MemoryFile(content);
        var file = new TracingFile(memory);

        Overlay overlay = Disk.Open(Fixtures.R, file);
        Assert.Equal(Golden.MergedG2, Fixtures.Sha256(overlay.GetAll()));
        Assert.Equal(4, overlay.UsedBlocks);
        Assert.Equal(Errno.None, overlay.Flush());
        Assert.Equal(Errno.None, overlay.Close());

        Assert.Equal(content, memory.ToArray());
        Assert.False(file.HasChanges);
    }

    [Fact]
    public void A_narrow_file_stays_narrow_after_a_write()
    {
        var file = new MemoryFile(Golden.NarrowG2());
        Overlay overlay = Disk.Open(Fixtures.R, file);

        overlay.Fill(1024, 1024, 0x44);
        Assert.Equal(Errno.None, overlay.Close());

        byte[] expected = Golden.NarrowG2();
        expected[28] = 5;
        expected[1024] = 0x13;
        expected.AsSpan(4096 + 1024, 1024).Fill(0x44);
        Assert.Equal(expected, file.ToArray());
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(4, true)]
    [InlineData(4, false)]
    public void An_existing_file_keeps_word_size_and_byte_order(int wordSize, bool bigEndian)
    {
        var variant = new HeaderVariant(wordSize, bigEndian);
        byte[] content = Golden.G2();
        CowHeader header = CowHeader.Decode(content)! with { Variant = variant };
        content.AsSpan(0, 1024).Clear();
        header.Encode(content);
        var file = new MemoryFile(content);

        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(1024, 1024, 0x44);
        overlay.Close();

        Assert.Equal(header with { UsedBlocks = 5 }, CowHeader.Decode(file.ToArray()));
    }

    [Fact]
    public void A_write_sets_the_missing_sign_right_and_keeps_everything_unknown()
    {
        byte[] content = Golden.G2();
        content[6] = 0x04;
        content[7] = 0x80;
        content.AsSpan(44, 4).Clear();
        content.AsSpan(56, 968).Fill(0x5A);
        var file = new MemoryFile(content);

        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(1024, 1024, 0x44);
        byte[] dirty = file.ToArray();
        overlay.Close();
        byte[] closed = file.ToArray();

        Assert.Equal((0x05, 0x80), (dirty[6], dirty[7]));
        Assert.Equal((0x04, 0x80), (closed[6], closed[7]));
        Assert.Equal("b87a7eceffffffff", Convert.ToHexStringLower(closed.AsSpan(40, 8)));
        Assert.False(dirty.AsSpan(56, 968).ContainsAnyExcept((byte)0x5A));
        Assert.False(closed.AsSpan(56, 968).ContainsAnyExcept((byte)0x5A));
    }

    /// <summary>T27: the fingerprint is weak, and the original's file must still open.</summary>
    [Fact]
    public void A_base_changed_outside_the_fingerprint_is_not_noticed()
    {
        byte[] changed = [.. Fixtures.R];
        changed[500_000]++;

        using Cowfile cowfile = Disk.OpenCowfile(new FlatFile(changed), new MemoryFile(Golden.G2()));

        Assert.Equal(4, cowfile.Bitmap.SetCount);
    }

    [Theory]
    [InlineData(CowVariant.Little64)]
    [InlineData(CowVariant.Little32)]
    [InlineData(CowVariant.Big64)]
    [InlineData(CowVariant.Big32)]
    public void T77_a_dirty_file_is_repaired_when_that_is_wanted(CowVariant variant)
    {
        var file = new MemoryFile((Golden.ImageG5 with { Variant = variant }).ToBytes());

        using Cowfile cowfile = OpenRepaired(file);

        Assert.Equal(new RepairReport(1, 0, 2, -1), cowfile.Repaired);
        Assert.Equal((2, 2), (cowfile.Bitmap.SetCount, cowfile.Bitmap.HighestBlock));
        Assert.Equal(CowFlags.None, cowfile.Header.Flags);
        Assert.Equal((Golden.ImageG5Repaired with { Variant = variant }).ToBytes(), file.ToArray());
    }

    [Fact]
    public void A_clean_file_is_not_touched_by_the_wish_for_repair()
    {
        var file = new TracingFile(new MemoryFile(Golden.G2()));

        using Cowfile cowfile = OpenRepaired(file);

        Assert.Null(cowfile.Repaired);
        Assert.False(file.HasChanges);
    }

    [Fact]
    public void What_was_repaired_can_be_used()
    {
        var file = new MemoryFile(Golden.ImageG3.ToBytes());
        var overlay = new Overlay(new FlatFile(Fixtures.R), OpenRepaired(file), 512);

        Assert.Equal(Golden.ImageG3Repaired.MergedInto(Fixtures.R), overlay.GetAll());
        overlay.Fill(100 * 1024, 1024, 7);
        Assert.Equal(Errno.None, overlay.Close());

        Assert.Equal(Golden.ImageG3Repaired.With(100, 1, 7).ToBytes(), file.ToArray());
    }

    [Fact]
    public void Disposing_closes_the_file()
    {
        var file = new MemoryFile();

        Disk.OpenCowfile(new FlatFile(Fixtures.F1), file).Dispose();

        Assert.Equal(1, file.DisposeCount);
    }

    private static Cowfile OpenRepaired(IBlockFile file) =>
        Disk.OpenCowfile(new FlatFile(Fixtures.R), file, repair: true);
}
