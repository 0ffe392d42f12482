namespace Cowloop.Files.Tests;

/// <summary>cowmerge on what does not fit or is damaged: refused before the question, and nothing is changed though the answer would be Y.</summary>
public class CowmergeRefusalTests : ToolTest
{
    private static string Program => Repository.Program("cowmerge");

    [Fact]
    public void T54_a_dirty_cowfile()
    {
        Write("G3", Golden.ImageG3);
        Write("G5", Golden.ImageG5);
        MustRefuse("R", "G3", "cowfile G3 is dirty (repair needed)");
        MustRefuse("R", "G5", "cowfile G5 is dirty (repair needed)");
    }

    [Fact]
    public void T55_a_packed_cowfile()
    {
        Write("G2p", Golden.ImageG2.Packed());
        MustRefuse("R", "G2p", "cowfile G2p is packed (cowpack -u needed)");
    }

    [Fact]
    public void T55_a_packed_and_dirty_cowfile_is_packed_first_of_all()
    {
        Write("B", Golden.ImageG3 with { Flags = CowImage.Dirty | CowImage.PackedFlag });
        MustRefuse("R", "B", "cowfile B is packed (cowpack -u needed)");
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void T56_a_base_with_another_fingerprint(CowVariant variant)
    {
        byte[] other = [.. Fixtures.R];
        other[100]++;
        Write("other", other);
        Write("G2", Golden.ImageG2 with { Variant = variant });
        MustRefuse("other", "G2", $"{Program} - fingerprint of other does not correspond with G2");
    }

    [Fact]
    public void A_compressed_base_is_refused_with_what_to_do()
    {
        Write("R.cloop", CloopBytes.Of(Fixtures.R, 65536));
        Write("G2", Golden.ImageG2);
        Assert.Equal(
            $"{Program} - can not open R.cloop: Invalid argument",
            MustComplain("R.cloop", "G2", "R.cloop is a compressed image (cloop)", "extract_compressed_fs R.cloop disk.img").ErrorLines[0]);
        // To look at what it holds is fine.
        Run("cowloop", "check", "G2", "--base", "R.cloop").MustPrint("G2: no problems found\n");
    }

    [Fact]
    public void T57_of_two_missing_files_the_cowfile_is_named() =>
        Run("cowmerge", "R", "G2").MustRefuse(1, $"{Program} - can not open G2: No such file or directory");

    [Fact]
    public void A_missing_base_is_named_and_not_created()
    {
        Write("G2", Golden.ImageG2);
        Assert.Equal($"{Program} - can not open missing: No such file or directory", MustComplain("missing", "G2").ErrorLines[0]);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(5119)]
    [InlineData(8300)]
    [InlineData(9215)]
    [InlineData(106496)]
    [InlineData(107520)]
    [InlineData(108543)]
    public void T58_a_cowfile_that_ends_before_its_last_block(int length)
    {
        Write("G2", Golden.G2()[..length]);
        MustComplain("R", "G2", "G2");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(40)]
    [InlineData(55)]
    public void A_cowfile_shorter_than_the_header_structure(int length)
    {
        Write("G2", Golden.G2()[..length]);
        MustRefuse("R", "G2", "read of cowheader: Success");
    }

    [Theory]
    [InlineData(56)]
    [InlineData(1024)]
    [InlineData(1036)]
    [InlineData(2047)]
    public void A_cowfile_that_ends_within_its_bitmap(int length)
    {
        Write("G2", Golden.G2()[..length]);
        MustRefuse("R", "G2", "read bitmap from cowfile: Success");
    }

    [Fact]
    public void A_cowfile_with_the_wrong_magic()
    {
        Write("text", Fixtures.F1);
        MustRefuse("R", "text", "text is not a valid cowfile (wrong magic)");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(3)]
    public void A_version_that_is_not_1(short version)
    {
        Write("B", Golden.ImageG2 with { Version = version });
        MustRefuse("R", "B", "version of cowfile B not supported");
    }

    [Theory]
    [MemberData(nameof(Damage.Layouts), MemberType = typeof(Damage))]
    public void A_header_whose_fields_do_not_belong_together(string damage)
    {
        foreach (CowVariant variant in Damage.Variants)
        {
            Write("B", Damage.Of(damage, Golden.ImageG2 with { Variant = variant }));
            MustComplain("R", "B", "B");
        }
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(8191)]
    public void A_bit_beyond_the_end_of_the_base(long bit)
    {
        Write("B", Golden.ImageG2.With(bit, 1, 0x66));
        MustComplain("R", "B", "B");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_count_that_is_not_that_of_the_bitmap(int count)
    {
        Write("B", Golden.ImageG2 with { WrongUsedBlocks = (ulong)count });
        MustComplain("R", "B", "B");
    }

    /// <summary>F1 starts as R does, so only the size tells them apart.</summary>
    [Fact]
    public void A_base_of_another_size()
    {
        Write("F1", Fixtures.F1);
        Write("larger", [.. Fixtures.R, .. new byte[1024]]);
        Write("smaller", Fixtures.R[..^1024]);
        Write("G2", Golden.ImageG2);
        foreach (string other in new[] { "F1", "larger", "smaller" })
        {
            MustComplain(other, "G2", other);
        }
    }

    [Fact]
    public void An_empty_base()
    {
        Write("empty", []);
        Write("G2", Golden.ImageG2);
        MustComplain("empty", "G2", "empty");
    }

    [Fact]
    public void A_dry_run_refuses_the_same()
    {
        WriteBase();
        Write("G3", Golden.ImageG3);
        Write("cut", Golden.G2()[..8300]);
        Write("F1", Fixtures.F1);
        Write("G2", Golden.ImageG2);
        Action mustBeUnchanged = KeepAll();
        Run("cowmerge", "--dry-run", "R", "G3").MustRefuse(1, "cowfile G3 is dirty (repair needed)");
        Run("cowmerge", "--dry-run", "R", "cut").MustComplain(1, "cut");
        Run("cowmerge", "--dry-run", "F1", "G2").MustComplain(1, "F1");
        mustBeUnchanged();
    }

    private void MustRefuse(string image, string cowfile, string firstLine)
    {
        CommandResult result = MustComplain(image, cowfile);
        Assert.Equal(firstLine, result.ErrorLines[0]);
        Assert.Contains(cowfile, result.Error, StringComparison.Ordinal);
    }

    private CommandResult MustComplain(string image, string cowfile, params string[] parts)
    {
        WriteBase();
        Action mustBeUnchanged = KeepAll();
        CommandResult result = Answer("Y", "cowmerge", image, cowfile).MustComplain(1, parts);
        mustBeUnchanged();
        return result;
    }
}
