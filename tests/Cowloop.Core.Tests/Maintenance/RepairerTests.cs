using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What a repair finds and what the file is afterwards. How it gets there, and what a failure on the way leaves: RepairerOrderTests, RepairerCrashTests.</summary>
public class RepairerTests
{
    private static readonly HeaderVariant Wide = HeaderVariant.Default;
    private static readonly HeaderVariant Narrow = new(4, false);

    public static TheoryData<int, bool> Variants => new()
    {
        { 8, false },
        { 4, false },
        { 8, true },
        { 4, true },
    };

    [Fact]
    public void T45_G3_becomes_G3r()
    {
        Assert.Equal(Golden.RepairedG3Wide, Repaired(Golden.G3()).Sha256());
        Assert.Equal(Golden.RepairedG3Narrow, Repaired(Golden.G3().As(Narrow)).Sha256());
    }

    [Fact]
    public void G5_becomes_G5r() => Assert.Equal(Golden.RepairedG5Wide, Repaired(Golden.G5()).Sha256());

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_file_keeps_word_size_and_byte_order(int wordSize, bool bigEndian)
    {
        var variant = new HeaderVariant(wordSize, bigEndian);

        MemoryFile narrow = Repaired(Golden.G5().As(variant));

        Assert.Equal(variant, AtRest.HeaderOf(narrow).Variant);
        Assert.Equal(Golden.RepairedG5Wide, Fixtures.Sha256(narrow.ToArray().As(Wide)));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_reserved_bytes_survive(int wordSize, bool bigEndian)
    {
        var variant = new HeaderVariant(wordSize, bigEndian);
        byte[] content = Golden.G3().As(variant);
        content.AsSpan(variant.StructSize, 1024 - variant.StructSize).Fill(0x5A);

        byte[] repaired = Repaired(content).ToArray();

        Assert.False(repaired.AsSpan(variant.StructSize, 1024 - variant.StructSize).ContainsAnyExcept((byte)0x5A));
    }

    /// <summary>T8, W3: the originals compare the whole word.</summary>
    [Fact]
    public void The_fingerprint_is_stored_sign_extended()
    {
        byte[] content = Golden.G3();
        content.AsSpan(44, 4).Clear();

        Assert.Equal(Golden.RepairedG3Wide, Repaired(content).Sha256());
    }

    [Fact]
    public void T44_the_report_counts_corrections_and_blocks() => Assert.Equal(
        new RepairReport(Corrections: 1, RemovedBlocks: 0, UsedBlocks: 4, FirstStrayBlock: -1),
        AtRest.Repair(new MemoryFile(Golden.G3())));

    [Fact]
    public void T46_looking_only_tells_the_same_and_changes_nothing()
    {
        var memory = new MemoryFile(Golden.G3());
        var file = new TracingFile(memory);
        var corrected = new List<long>();

        RepairReport report = AtRest.Repair(file, modify: false, onCorrection: corrected.Add);

        Assert.Equal(new RepairReport(1, 0, 4, -1), report);
        Assert.Equal([7], corrected);
        Assert.False(file.HasChanges);
        Assert.DoesNotContain("sync", file.Calls);
        Assert.Equal(Golden.G3Wide, memory.Sha256());
    }

    [Fact]
    public void Corrections_are_told_in_ascending_order()
    {
        CowfileImage image = new CowfileImage(600_000, CowFlags.Dirty).Put(599_999, 1).Put(9000, 2).Put(3, 3).Put(524_288, 4).Put(524_287, 5);
        var corrected = new List<long>();

        AtRest.Repair(image.File, onCorrection: corrected.Add);

        Assert.Equal([3, 9000, 524_287, 524_288, 599_999], corrected);
    }

    [Fact]
    public void A_repaired_file_needs_no_repair()
    {
        MemoryFile file = Repaired(Golden.G3());

        Assert.Equal(new RepairReport(0, 0, 4, -1), AtRest.Repair(file));

        Assert.Equal(Golden.RepairedG3Wide, file.Sha256());
    }

    /// <summary>T45 with -f: the bitmap is right, the count is not.</summary>
    [Fact]
    public void A_wrong_count_is_corrected()
    {
        byte[] content = Golden.G2();
        content[48] = 5;

        Assert.Equal(Golden.G2Wide, Repaired(content).Sha256());
    }

    [Fact]
    public void T9_a_lengthened_file_needs_no_correction()
    {
        MemoryFile file = Repaired([.. Golden.G2(), .. new byte[1052672 - 108544]]);

        Assert.Equal(1052672, file.LengthBytes);
        Assert.Equal(Golden.G2Wide, Fixtures.Sha256(file.ToArray().AsSpan(0, 108544)));
    }

    [Fact]
    public void A_file_without_any_block_is_no_problem()
    {
        var image = new CowfileImage(100_000, CowFlags.Dirty);

        Assert.Equal(new RepairReport(0, 0, 0, -1), AtRest.Repair(image.File));
        Assert.Equal(CowFlags.None, AtRest.HeaderOf(image.File).Flags);
    }

    [Fact]
    public void Unknown_flags_are_kept()
    {
        CowfileImage image = new CowfileImage(100, CowFlags.Dirty | (CowFlags)0x8000).Put(3, 1);

        AtRest.Repair(image.File);

        Assert.Equal((CowFlags)0x8000, AtRest.HeaderOf(image.File).Flags);
    }

    [Fact]
    public void T48_a_file_that_ends_within_its_bitmap_is_refused() =>
        AssertRefused(Golden.G2()[..1500], Fault.ReadBitmap, Errno.None, "incomplete: 1500 bytes, but header and bitmap alone take 2048");

    /// <summary>Corrections are decided on real bytes, and a file has whole KiB (defect 6.9, W8).</summary>
    [Fact]
    public void T49_a_tail_of_zeros_is_no_block_and_is_completed()
    {
        MemoryFile file = Repaired([.. Golden.G2(), .. new byte[100]], out RepairReport report);

        Assert.Equal(new RepairReport(0, 0, 4, -1), report);
        Assert.Equal([.. Golden.G2(), .. new byte[1024]], file.ToArray());
    }

    [Fact]
    public void T49_a_tail_with_data_is_a_block_and_is_completed_by_zeros()
    {
        MemoryFile file = Repaired([.. Golden.G2(), .. "zzzzzzzzz"u8], out RepairReport report);

        byte[] expected = [.. Golden.G2(), .. "zzzzzzzzz"u8, .. new byte[1015]];
        expected[48] = 5;
        expected[1024 + 102 / 8] |= 1 << (102 % 8);
        Assert.Equal(new RepairReport(1, 0, 5, -1), report);
        Assert.Equal(expected, file.ToArray());
    }

    [Fact]
    public void T50_data_behind_the_bitmap_is_refused()
    {
        byte[] content = new byte[4096 + 8193 * 1024];
        Golden.G2().CopyTo(content, 0);
        content[4096 + 8192 * 1024 + 17] = 1;

        AssertRefused(content, Fault.Damaged, Errno.EINVAL, "holds data at block 8192, but its bitmap ends with block 8191");
    }

    [Fact]
    public void T51_data_behind_the_base_is_reported_and_left_alone()
    {
        byte[] content = new byte[4096 + 1031 * 1024];
        Golden.G3().CopyTo(content, 0);
        content[4096 + 1030 * 1024 + 17] = 1;

        MemoryFile file = Repaired(content, out RepairReport report);

        byte[] expected = PlainRepair.Of(content);
        Assert.Equal(new RepairReport(1, 0, 4, FirstStrayBlock: 1030), report);
        Assert.Equal(expected, file.ToArray());
    }

    [Fact]
    public void A_bit_behind_the_base_is_refused()
    {
        byte[] content = Golden.G3();
        content[1024 + 1024 / 8] = 0x02;

        AssertRefused(content, Fault.Damaged, Errno.EINVAL, "marks block 1025, but the rdofile ends with block 1023");
    }

    [Theory]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(5000)]
    public void A_marked_block_that_is_not_there_is_refused(int missingBytes) => AssertRefused(
        Golden.G2()[..^missingBytes],
        Fault.ReadData,
        Errno.None,
        $"block 101 is marked, but the file ends at byte {108544 - missingBytes}");

