using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

public class CowHeaderTests
{
    public static TheoryData<int, bool> Variants => new() { { 8, false }, { 4, false }, { 8, true }, { 4, true } };

    [Theory]
    [InlineData(CowVariant.Little64, 8, false)]
    [InlineData(CowVariant.Little32, 4, false)]
    [InlineData(CowVariant.Big64, 8, true)]
    [InlineData(CowVariant.Big32, 4, true)]
    public void T6_the_variant_of_the_golden_files_is_detected(CowVariant variant, int wordSize, bool bigEndian)
    {
        CowImage g2 = Golden.ImageG2 with { Variant = variant };
        byte[][] files = [(Golden.ImageG1 with { Variant = variant }).ToBytes(), g2.ToBytes(), g2.Packed(), g2.PackedStream()];

        // The first bytes are enough; in an unpadded stream bitmap bytes follow the structure at once.
        Assert.All(files, file =>
        {
            CowHeader header = CowHeader.Decode(file.AsSpan(0, 56))!;
            Assert.Equal(new HeaderVariant(wordSize, bigEndian), header.Variant);
            Assert.True(header.HasConsistentLayout);
        });
    }

    [Fact]
    public void T6_the_variant_of_a_specimen_of_an_arm_kernel_is_detected()
    {
        CowHeader? header = CowHeader.Decode(Golden.ArmSpecimen());

        Assert.NotNull(header);
        Assert.Equal(new HeaderVariant(4, false), header.Variant);
        Assert.Equal((13312UL, 16384UL, 102400UL), (header.MapSize, header.DataOffset, header.BlockCount));
        Assert.Equal(0x35304ca0u, header.Fingerprint);
        Assert.Equal(0UL, header.UsedBlocks);
        Assert.True(header.HasConsistentLayout);
    }

    [Fact]
    public void Decodes_both_headers_of_G2_to_the_same_numbers()
    {
        CowHeader? wide = CowHeader.Decode(Golden.G2());
        CowHeader? narrow = CowHeader.Decode(Golden.NarrowG2());

        Assert.Equal(new HeaderVariant(8, false), wide?.Variant);
        Assert.Equal(new HeaderVariant(4, false), narrow?.Variant);
        Assert.Equal(wide, narrow! with { Variant = HeaderVariant.Default });
        Assert.Equal((1024UL, 4096UL, 1024UL, 0xce7e7ab8u, 4UL), (wide!.MapSize, wide.DataOffset, wide.BlockCount, wide.Fingerprint, wide.UsedBlocks));
    }

    [Fact]
    public void Encodes_G2_byte_for_byte()
    {
        CowHeader header = CowHeader.ForNewFile(new CowLayout(1024), 0xce7e7ab8) with { UsedBlocks = 4 };

        Assert.Equal(Golden.WideHeaderOfG2, Encoded(header)[..112]);
        Assert.Equal(Golden.NarrowHeaderOfG2, Encoded(header with { Variant = new HeaderVariant(4, false) })[..64]);
    }

