using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What a merge makes of a base, in which order, and what it refuses. Interrupted merges: MergerCrashTests and MergeResumeTests.</summary>
public class MergerTests
{
    public static TheoryData<CowVariant> Variants => new(Enum.GetValues<CowVariant>());

    [Theory]
    [MemberData(nameof(Variants))]
    public void T52_R_with_G2_becomes_RM_and_with_G4_RM4(CowVariant variant)
    {
        Assert.Equal(Golden.MergedG2, Merged(Fixtures.R, Golden.ImageG2 with { Variant = variant }).Sha256());
        Assert.Equal(Golden.MergedG4, Merged(Fixtures.R, Golden.ImageG4 with { Variant = variant }).Sha256());
    }

    [Fact]
    public void The_number_of_blocks_is_known_before() => Assert.Equal(4, AtRest.Prepare(new FlatFile([.. Fixtures.R]), Golden.ImageG2.ToSparse()).BlockCount);

    /// <summary>T8: only the low half of the stored fingerprint counts.</summary>
    [Fact]
    public void The_sign_of_the_fingerprint_does_not_matter()
    {
        byte[] cowfile = Golden.G2();
        cowfile.AsSpan(44, 4).Clear();
        var baseFile = new MemoryFile(Fixtures.R);

        AtRest.Merge(baseFile, new MemoryFile(cowfile));

        Assert.Equal(Golden.MergedG2, baseFile.Sha256());
    }

    [Fact]
    public void The_cowfile_is_not_changed()
    {
        var cowfile = new TracingFile(Golden.ImageG2.ToSparse());

        AtRest.Merge(new FlatFile([.. Fixtures.R]), cowfile);

        Assert.False(cowfile.HasChanges);
        Assert.DoesNotContain("sync", cowfile.Calls);
    }

    /// <summary>T32: what is left of the base behind its last whole block cannot be reached.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(512)]
    [InlineData(1023)]
    public void The_tail_of_the_base_stays(int tailBytes)
    {
        byte[] tail = Fixtures.Filled(tailBytes, 0x77);
        CowImage image = Golden.ImageG2.With(1023, 1, 0x55);

        byte[] merged = Merged([.. Fixtures.R, .. tail], image).ToArray();

        Assert.Equal([.. image.MergedInto(Fixtures.R), .. tail], merged);
    }

    [Fact]
    public void T9_a_lengthened_cowfile_merges_alike()
    {
        var baseFile = new MemoryFile(Fixtures.R);

        AtRest.Merge(baseFile, Golden.ImageG2.ToSparse(1052672));

        Assert.Equal(Golden.MergedG2, baseFile.Sha256());
    }

    [Fact]
    public void T59_blocks_behind_4_GiB_land_where_they_belong()
    {
        CowImage image = new CowImage { BlockCount = 5 << 20, Fingerprint = 0 }.With(4096, 1, 0x11).With(4_198_400, 1, 0x22);
        var baseFile = new MemoryFile();
        baseFile.SetLength(5L << 30);

        AtRest.Merge(baseFile, image.ToSparse());

        var expected = new MemoryFile();
        expected.SetLength(5L << 30);
        expected.WriteAt(4_194_304, Fixtures.Filled(1024, 0x11));
        expected.WriteAt(4_299_161_600, Fixtures.Filled(1024, 0x22));
        Assert.Null(baseFile.DifferenceFrom(expected));
    }

    [Fact]
    public void All_outside_the_window_is_durable_before_anything_inside_it() => Assert.Equal(
        ["write 4096+1024", "write 102400+2048", "sync", "write 0+1024", "sync"],
        ChangesOf(new FlatFile([.. Fixtures.R]), Golden.ImageG2));

    [Fact]
    public void A_run_across_the_windows_end_is_written_in_two_parts() => Assert.Equal(
        ["write 4096+3072", "write 20480+1024", "sync", "write 1024+1024", "write 3072+1024", "sync"],
        ChangesOf(new FlatFile([.. Fixtures.R]), new CowImage().With(1, 1, 1).With(3, 4, 1).With(20, 1, 1)));

    [Fact]
    public void With_fewer_than_four_counted_blocks_all_is_window() => Assert.Equal(
        ["sync", "write 1024+1024", "write 61440+1024", "sync"],
        ChangesOf(new FlatFile([.. Fixtures.F2]), new CowImage { BlockCount = 64, Fingerprint = 0x0d }.With(1, 1, 1).With(60, 1, 1)));

    [Fact]
    public void A_cowfile_without_blocks_changes_nothing() =>
        Assert.Equal(["sync", "sync"], ChangesOf(new FlatFile([.. Fixtures.R]), new CowImage()));