    [Fact]
    public void A_damaged_header_is_refused()
    {
        byte[] content = Golden.G3();
        content[25] = 0x20;

        AssertRefused(content, Fault.Damaged, Errno.EINVAL, "has a damaged header");
    }

    /// <summary>Four blocks share a page of the filesystem: one with data makes its neighbours "allocated", not modified.</summary>
    [Fact]
    public void A_block_of_zeros_beside_data_is_not_taken_for_data()
    {
        CowfileImage image = new CowfileImage(100, CowFlags.Dirty).Put(4, 0).Put(5, 1).Put(6, 0).Put(8, 0);

        Assert.Equal(new RepairReport(1, 0, 1, -1), AtRest.Repair(image.File));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(1023)]
    public void A_single_byte_is_data(int position)
    {
        byte[] data = new byte[1024];
        data[position] = 0x80;
        CowfileImage image = new CowfileImage(100, CowFlags.Dirty).Put(7, data);

        Assert.Equal(1, AtRest.Repair(image.File).Corrections);
    }

    [Fact]
    public void Where_the_bitmap_decides_what_has_no_bit_is_removed()
    {
        MemoryFile file = DecidedImage().File;

        RepairReport report = AtRest.Repair(file);

        CowfileImage expected = new CowfileImage(2000, CowFlags.BitmapDecides).Hold(5, 1).Mark(6).Hold(1999, 3);
        Assert.Equal(new RepairReport(Corrections: 0, RemovedBlocks: 3, UsedBlocks: 3, -1), report);
        Assert.Null(file.DifferenceFrom(expected.File));
    }

