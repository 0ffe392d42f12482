using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>Everything that is wrong with a cowfile is told, the worst first, and nothing else; looking changes nothing.</summary>
public class CheckerTests(ITestOutputHelper output)
{
    private const string DirtyText = "it is dirty: it was in use when its device or the machine died";

    public static TheoryData<CowVariant> Variants => new(Enum.GetValues<CowVariant>());

    [Theory]
    [MemberData(nameof(Variants))]
    public void Nothing_is_wrong_with_a_good_file(CowVariant variant)
    {
        foreach (CowImage image in new[] { Golden.ImageG2, Golden.ImageG4, Golden.ImageG3Repaired, new CowImage() })
        {
            CowImage stored = image with { Variant = variant, Flags = 0x8004, Reserved = 0x5A };

            Assert.Empty(ProblemsOf(stored));
            Assert.Empty(ProblemsOf(stored.ToSparse(1052672), new FlatFile(Fixtures.R)));
        }
    }

    /// <summary>The original tests of T27: the fingerprint tells nothing about byte 500000.</summary>
    [Fact]
    public void A_base_with_a_tail_is_the_right_one() =>
        Assert.Empty(ProblemsOf(Golden.ImageG2.ToSparse(), new FlatFile([.. Fixtures.R, 1, 2, 3])));

    [Fact]
    public void A_base_of_another_size() => Assert.Equal(
        [new Problem("disk.img has 1025 blocks, and it was made for a base with 1024", null)],
        ProblemsOf(Golden.ImageG2.ToSparse(), new FlatFile([.. Fixtures.R, .. new byte[1024]])));

    [Fact]
    public void A_base_that_is_smaller_than_the_device_is_the_right_one_where_the_file_says_so()
    {
        var store = new MemoryFile();
        var baseFile = new FlatFile([.. Fixtures.R]);
        Overlay overlay = Disk.Open(baseFile, store, Disk.WithRecord with { DeviceBytes = 3 << 20 });
        overlay.Fill(2 << 20, 4096, 1);
        Assert.Equal(Errno.None, overlay.Close());

        Assert.Empty(ProblemsOf(store, baseFile));
        Assert.Equal(
            [new Problem("disk.img has changed since it was made for it", "name the base that it was made for, unchanged")],
            ProblemsOf(store, new FlatFile(Fixtures.R[..^1024])));
        Assert.Equal(
            [new Problem("disk.img has 4096 blocks, and it was made for a base with 3072", null)],
            ProblemsOf(store, new FlatFile(new byte[4 << 20])));
    }

    [Fact]
    public void A_base_with_another_fingerprint()
    {
        byte[] changed = [.. Fixtures.R];
        changed[100]++;

        Assert.Equal(
            [new Problem("the fingerprint of disk.img is not the one in its header", "name the base that it was made for, unchanged")],
            ProblemsOf(Golden.ImageG2.ToSparse(), new FlatFile(changed)));
    }

    [Fact]
    public void A_dirty_file_and_its_missing_bits() => Assert.Equal(
        [new Problem(DirtyText, "run: cowrepair test.cow"), new Problem("blocks of data without a bit in the bitmap: 1", "run: cowrepair test.cow")],
        ProblemsOf(Golden.ImageG3));

    [Fact]
    public void The_count_of_a_dirty_file_may_be_stale() =>
        Assert.Equal([new Problem(DirtyText, "run: cowrepair test.cow")], ProblemsOf(Golden.ImageG2 with { Flags = CowImage.Dirty, WrongUsedBlocks = 1 }));

    [Fact]
    public void A_clean_file_with_missing_bits() => Assert.Equal(
        [new Problem("blocks of data without a bit in the bitmap: 2", "run: cowrepair -f test.cow")],
        ProblemsOf(Golden.ImageG2.WithData(7, 2, 1)));

    [Fact]
    public void A_file_whose_bitmap_decides_with_data_that_has_no_bit() => Assert.Equal(
        [new Problem("blocks of data without a bit in the bitmap: 2", "run: cowrepair -f test.cow")],
        ProblemsOf((Golden.ImageG2 with { Flags = 4 }).WithData(7, 2, 1)));

    [Fact]
    public void A_wrong_count() => Assert.Equal(
        [new Problem("its header counts 5 blocks, its bitmap 4", "run: cowrepair -f test.cow")],
        ProblemsOf(Golden.ImageG2 with { WrongUsedBlocks = 5 }));