    [Fact]
    public void Long_runs_are_copied_in_pieces()
    {
        byte[] content = new byte[5 << 20];
        CowImage image = new CowImage { BlockCount = 5 << 10, Fingerprint = 0 }.With(100, 4000, 0x5A);

        Assert.Equal(image.MergedInto(content), Merged(content, image).ToArray());
    }

    [Fact]
    public void Holes_become_holes()
    {
        CowImage image = new CowImage { Bits = [.. Enumerable.Range(100, 100).Select(block => (long)block)] }.With(204, 1, 1);
        var baseFile = new MemoryFile(Fixtures.R);
        long before = baseFile.UsedBytes;

        AtRest.Merge(baseFile, image.ToSparse());

        Assert.Equal(before - 100 * 1024, baseFile.UsedBytes);
        byte[] expected = [.. Fixtures.R];
        expected.AsSpan(100 * 1024, 100 * 1024).Clear();
        expected.AsSpan(204 * 1024, 1024).Fill(1);
        Assert.Equal(expected, baseFile.ToArray());
    }

    [Fact]
    public void Where_holes_cannot_be_punched_zeros_are_written()
    {
        CowImage image = new CowImage { Bits = [.. Enumerable.Range(101, 100).Select(block => (long)block)] }.With(300, 1, 1);
        var baseFile = new MemoryFile(Fixtures.R) { CanPunch = false };

        AtRest.Merge(baseFile, image.ToSparse());

        byte[] expected = [.. Fixtures.R];
        expected.AsSpan(101 * 1024, 100 * 1024).Clear();
        expected.AsSpan(300 * 1024, 1024).Fill(1);
        Assert.Equal(expected, baseFile.ToArray());
    }

    /// <summary>Blocks 100 to 139 of the cowfile are zeros that take space, 204 to 207 are a hole.</summary>
    [Fact]
    public void Holes_of_the_base_that_stay_zero_stay_holes()
    {
        CowImage image = (new CowImage { Fingerprint = 0 } with { Bits = [204, 205, 206, 207] }).With(100, 40, 0).With(140, 1, 1);
        var baseFile = new MemoryFile();
        baseFile.SetLength(1 << 20);

        AtRest.Merge(baseFile, image.ToSparse(300 * 1024));

        Assert.Equal(MemoryFile.PageSize, baseFile.UsedBytes);
        Assert.Equal(1, baseFile.ToArray()[140 * 1024]);
    }

    [Fact]
    public void Holes_of_the_base_are_filled_by_what_is_not_zero()
    {
        CowImage image = new CowImage { Fingerprint = 0 }.With(7, 1, 0).With(8, 1, 1).With(9, 30, 0).With(39, 1, 2);
        var baseFile = new MemoryFile();
        baseFile.SetLength(1 << 20);

        AtRest.Merge(baseFile, image.ToSparse());

        Assert.Equal(image.MergedInto(new byte[1 << 20]), baseFile.ToArray());
    }

    [Fact]
    public void T56_another_base_is_refused()
    {
        byte[] changed = [.. Fixtures.R];
        changed[100]++;

        AssertRefused(
            changed,
            Golden.ImageG2.With(200, 1, 1),
            Fault.OtherBase,
            "disk.img is not the rdofile that test.cow was made for, or it has changed since",
            "name the rdofile that this cowfile was made for, unchanged");
    }

    [Fact]
    public void A_base_of_another_size_is_refused()
    {
        AssertRefused(
            [.. Fixtures.R, .. new byte[1024]],
            Golden.ImageG2,
            Fault.OtherSize,
            "disk.img has 1025 blocks, and test.cow was made for one with 1024",
            "name the rdofile that this cowfile was made for");
        AssertRefused(Fixtures.R[..^1], Golden.ImageG2, Fault.OtherSize, "disk.img has 1023 blocks, and test.cow was made for one with 1024");
        AssertRefused([1, 2, 3], new CowImage { Fingerprint = 0 }, Fault.OtherSize, "disk.img has 0 blocks, and test.cow was made for one with 1024");
    }

    [Fact]
    public void Another_base_of_another_size_is_refused_as_another_base() => AssertRefused(
        Fixtures.F4,
        Golden.ImageG2,
        Fault.OtherBase,
        "disk.img is not the rdofile that test.cow was made for, or it has changed since",
        "name the rdofile that this cowfile was made for, unchanged");

