namespace Cowloop.Files.Tests;

/// <summary>cowrepair on what it can't repair: it says why, and leaves the file as it is.</summary>
public class CowrepairRefusalTests : ToolTest
{
    [Theory]
    [InlineData("-f")]
    [InlineData("-v")]
    [InlineData("-fn")]
    public void T47_a_packed_cowfile(string option)
    {
        var file = Keep("G2p", Golden.ImageG2.Packed());
        Run("cowrepair", option, "G2p").MustRefuse(1, "cowfile G2p cannot be repaired while packed");
        file.MustBeUnchanged();
    }

    [Fact]
    public void T47_a_packed_and_dirty_cowfile_is_packed_first_of_all()
    {
        var file = Keep("B", Golden.ImageG3 with { Flags = CowImage.Dirty | CowImage.PackedFlag });
        Run("cowrepair", "B").MustRefuse(1, "cowfile B cannot be repaired while packed");
        file.MustBeUnchanged();
    }

    [Theory]
    [InlineData(56)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(1500)]
    [InlineData(2047)]
    public void T48_a_file_that_ends_within_its_bitmap(int length)
    {
        var file = Keep("G2", Golden.G2()[..length]);
        foreach (string option in new[] { "-f", "-fn" })
        {
            Assert.Contains("G2", Run("cowrepair", option, "G2").MustRefuse(1, "read bitmap: Success").Error, StringComparison.Ordinal);
        }
        file.MustBeUnchanged();
    }

    [Theory]
    [InlineData("-f")]
    [InlineData("-fn")]
    [InlineData("-fv")]
    public void T50_data_beyond_the_bitmap(string option)
    {
        var file = Keep("B", Golden.ImageG2.WithData(8192, 1, 0x55));
        Run("cowrepair", option, "B").MustComplain(1, "B");
        file.MustBeUnchanged();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(40)]
    [InlineData(55)]
    public void A_file_shorter_than_the_header_structure(int length)
    {
        var file = Keep("B", Golden.ImageG3.ToBytes()[..length]);
        Assert.Contains("B", Run("cowrepair", "B").MustRefuse(1, "error during read of cowheader: Success").Error, StringComparison.Ordinal);
        file.MustBeUnchanged();
    }

    [Fact]
    public void A_file_with_the_wrong_magic()
    {
        var file = Keep("text", Fixtures.F1);
        Run("cowrepair", "-f", "text").MustRefuse(1, "text is not a valid cowfile (wrong magic)");
        file.MustBeUnchanged();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(256)]
    public void A_version_that_is_not_1(short version)
    {
        var file = Keep("B", Golden.ImageG3 with { Version = version });
        Run("cowrepair", "B").MustRefuse(1, "version of cowfile B not supported");
        file.MustBeUnchanged();
    }

    [Fact]
    public void A_missing_file() => Run("cowrepair", "-f", "G2").MustRefuse(1, "G2: No such file or directory");

    [Theory]
    [MemberData(nameof(Damage.Layouts), MemberType = typeof(Damage))]
    public void A_header_whose_fields_do_not_belong_together(string damage)
    {
        foreach (CowVariant variant in Damage.Variants)
        {
            var file = Keep("B", Damage.Of(damage, Golden.ImageG3 with { Variant = variant }));
            Run("cowrepair", "-f", "B").MustComplain(1, "B");
            file.MustBeUnchanged();
        }
    }

    /// <summary>Whether it is refused or put right: never half of both.</summary>
    [Theory]
    [InlineData(1024)]
    [InlineData(8191)]
    public void A_bit_beyond_the_end_of_the_base(long bit)
    {
        foreach (ushort flags in new ushort[] { 0, CowImage.Dirty })
        {
            byte[] before = (Golden.ImageG2 with { Flags = flags, Bits = Golden.ImageG2.Bits.Add(bit) }).ToBytes();
            MustRefuseOrMakeSound(before, Golden.ImageG2.MergedInto(Fixtures.R));
        }
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(4096)]
    [InlineData(8300)]
    [InlineData(107520)]
    [InlineData(108543)]
    public void A_file_that_ends_before_a_marked_block(int length)
    {
        foreach (ushort flags in new ushort[] { 0, CowImage.Dirty })
        {
            byte[] before = (Golden.ImageG2 with { Flags = flags }).ToBytes()[..length];
            MustRefuseOrMakeSound(before, null);
        }
    }

    private void MustRefuseOrMakeSound(byte[] before, byte[]? merged)
    {
        Write("B", before);
        CommandResult result = Run("cowrepair", "-f", "B");
        if (result.ExitCode == 1)
        {
            result.MustComplain(1, "B");
            Assert.Equal(before, Read("B"));
            return;
        }
        result.MustSucceed();
        WriteBase();
        Run("cowmerge", "-y", "R", "B").MustSucceed();
        if (merged is not null)
        {
            Assert.Equal(merged, Read("R"));
        }
    }
}
