using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What a repair finds and what the file is afterwards. How it gets there, and what a failure on the way leaves: RepairerOrderTests, RepairerCrashTests.</summary>
public class RepairerTests
{
    private const ushort DirtyAndDecided = CowImage.Dirty | (ushort)CowFlags.BitmapDecides;

    private static readonly byte[] G2 = Golden.G2();
    private static readonly byte[] G3 = Golden.ImageG3.ToBytes();

    /// <summary>Block 6 is marked and a hole.</summary>
    private static readonly CowImage Marked = new CowImage { BlockCount = 2000, Flags = DirtyAndDecided, Bits = [6] }.With(5, 1, 1).With(1999, 1, 3);

    private static readonly CowImage DecidedImage = Marked.WithData(7, 1, 2).WithData(600, 1, 4).WithData(1998, 1, 5);

    public static TheoryData<CowVariant> Variants => new(Enum.GetValues<CowVariant>());

    [Fact]
    public void T45_G3_becomes_G3r()
    {
        Assert.Equal(Golden.G3RepairedWide, Repaired(G3).Sha256());
        Assert.Equal(Golden.G3RepairedNarrow, Repaired((Golden.ImageG3 with { Variant = CowVariant.Little32 }).ToBytes()).Sha256());
    }

    [Fact]
    public void G5_becomes_G5r() => Assert.Equal(Golden.G5RepairedWide, Repaired(Golden.ImageG5.ToBytes()).Sha256());

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_file_keeps_word_size_byte_order_and_reserved_bytes(CowVariant variant)
    {
        CowImage crashed = Golden.ImageG3 with { Variant = variant, Reserved = 0x5A };
        CowImage repaired = Golden.ImageG3Repaired with { Variant = variant, Reserved = 0x5A };

        Assert.Equal(repaired.ToBytes(), Repaired(crashed.ToBytes()).ToArray());
    }

    /// <summary>T8, W3: the originals compare the whole word.</summary>
    [Fact]
    public void The_fingerprint_is_stored_sign_extended()
    {
        byte[] content = [.. G3];
        content.AsSpan(44, 4).Clear();

        Assert.Equal(Golden.G3RepairedWide, Repaired(content).Sha256());
    }

    [Fact]
    public void T44_the_report_counts_corrections_and_blocks() => Assert.Equal(
        new RepairReport(Corrections: 1, RemovedBlocks: 0, UsedBlocks: 4, FirstStrayBlock: -1),
        AtRest.Repair(new MemoryFile(G3)));

    [Fact]
    public void T46_looking_only_tells_the_same_and_changes_nothing()
    {
        var memory = new MemoryFile(G3);
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
        CowImage image = Dirty(600_000).WithData(3, 1, 1).WithData(9000, 1, 1).WithData(524_287, 2, 1).WithData(599_999, 1, 1);
        var corrected = new List<long>();

        AtRest.Repair(image.ToSparse(), onCorrection: corrected.Add);

        Assert.Equal([3, 9000, 524_287, 524_288, 599_999], corrected);
    }

    [Fact]
    public void A_repaired_file_needs_no_repair()
    {
        MemoryFile file = Repaired(G3);

        Assert.Equal(new RepairReport(0, 0, 4, -1), AtRest.Repair(file));

        Assert.Equal(Golden.G3RepairedWide, file.Sha256());
    }

    /// <summary>T45 with -f: the bitmap is right, the count is not.</summary>
    [Fact]
    public void A_wrong_count_is_corrected()
    {
        byte[] content = [.. G2];
        content[48] = 5;

        Assert.Equal(Golden.G2Wide, Repaired(content).Sha256());
    }

    [Fact]
    public void T9_a_lengthened_file_needs_no_correction()
    {
        MemoryFile file = Repaired([.. G2, .. new byte[1052672 - 108544]]);

        Assert.Equal(1052672, file.LengthBytes);
        Assert.Equal(Golden.G2Wide, Fixtures.Sha256(file.ToArray().AsSpan(0, 108544)));
    }