    [Fact]
    public void T58_a_cowfile_that_is_not_sound_is_refused()
    {
        AssertRefused(Golden.G2()[..8300], Fault.ReadData, "cowfile test.cow is incomplete: 8300 bytes, but its last block ends at byte 108544");
        AssertRefused(Golden.G2()[..1500], Fault.ReadBitmap, "cowfile test.cow is incomplete: 1500 bytes, but header and bitmap alone take 2048");
        AssertRefused(
            (Golden.ImageG2 with { WrongUsedBlocks = 3 }).ToBytes(),
            Fault.Damaged,
            "cowfile test.cow counts 3 blocks in its header and 4 in its bitmap");
        AssertRefused(Golden.ImageG2.With(1024, 1, 1).ToBytes(), Fault.Damaged, "cowfile test.cow marks block 1024, but the rdofile ends with block 1023");
        AssertRefused((Golden.ImageG2 with { WrongDataOffset = 8192 }).ToBytes(), Fault.Damaged, "cowfile test.cow has a damaged header");
    }

    [Fact]
    public void Preparing_changes_nothing()
    {
        var baseFile = new TracingFile(new FlatFile([.. Fixtures.R]));

        AtRest.Prepare(baseFile, Golden.ImageG2.ToSparse());

        Assert.False(baseFile.HasChanges);
    }

    [Fact]
    public void Merging_twice_does_no_harm_when_the_window_has_not_changed()
    {
        CowImage image = new CowImage().With(100, 3, 7);
        var baseFile = new MemoryFile(Fixtures.R);

        AtRest.Merge(baseFile, image.ToSparse());
        AtRest.Merge(baseFile, image.ToSparse());

        Assert.Equal(image.MergedInto(Fixtures.R), baseFile.ToArray());
    }

    [Fact]
    public void Progress_adds_up_to_the_blocks_that_are_written()
    {
        CowImage image = (Golden.ImageG2 with { Bits = [2, 3, 4, 5, 6, 500, 501] }).With(0, 1, 1).With(100, 400, 1);
        foreach (bool canPunch in new[] { true, false })
        {
            var observer = new StoppingObserver();

            AtRest.Merge(new MemoryFile(Fixtures.R) { CanPunch = canPunch }, image.ToSparse(600 * 1024), observer: observer);

            Assert.Equal([("merging", image.Bits.Count * 1024L)], observer.Begun);
            Assert.Equal(image.Bits.Count * 1024L, observer.DoneBytes);
        }
    }

    [Fact]
    public void Memory_does_not_grow_with_the_base()
    {
        const long MaxBytes = 4 << 20;
        var image = new CowImage { BlockCount = 1L << 30, Fingerprint = 0x01010101 };
        var baseFile = new MemoryFile();
        baseFile.SetLength(1L << 40);
        for (int index = 0; index < 40; index++)
        {
            image = image.With(index * 26_000_001L, 1, (byte)(index + 1));
            baseFile.WriteAt((index * 26_000_001L + 1) * 1024, [1]);
        }
        MemoryFile cowfile = image.ToSparse();

        long before = GC.GetAllocatedBytesForCurrentThread();
        AtRest.Merge(baseFile, cowfile);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 0, MaxBytes);
        byte[] last = new byte[1];
        Assert.Equal(Errno.None, baseFile.ReadAt(39 * 26_000_001L * 1024, last));
        Assert.Equal(40, last[0]);
    }

    private static MemoryFile Merged(byte[] content, CowImage image)
    {
        var baseFile = new MemoryFile(content);
        AtRest.Merge(baseFile, image.ToSparse());
        return baseFile;
    }

    private static IEnumerable<string> ChangesOf(IBlockFile baseFile, CowImage image)
    {
        var traced = new TracingFile(baseFile);
        AtRest.Merge(traced, image.ToSparse());
        return traced.Calls.Where(call => !call.StartsWith("read", StringComparison.Ordinal) && !call.StartsWith("nextdata", StringComparison.Ordinal));
    }

    private static void AssertRefused(byte[] cowfile, Fault fault, string reason) => AssertRefused(Fixtures.R, cowfile, fault, reason, null);

    private static void AssertRefused(byte[] content, CowImage image, Fault fault, string reason, string? hint = null) =>
        AssertRefused(content, image.ToBytes(), fault, reason, hint);

    private static void AssertRefused(byte[] content, byte[] cowfile, Fault fault, string reason, string? hint)
    {
        foreach (bool resume in new[] { false, true })
        {
            var baseFile = new TracingFile(new FlatFile([.. content]));

            var exception = Assert.Throws<CowloopException>(() => AtRest.Prepare(baseFile, new MemoryFile(cowfile), resume));

            Assert.Equal((fault, reason), (exception.Fault, exception.Message));
            Assert.Equal(hint ?? exception.Hint, exception.Hint);
            Assert.False(baseFile.HasChanges);
        }
    }
}