    [Fact]
    public void Data_behind_the_base() => Assert.Equal(
        [new Problem("there is data at block 1030, but the base ends with block 1023", "it does no harm")],
        ProblemsOf(Golden.ImageG2.WithData(1030, 1, 1)));

    /// <summary>W8: the original's repair takes the partial block at the end for data.</summary>
    [Theory]
    [InlineData(108_545)]
    [InlineData(109_567)]
    public void A_length_that_is_not_whole_KiB(long lengthBytes) => Assert.Equal(
        [new Problem($"its length, {lengthBytes} bytes, is not a multiple of 1024", "run: cowrepair -f test.cow")],
        ProblemsOf(Golden.ImageG2.ToSparse(lengthBytes)));

    [Fact]
    public void What_ends_the_check_comes_first()
    {
        var file = new MemoryFile(Golden.ImageG3.ToBytes().AsSpan(0, 9000));

        IReadOnlyList<Problem> problems = ProblemsOf(file);

        Assert.Equal("cowfile test.cow is incomplete: block 5 is marked, but the file ends at byte 9000", problems[0].Text);
        Assert.Contains("restore it from a copy", problems[0].Hint, StringComparison.Ordinal);
        Assert.Equal(DirtyText, problems[1].Text);
    }

    [Theory]
    [InlineData("text", "test.cow is no cowfile")]
    [InlineData("short", "test.cow is too short to be a cowfile: 20 bytes")]
    [InlineData("version", "cowfile test.cow has header version 3, known is up to 2")]
    [InlineData("packed", "cowfile test.cow is packed")]
    [InlineData("layout", "cowfile test.cow has a damaged header")]
    [InlineData("bitmap", "cowfile test.cow is incomplete: 1500 bytes, but header and bitmap alone take 2048")]
    [InlineData("bit", "cowfile test.cow marks block 1024, but the rdofile ends with block 1023")]
    public void A_file_that_cannot_be_looked_at_any_further(string kind, string text)
    {
        byte[] content = kind switch
        {
            "text" => Fixtures.R[..100],
            "short" => Golden.G2()[..20],
            "version" => (Golden.ImageG2 with { Version = 3 }).ToBytes(),
            "packed" => Golden.ImageG2.Packed(),
            "layout" => (Golden.ImageG2 with { WrongDataOffset = 8192 }).ToBytes(),
            "bitmap" => Golden.G2()[..1500],
            _ => Golden.ImageG2.With(1024, 1, 1).ToBytes(),
        };

        Assert.Equal(text, Assert.Single(ProblemsOf(new MemoryFile(content))).Text);
    }

    /// <summary>That is no answer about the file.</summary>
    [Theory]
    [InlineData("read 0+1024")]
    [InlineData("read 1024+1024")]
    [InlineData("nextdata 4096")]
    public void A_file_that_cannot_be_read_is_an_error(string call)
    {
        var file = new TracingFile(Golden.ImageG2.ToSparse());
        file.FailOnce(call, Errno.EIO);

        Assert.Equal(Errno.EIO, Assert.Throws<CowloopException>(() => ProblemsOf(file)).Errno);
    }

    [Fact]
    public void A_file_that_cannot_be_read_somewhere_is_not_judged()
    {
        MemoryFile cowfile = Golden.ImageG3.ToSparse();

        int faults = EveryCall.MustBeTold(fault => ProblemsOf(new FaultyFile(cowfile, fault)));

        output.WriteLine($"{faults} faults");
        Assert.True(faults > 5 * EveryCall.Faults.Count());
    }

    [Fact]
    public void It_can_be_interrupted() => Assert.Throws<OperationCanceledException>(() =>
        Checker.Run(AtRest.Named(Golden.ImageG3.ToSparse()), null, new StoppingObserver(1)));

    private static IReadOnlyList<Problem> ProblemsOf(CowImage image) => ProblemsOf(image.ToSparse());

    private static IReadOnlyList<Problem> ProblemsOf(IBlockFile file, IBlockFile? baseFile = null)
    {
        var traced = new TracingFile(file);
        CheckedFile? named = baseFile is null ? null : new CheckedFile(baseFile, Disk.BaseName);
        try
        {
            return Checker.Run(AtRest.Named(traced), named, NobodyWatches.Instance);
        }
        finally
        {
            Assert.False(traced.HasChanges);
            Assert.DoesNotContain("sync", traced.Calls);
        }
    }
}