    [Fact]
    public void A_file_without_any_block_is_no_problem()
    {
        MemoryFile file = Dirty(100_000).ToSparse();

        Assert.Equal(new RepairReport(0, 0, 0, -1), AtRest.Repair(file));
        Assert.Equal(CowFlags.None, AtRest.HeaderOf(file).Flags);
    }

    [Fact]
    public void Unknown_flags_are_kept()
    {
        MemoryFile file = (Dirty(100) with { Flags = 0x8001 }).WithData(3, 1, 1).ToSparse();

        AtRest.Repair(file);

        Assert.Equal((CowFlags)0x8000, AtRest.HeaderOf(file).Flags);
    }

    [Fact]
    public void T48_a_file_that_ends_within_its_bitmap_is_refused() =>
        AssertRefused(G2[..1500], Fault.ReadBitmap, Errno.None, "incomplete: 1500 bytes, but header and bitmap alone take 2048");

    /// <summary>Corrections are decided on real bytes, and a file has whole KiB (defect 6.9, W8).</summary>
    [Fact]
    public void T49_a_tail_of_zeros_is_no_block_and_is_completed()
    {
        MemoryFile file = Repaired([.. G2, .. new byte[100]], out RepairReport report);

        Assert.Equal(new RepairReport(0, 0, 4, -1), report);
        Assert.Equal([.. G2, .. new byte[1024]], file.ToArray());
    }

    [Fact]
    public void T49_a_tail_with_data_is_a_block_and_is_completed_by_zeros()
    {
        MemoryFile file = Repaired([.. G2, .. "zzzzzzzzz"u8], out RepairReport report);

        byte[] expected = [.. G2, .. "zzzzzzzzz"u8, .. new byte[1015]];
        expected[48] = 5;
        expected[1024 + 102 / 8] |= 1 << (102 % 8);
        Assert.Equal(new RepairReport(1, 0, 5, -1), report);
        Assert.Equal(expected, file.ToArray());
    }

    /// <summary>Defect 6.9: what lies behind the end of the file are zeros, not what was read before.</summary>
    [Fact]
    public void T49_a_tail_of_zeros_is_no_block_after_one_with_data()
    {
        CowImage image = Dirty(1024).WithData(0, 1, 0x41).With(48, 3, 1);
        image = image with { Data = image.Data.Add(51, new byte[100]) };

        Assert.Equal(new RepairReport(1, 0, 4, -1), AtRest.Repair(image.ToSparse()));
    }

    [Fact]
    public void T50_data_behind_the_bitmap_is_refused()
    {
        byte[] content = new byte[4096 + 8193 * 1024];
        G2.CopyTo(content, 0);
        content[4096 + 8192 * 1024 + 17] = 1;

        AssertRefused(content, Fault.Damaged, Errno.EINVAL, "holds data at block 8192, but its bitmap ends with block 8191");
    }

    [Fact]
    public void T51_data_behind_the_base_is_reported_and_left_alone()
    {
        byte[] content = new byte[4096 + 1031 * 1024];
        G3.CopyTo(content, 0);
        content[4096 + 1030 * 1024 + 17] = 1;

        MemoryFile file = Repaired(content, out RepairReport report);

        byte[] expected = PlainRepair.Of(content);
        Assert.Equal(new RepairReport(1, 0, 4, FirstStrayBlock: 1030), report);
        Assert.Equal(expected, file.ToArray());
    }

    [Fact]
    public void A_bit_behind_the_base_is_refused()
    {
        byte[] content = [.. G3];
        content[1024 + 1024 / 8] = 0x02;

        AssertRefused(content, Fault.Damaged, Errno.EINVAL, "marks block 1025, but the rdofile ends with block 1023");
    }

