using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What the tools refuse, which fault they tell, and what they advise.</summary>
public class CowfileChecksTests
{
    private static readonly CowLayout LayoutOfR = new(1024);

    public static TheoryData<CowVariant> Variants => new(Enum.GetValues<CowVariant>());

    [Theory]
    [MemberData(nameof(Variants))]
    public void Reads_a_header_of_any_variant_and_its_reserved_rest(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant, Reserved = 0x5A };
        byte[] headerBlock = new byte[1024];

        CowHeader header = CowfileChecks.ReadHeader(AtRest.Named(image.ToSparse()), headerBlock);

        Assert.Equal((1024ul, 4ul, 0xce7e7ab8), (header.BlockCount, header.UsedBlocks, header.Fingerprint));
        Assert.Equal(new HeaderVariant(image.WordSize, variant is CowVariant.Big32 or CowVariant.Big64), header.Variant);
        Assert.Equal(image.ToBytes()[..1024], headerBlock);
    }

    /// <summary>A file of exactly the structure's length is listed (specification 5.6); what it lacks of the block reads as zeros.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public void The_structure_is_enough_for_a_header(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant };
        byte[] headerBlock = Fixtures.Filled(1024, 0xFF);

        Assert.Equal(4ul, CowfileChecks.ReadHeader(AtRest.Named(new MemoryFile(image.Header())), headerBlock).UsedBlocks);

        Assert.Equal([.. image.Header(), .. new byte[1024 - image.StructSize]], headerBlock);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void T41_less_than_the_structure_is_no_header(CowVariant variant)
    {
        byte[] start = (Golden.ImageG2 with { Variant = variant }).Header()[..^1];

        AssertRefused(
            Fault.ReadHeader,
            Errno.None,
            $"test.cow is too short to be a cowfile: {start.Length} bytes",
            "name a cowfile",
            () => AtRest.HeaderOf(new MemoryFile(start)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(55)]
    public void T41_a_short_file_of_anything_is_no_header(int length) => AssertRefused(
        Fault.ReadHeader,
        Errno.None,
        $"test.cow is too short to be a cowfile: {length} bytes",
        "name a cowfile",
        () => AtRest.HeaderOf(new MemoryFile(Fixtures.R.AsSpan(0, length))));

    [Fact]
    public void T41_a_text_is_no_cowfile() =>
        AssertRefused(Fault.WrongMagic, Errno.EINVAL, "test.cow is no cowfile", "name a cowfile", () => AtRest.HeaderOf(new MemoryFile(Fixtures.R.AsSpan(0, 100))));

    [Theory]
    [InlineData("1f8b08", "it is compressed with gzip; if it is a packed cowfile: cowpack -zu test.cow NEWFILE")]
    [InlineData("28b52ffd", "it is compressed with zstd; if it is a packed cowfile: cowpack --zstd -u test.cow NEWFILE")]
    public void T41_of_a_compressed_file_the_hint_says_how_to_unpack_it(string start, string hint)
    {
        byte[] content = new byte[100];
        Convert.FromHexString(start).CopyTo(content, 0);

        AssertRefused(Fault.WrongMagic, Errno.EINVAL, "test.cow is no cowfile", hint, () => AtRest.HeaderOf(new MemoryFile(content)));
    }

    [Fact]
    public void A_header_that_cannot_be_read_is_told_with_its_cause()
    {
        var file = new TracingFile(Golden.ImageG2.ToSparse());
        file.FailOnce("read 0+1024", Errno.EIO);

        AssertRefused(
            Fault.ReadHeader,
            Errno.EIO,
            "test.cow cannot be read at byte 0: Input/output error",
            "the kernel's log may say more",
            () => AtRest.HeaderOf(file));
    }

    [Theory]
    [InlineData(3, "use a newer cowloop")]
    [InlineData(0, "restore it from a copy")]
    [InlineData(-1, "restore it from a copy")]
    public void Another_version_is_refused(short version, string hint) => AssertRefused(
        Fault.WrongVersion,
        Errno.EINVAL,
        $"cowfile test.cow has header version {version}, known is up to 2",
        hint,
        () => CowfileChecks.RequireKnownVersion(Header(Golden.ImageG2 with { Version = version }), Disk.Path));

    [Theory]
    [InlineData(CowImage.PackedFlag)]
    [InlineData(CowImage.PackedFlag | CowImage.Dirty)]
    [InlineData(CowImage.PackedFlag | 0x8000)]
    public void T47_T55_a_packed_file_is_refused(ushort flags) => AssertRefused(
        Fault.Packed,
        Errno.EINVAL,
        "cowfile test.cow is packed",
        "unpack it first: cowpack -u test.cow NEWFILE",
        () => CowfileChecks.RequireUnpacked(Header(Golden.ImageG2 with { Flags = flags }), Disk.Path));

    [Theory]
    [InlineData(CowImage.Dirty)]
    [InlineData(CowImage.Dirty | 0x0004)]
    public void T54_a_dirty_file_is_refused(ushort flags) => AssertRefused(
        Fault.Dirty,
        Errno.EINVAL,
        "cowfile test.cow is dirty: it may hold more than its bitmap shows",
        "run: cowrepair test.cow",
        () => CowfileChecks.RequireClean(Header(Golden.ImageG3 with { Flags = flags }), Disk.Path));

    [Fact]
    public void What_is_as_it_should_be_passes()
    {
        CowHeader header = Header(Golden.ImageG2 with { Flags = 0x8004 });

        CowfileChecks.RequireKnownVersion(header, Disk.Path);
        CowfileChecks.RequireUnpacked(header, Disk.Path);
        CowfileChecks.RequireClean(header, Disk.Path);
        Assert.Equal(LayoutOfR, CowfileChecks.RequireLayout(header, Disk.Path));
        Assert.Equal(new CowContents(4, 101), CowfileChecks.RequireSound(AtRest.Named(Golden.ImageG2.ToSparse()), header, LayoutOfR));
    }

    [Fact]
    public void Fields_that_contradict_each_other_are_refused()
    {
        CowImage[] images =
        [
            Golden.ImageG2 with { MapUnit = 512 },
            Golden.ImageG2 with { WrongMapSize = 2048 },
            Golden.ImageG2 with { WrongDataOffset = 8192 },
            new CowImage { BlockCount = 0 },
        ];
        Assert.All(images, image => AssertRefused(
            Fault.Damaged,
            Errno.EINVAL,
            "cowfile test.cow has a damaged header",
            "restore it from a copy",
            () => CowfileChecks.RequireLayout(Header(image), Disk.Path)));
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(1500)]
    [InlineData(2047)]
    public void T48_a_file_that_ends_within_its_bitmap_is_refused(int length) => AssertRefused(
        Fault.ReadBitmap,
        Errno.None,
        $"cowfile test.cow is incomplete: {length} bytes, but header and bitmap alone take 2048",
        "restore it from a copy",
        () => CowfileChecks.Count(AtRest.Named(new MemoryFile(Golden.G2().AsSpan(0, length))), LayoutOfR));

    [Fact]
    public void Counts_the_bits_of_a_large_sparse_bitmap()
    {
        var image = new CowImage { BlockCount = 1L << 30, Bits = [0, 63, 64, 524_287, 524_288, (1L << 30) - 1] };
        MemoryFile file = image.ToSparse();

        Assert.Equal(new CowContents(6, (1L << 30) - 1), CowfileChecks.Count(AtRest.Named(file), new CowLayout(1L << 30)));
    }

    [Fact]
    public void A_file_without_blocks_has_no_highest_one() =>
        Assert.Equal(new CowContents(0, -1), CowfileChecks.Count(AtRest.Named(Golden.ImageG1.ToSparse()), new CowLayout(8)));

    [Theory]
    [InlineData(1024)]
    [InlineData(8191)]
    public void A_bit_behind_the_base_is_refused(long bit) => AssertRefused(
        Fault.Damaged,
        Errno.EINVAL,
        $"cowfile test.cow marks block {bit}, but the rdofile ends with block 1023",
        "restore it from a copy",
        () => CowfileChecks.Count(AtRest.Named((Golden.ImageG2 with { Bits = [3, bit] }).ToSparse()), LayoutOfR));

    [Fact]
    public void A_bitmap_that_cannot_be_read_is_told_with_its_cause()
    {
        var file = new TracingFile(Golden.ImageG2.ToSparse());
        file.FailOnce("read 1024+1024", Errno.EIO);

        AssertRefused(
            Fault.ReadBitmap,
            Errno.EIO,
            "test.cow cannot be read at byte 1024: Input/output error",
            "the kernel's log may say more",
            () => CowfileChecks.Count(AtRest.Named(file), LayoutOfR));
    }

    [Fact]
    public void A_wrong_count_is_refused()
    {
        CowImage image = Golden.ImageG2 with { WrongUsedBlocks = 5 };

        AssertRefused(
            Fault.Damaged,
            Errno.EINVAL,
            "cowfile test.cow counts 5 blocks in its header and 4 in its bitmap",
            "cowrepair -f test.cow counts them again",
            () => CowfileChecks.RequireSound(AtRest.Named(image.ToSparse()), Header(image), LayoutOfR));
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(8300)]
    [InlineData(108_543)]
    public void T58_a_file_that_ends_before_its_last_block_is_refused(int length) => AssertRefused(
        Fault.ReadData,
        Errno.None,
        $"cowfile test.cow is incomplete: {length} bytes, but its last block ends at byte 108544",
        "restore it from a copy",
        () => CowfileChecks.RequireSound(AtRest.Named(new MemoryFile(Golden.G2().AsSpan(0, length))), Header(Golden.ImageG2), LayoutOfR));

    private static CowHeader Header(CowImage image) => CowHeader.Decode(image.ToBytes())!;

    private static void AssertRefused(Fault fault, Errno errno, string reason, string hint, Action action)
    {
        var exception = Assert.Throws<CowloopException>(action);

        Assert.Equal((fault, errno), (exception.Fault, exception.Errno));
        Assert.Equal(reason, exception.Message);
        Assert.Equal(hint, exception.Hint);
    }
}
