namespace Cowloop.Core.Tests;

/// <summary>The fixtures are what the specification says they are.</summary>
public class FixturesTests
{
    [Fact]
    public void Bases_have_the_published_hashes()
    {
        Assert.Equal(Golden.F1, Fixtures.Sha256(Fixtures.F1));
        Assert.Equal(Golden.R, Fixtures.Sha256(Fixtures.R));
    }

    [Fact]
    public void Cowfiles_have_the_published_hashes()
    {
        AssertIs(Golden.ImageG1, 2048, Golden.G1Wide, Golden.G1Narrow);
        AssertIs(Golden.ImageG2, 108544, Golden.G2Wide, Golden.G2Narrow);
        AssertIs(Golden.ImageG3, 12288, Golden.G3Wide, Golden.G3Narrow);
        AssertIs(Golden.ImageG3Repaired, 12288, Golden.G3RepairedWide, Golden.G3RepairedNarrow);
        AssertIs(Golden.ImageG4, 5120, Golden.G4Wide, Golden.G4Narrow);
        AssertIs(Golden.ImageG5, 7168, Golden.G5Wide, null);
        AssertIs(Golden.ImageG5Repaired, 7168, Golden.G5RepairedWide, null);
        Assert.Equal(Golden.G1Narrow, Fixtures.Sha256(Golden.NewNarrow("08000000")));
        Assert.Equal(Golden.Specimen, Fixtures.Sha256(Golden.ArmSpecimen()));
    }

    [Fact]
    public void Packed_cowfiles_have_the_published_hashes()
    {
        CowImage narrow = Golden.ImageG2 with { Variant = CowVariant.Little32 };

        Assert.Equal((8192, Golden.G2PackedWide), Of(Golden.ImageG2.Packed()));
        Assert.Equal((8192, Golden.G2PackedNarrow), Of(narrow.Packed()));
        Assert.Equal((5176, Golden.G2StreamWide), Of(Golden.ImageG2.PackedStream()));
        Assert.Equal((5152, Golden.G2StreamNarrow), Of(narrow.PackedStream()));
    }

    [Fact]
    public void Merged_bases_have_the_published_hashes()
    {
        Assert.Equal(Golden.MergedG2, Fixtures.Sha256(Golden.ImageG2.MergedInto(Fixtures.R)));
        Assert.Equal(Golden.MergedG4, Fixtures.Sha256(Golden.ImageG4.MergedInto(Fixtures.R)));
    }

    /// <summary>Nobody has published one: it follows from the structure (specification 1.2).</summary>
    [Fact]
    public void Big_endian_cowfiles_have_every_field_turned_around_and_nothing_else()
    {
        foreach ((CowVariant little, CowVariant big) in new[] { (CowVariant.Little64, CowVariant.Big64), (CowVariant.Little32, CowVariant.Big32) })
        {
            CowImage image = Golden.ImageG3 with { Variant = little };
            byte[] expected = image.ToBytes();
            int word = image.WordSize;
            int[] sizes = [4, 2, 2, word, word, word, word, word, word];
            int offset = 0;
            foreach (int size in sizes)
            {
                Array.Reverse(expected, offset, size);
                offset += size;
            }
            Assert.Equal(image.StructSize, offset);
            Assert.Equal(expected, (image with { Variant = big }).ToBytes());
        }
    }

    private static void AssertIs(CowImage image, int length, string wide, string? narrow)
    {
        Assert.Equal((length, wide), Of(image.ToBytes()));
        if (narrow is not null)
        {
            Assert.Equal((length, narrow), Of((image with { Variant = CowVariant.Little32 }).ToBytes()));
        }
    }

    private static (int Length, string Hash) Of(byte[] content) => (content.Length, Fixtures.Sha256(content));
}