    [Theory]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(5000)]
    public void A_marked_block_that_is_not_there_is_refused(int missingBytes) => AssertRefused(
        G2[..^missingBytes],
        Fault.ReadData,
        Errno.None,
        $"block 101 is marked, but the file ends at byte {108544 - missingBytes}");

    [Fact]
    public void A_damaged_header_is_refused()
    {
        byte[] content = [.. G3];
        content[25] = 0x20;

        AssertRefused(content, Fault.Damaged, Errno.EINVAL, "has a damaged header");
    }

    /// <summary>Four blocks share a page of the filesystem: one with data makes its neighbours "allocated", not modified.</summary>
    [Fact]
    public void A_block_of_zeros_beside_data_is_not_taken_for_data()
    {
        CowImage image = Dirty(100).WithData(4, 1, 0).WithData(5, 1, 1).WithData(6, 3, 0);

        Assert.Equal(new RepairReport(1, 0, 1, -1), AtRest.Repair(image.ToSparse()));
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
        CowImage image = Dirty(100) with { Data = Dirty(100).Data.Add(7, data) };

        Assert.Equal(1, AtRest.Repair(image.ToSparse()).Corrections);
    }

    [Fact]
    public void Where_the_bitmap_decides_what_has_no_bit_is_removed()
    {
        MemoryFile file = DecidedImage.ToSparse();

        RepairReport report = AtRest.Repair(file);

        CowImage expected = Marked with { Flags = (ushort)CowFlags.BitmapDecides };
        Assert.Equal(new RepairReport(Corrections: 0, RemovedBlocks: 3, UsedBlocks: 3, -1), report);
        Assert.Null(file.DifferenceFrom(expected.ToSparse()));
    }

    [Fact]
    public void What_is_removed_gives_its_space_back()
    {
        MemoryFile file = Marked.WithData(1000, 400, 2).ToSparse();

        Assert.Equal(400, AtRest.Repair(file).RemovedBlocks);

        Assert.Equal(Marked.ToSparse().UsedBytes, file.UsedBytes);
    }

    [Fact]
    public void Where_holes_cannot_be_punched_zeros_are_written()
    {
        MemoryFile punched = DecidedImage.ToSparse();
        MemoryFile written = DecidedImage.ToSparse();
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
        CowImage whole = (Dirty(100) with { Flags = DirtyAndDecided }).With(2, 1, 1);
        MemoryFile file = (whole with { Data = whole.Data.Add(50, [.. "tail"u8]) }).ToSparse();
        file.CanPunch = canPunch;

        Assert.Equal(new RepairReport(0, 1, 1, -1), AtRest.Repair(file));

        CowImage expected = whole with { Flags = (ushort)CowFlags.BitmapDecides };
        Assert.Null(file.DifferenceFrom(expected.ToSparse(whole.DataOffset + 51 * 1024)));
    }

    [Fact]
    public void Looking_only_counts_what_would_be_removed()
    {
        var file = new TracingFile(DecidedImage.ToSparse());

        Assert.Equal(new RepairReport(0, 3, 3, -1), AtRest.Repair(file, modify: false));

        Assert.False(file.HasChanges);
    }

    [Fact]
    public void Holes_and_marked_blocks_are_not_read()
    {
        CowImage image = Dirty(2_000_000).With(100, 40, 1).WithData(141, 1, 2);
        var file = new TracingFile(image.ToSparse(300_000_000));
        var reads = new List<FileCall>();
        file.OnCall = call =>
        {
            if (call.Op == FileOp.Read && call.OffsetBytes >= image.DataOffset)
            {
                reads.Add(call);
            }
            return Errno.None;
        };

        AtRest.Repair(file);

        Assert.Equal([new FileCall(FileOp.Read, image.DataOffset + 140 * 1024, 4096)], reads);
    }

    [Fact]
    public void A_file_that_does_not_know_its_holes_is_repaired_as_well()
    {
        var flat = new FlatFile([.. G3]);

        AtRest.Repair(flat);

        byte[] content = new byte[flat.LengthBytes];
        flat.ReadAt(0, content);
        Assert.Equal(Golden.G3RepairedWide, Fixtures.Sha256(content));
    }

    private static CowImage Dirty(long blockCount) => new() { BlockCount = blockCount, Flags = CowImage.Dirty };

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