    [Fact]
    public void Big_endian_turns_every_field_around()
    {
        CowHeader header = CowHeader.ForNewFile(new CowLayout(1024), 0xce7e7ab8) with { UsedBlocks = 4, Flags = CowFlags.Dirty };

        Assert.Equal(
            "574f437f00010001" + "0000000000000400" + "0000000000000400" + "0000000000001000" + "0000000000000400" + "ffffffffce7e7ab8" + "0000000000000004",
            Encoded(header with { Variant = new HeaderVariant(8, true) })[..112]);
        Assert.Equal(
            "574f437f00010001" + "00000400" + "00000400" + "00001000" + "00000400" + "ce7e7ab8" + "00000004",
            Encoded(header with { Variant = new HeaderVariant(4, true) })[..64]);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_variant_is_told_from_the_others(int wordSize, bool bigEndian)
    {
        var variant = new HeaderVariant(wordSize, bigEndian);
        long[] counts = [1, 8, 255, 1024, 8192, 8193, 102400, 0x01000000, 0x7fffffff, CowLayout.MaxClassicBlockCount];
        foreach (long count in counts)
        {
            CowHeader header = CowHeader.ForNewFile(new CowLayout(count), 0x80030201) with { Variant = variant, UsedBlocks = 1 };
            byte[] block = new byte[CowLayout.BlockSize];
            header.Encode(block);

            Assert.Equal(header, CowHeader.Decode(block));
            Assert.True(header.HasConsistentLayout);
        }
    }

    [Theory]
    [InlineData(CowLayout.MaxClassicBlockCount, false, CowHeader.ClassicVersion)]
    [InlineData(CowLayout.MaxClassicBlockCount, true, CowHeader.LargerVersion)]
    [InlineData(CowLayout.MaxClassicBlockCount + 1, false, CowHeader.LargerVersion)]
    [InlineData(CowLayout.MaxBlockCount, false, CowHeader.LargerVersion)]
    public void What_the_original_could_not_take_has_another_version(long blockCount, bool isLarger, short version)
    {
        var layout = new CowLayout(blockCount);
        CowHeader header = CowHeader.ForNewFile(layout, 1) with { Version = CowHeader.VersionFor(layout, isLarger) };
        byte[] block = new byte[CowLayout.BlockSize];
        header.Encode(block);

        Assert.Equal(version, header.Version);
        Assert.Equal(header, CowHeader.Decode(block));
        Assert.True(header.HasConsistentLayout);
    }

    [Fact]
    public void A_header_of_version_1_carries_no_more_than_4_TiB()
    {
        CowHeader header = CowHeader.ForNewFile(new CowLayout(CowLayout.MaxClassicBlockCount + 1), 1);

        Assert.True(header.HasConsistentLayout);
        Assert.False((header with { Version = CowHeader.ClassicVersion }).HasConsistentLayout);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Bytes_behind_the_structure_stay(int wordSize, bool bigEndian)
    {
        byte[] block = Fixtures.Filled(CowLayout.BlockSize, 0xEE);
        var variant = new HeaderVariant(wordSize, bigEndian);

        (CowHeader.ForNewFile(new CowLayout(9), 7) with { Variant = variant }).Encode(block);

        Assert.Equal(wordSize == 8 ? 56 : 32, variant.StructSize);
        Assert.False(block.AsSpan(variant.StructSize).ContainsAnyExcept((byte)0xEE));
        Assert.NotEqual(0xEE, block[variant.StructSize - 1]);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Unknown_flags_survive(int wordSize, bool bigEndian)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        CowHeader header = CowHeader.ForNewFile(new CowLayout(9), 7) with { Variant = new HeaderVariant(wordSize, bigEndian), Flags = (CowFlags)0x8004 };

        header.Encode(block);

        Assert.Equal((CowFlags)0x8004, CowHeader.Decode(block)!.Flags);
    }

    [Theory]
    [InlineData(0xce7e7ab8, "b87a7eceffffffff")]
    [InlineData(0x80030201, "01020380ffffffff")]
    [InlineData(0x7f030201, "0102037f00000000")]
    [InlineData(0x00000000, "0000000000000000")]
    public void A_wide_fingerprint_is_sign_extended(uint fingerprint, string stored)
    {
        Assert.Equal(stored, Encoded(CowHeader.ForNewFile(new CowLayout(9), fingerprint))[80..96]);
    }

    [Fact]
    public void Only_the_low_half_of_a_wide_fingerprint_counts()
    {
        byte[] content = Golden.G2();
        content.AsSpan(44, 4).Clear();

        Assert.Equal(0xce7e7ab8u, CowHeader.Decode(content)!.Fingerprint);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Flags_can_be_changed_without_touching_anything_else(int wordSize, bool bigEndian)
    {
        CowVariant variant = (wordSize, bigEndian) switch
        {
            (8, false) => CowVariant.Little64,
            (4, false) => CowVariant.Little32,
            (8, true) => CowVariant.Big64,
            _ => CowVariant.Big32,
        };
        CowImage image = Golden.ImageG2 with { Variant = variant, Flags = 0x8004, Reserved = 0x77 };
        byte[] content = image.ToBytes();
        // As some tool other than the original may have left it: not sign-extended.
        content.AsSpan(40, 8).Clear();

        CowHeader.Decode(content)!.EncodeFlags(content, (CowFlags)0x8006);

        byte[] expected = (image with { Flags = 0x8006 }).ToBytes();
        expected.AsSpan(40, 8).Clear();
        Assert.Equal(expected, content);
    }

    [Fact]
    public void Without_the_magic_it_is_no_cowfile()
    {
        byte[] content = Golden.G2();
        content[0] = 0;

        Assert.Null(CowHeader.Decode(content));
    }

    /// <summary>For the diagnosis only: mapunit alone tells the word size then.</summary>
    [Theory]
    [InlineData(8, 0x05, 4)]
    [InlineData(17, 0x08, 8)]
    [InlineData(25, 0x20, 8)]
    [InlineData(36, 0x01, 8)]
    public void A_damaged_header_is_told_by_its_mapunit(int offset, byte value, int wordSize)
    {
        byte[] content = Golden.G2();
        content[offset] = value;

        CowHeader header = CowHeader.Decode(content)!;

        Assert.False(header.HasConsistentLayout);
        Assert.Equal(wordSize, header.Variant.WordSize);
    }

    [Fact]
    public void Random_bytes_behind_a_magic_never_throw()
    {
        var random = new Random(2009);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] block = Fixtures.RandomBytes(random, CowLayout.BlockSize);
            Convert.FromHexString(round % 2 == 0 ? "7f434f57" : "574f437f").CopyTo(block, 0);

            CowHeader header = CowHeader.Decode(block)!;

            Assert.False(header.HasConsistentLayout);
        }
    }

    private static string Encoded(CowHeader header)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        header.Encode(block);
        return Convert.ToHexStringLower(block);
    }
}