    [Fact]
    public void What_is_removed_gives_its_space_back()
    {
        CowfileImage image = new CowfileImage(2000, CowFlags.Dirty | CowFlags.BitmapDecides).Hold(0, 1);
        long before = image.File.UsedBytes;
        for (long block = 1000; block < 1400; block++)
        {
            image.Put(block, 2);
        }

        Assert.Equal(400, AtRest.Repair(image.File).RemovedBlocks);
        Assert.InRange(image.File.UsedBytes, before, before + 400 * 1024);
        Assert.False(image.File.ToArray().AsSpan(4096 + 1000 * 1024).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Where_holes_cannot_be_punched_zeros_are_written()
    {
        MemoryFile punched = DecidedImage().File;
        MemoryFile written = DecidedImage().File;
        written.CanPunch = false;

        AtRest.Repair(punched);

        Assert.Equal(new RepairReport(0, 3, 3, -1), AtRest.Repair(written));
        Assert.Null(written.DifferenceFrom(punched));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_the_bitmap_decides_a_partial_tail_is_removed(bool canPunch)
    {
        MemoryFile file = new CowfileImage(100, CowFlags.Dirty | CowFlags.BitmapDecides).Hold(2, 1).Put(50, "tail"u8).File;
        file.CanPunch = canPunch;

        Assert.Equal(new RepairReport(0, 1, 1, -1), AtRest.Repair(file));

        MemoryFile expected = new CowfileImage(100, CowFlags.BitmapDecides).Hold(2, 1).WithLength(4096 + 51 * 1024).File;
        Assert.Null(file.DifferenceFrom(expected));
    }

    [Fact]
    public void Looking_only_counts_what_would_be_removed()
    {
        var file = new TracingFile(DecidedImage().File);

        Assert.Equal(new RepairReport(0, 3, 3, -1), AtRest.Repair(file, modify: false));

        Assert.False(file.HasChanges);
    }

    [Fact]
    public void Holes_and_marked_blocks_are_not_read()
    {
        CowfileImage image = new CowfileImage(2_000_000, CowFlags.Dirty).WithLength(4096 + 300_000_000);
        for (long block = 100; block < 140; block++)
        {
            image.Hold(block, 1);
        }
        image.Put(141, 2);
        var file = new TracingFile(image.File);

        AtRest.Repair(file);

        long dataOffset = image.Layout.DataOffsetBytes;
        Assert.Equal(
            [$"read {dataOffset + 140 * 1024}+4096"],
            file.Calls.Where(call => call.StartsWith("read ", StringComparison.Ordinal) && long.Parse(call[5..].Split('+')[0], null) >= dataOffset));
    }

    [Fact]
    public void A_file_that_does_not_know_its_holes_is_repaired_as_well()
    {
        var flat = new FlatFile(Golden.G3());

        AtRest.Repair(flat);

        byte[] content = new byte[flat.LengthBytes];
        flat.ReadAt(0, content);
        Assert.Equal(Golden.RepairedG3Wide, Fixtures.Sha256(content));
    }

    private static CowfileImage DecidedImage() => new CowfileImage(2000, CowFlags.Dirty | CowFlags.BitmapDecides)
        .Hold(5, 1).Mark(6).Put(7, 2).Hold(1999, 3).Put(600, 4).Put(1998, 5);

    private static MemoryFile Repaired(byte[] content) => Repaired(content, out _);

    private static MemoryFile Repaired(byte[] content, out RepairReport report)
    {
        var file = new MemoryFile(content);
        report = AtRest.Repair(file);
        return file;
    }

    private static void AssertRefused(byte[] content, Fault fault, Errno errno, string reason)
    {
        var memory = new MemoryFile(content);
        var file = new TracingFile(memory);

        var exception = Assert.Throws<CowloopException>(() => AtRest.Repair(file));

        Assert.Equal((fault, errno), (exception.Fault, exception.Errno));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Contains("restore it from a copy", exception.Hint, StringComparison.Ordinal);
        Assert.False(file.HasChanges);
        Assert.Equal(content, memory.ToArray());
    }
}
