namespace Cowloop.Files.Tests;

/// <summary>cowrepair (specification 5.7) on files that can be repaired, or need not be.</summary>
public class CowrepairTests : ToolTest
{
    [Theory]
    [InlineData("")]
    [InlineData("-n")]
    [InlineData("-v")]
    public void T43_a_clean_cowfile_is_left_alone(string option)
    {
        var file = Keep("G2", Golden.ImageG2);
        CommandResult result = Run("cowrepair", [.. option.Length > 0 ? [option] : Array.Empty<string>(), "G2"]).MustSucceed();
        Assert.Equal("cowfile G2 is not dirty", result.ErrorLines[0]);
        Assert.Equal("", result.Output);
        file.MustBeUnchanged();
    }

    [Theory]
    [InlineData(CowVariant.Little64, Golden.G3RepairedWide)]
    [InlineData(CowVariant.Little32, Golden.G3RepairedNarrow)]
    public void T44_repair_without_force_finds_the_block_that_the_bitmap_lacks(CowVariant variant, string hash)
    {
        Write("G3", Golden.ImageG3 with { Variant = variant });
        Run("cowrepair", "G3").MustPrint("Number of corrections in bitmap: 1\n");
        Assert.Equal(hash, FileSnapshot.HashOf(Temp["G3"]));
        Assert.Equal(["G3"], Names);
    }

    [Theory]
    [InlineData(CowVariant.Little64, Golden.G3RepairedWide)]
    [InlineData(CowVariant.Little32, Golden.G3RepairedNarrow)]
    public void T45_repair_with_force_does_the_same(CowVariant variant, string hash)
    {
        Write("G3", Golden.ImageG3 with { Variant = variant });
        Run("cowrepair", "-f", "G3").MustPrint("Number of corrections in bitmap: 1\n");
        Assert.Equal(hash, FileSnapshot.HashOf(Temp["G3"]));
    }

    [Theory]
    [InlineData("-fnv", "G3")]
    [InlineData("-vnf", "G3")]
    [InlineData("-f", "-n", "-v", "G3")]
    [InlineData("G3", "-fnv")]
    [InlineData("-nvv", "G3")]
    [InlineData("-nv", "-v", "G3")]
    [InlineData("-fnv", "--", "G3")]
    [InlineData("-fnv", "G3", "further", "operands")]
    public void T46_fake_mode_says_what_it_would_do_and_does_nothing(params string[] arguments)
    {
        var file = Keep("G3", Golden.ImageG3);
        Run("cowrepair", arguments).MustPrint(
            "data block         7 (offset        7168) not marked in bitmap; corrected\n"
            + "Number of corrections in bitmap: 1 (not done due to flag -n)\n");
        file.MustBeUnchanged();
    }

    [Fact]
    public void Fake_mode_reports_a_dirty_cowfile_without_force()
    {
        var file = Keep("G3", Golden.ImageG3);
        Run("cowrepair", "-n", "G3").MustPrint("Number of corrections in bitmap: 1 (not done due to flag -n)\n");
        file.MustBeUnchanged();
    }

    [Fact]
    public void G5_becomes_G5r()
    {
        Write("G5", Golden.ImageG5);
        Run("cowrepair", "-v", "G5").MustPrint(
            "data block         2 (offset        2048) not marked in bitmap; corrected\nNumber of corrections in bitmap: 1\n");
        Assert.Equal(Golden.G5RepairedWide, FileSnapshot.HashOf(Temp["G5"]));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Word_size_and_byte_order_stay(CowVariant variant)
    {
        Write("G3", Golden.ImageG3 with { Variant = variant });
        Run("cowrepair", "G3").MustPrint("Number of corrections in bitmap: 1\n");
        Assert.Equal((Golden.ImageG3Repaired with { Variant = variant }).ToBytes(), Read("G3"));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Reserved_bytes_of_the_header_block_stay(CowVariant variant)
    {
        Write("G3", Golden.ImageG3 with { Variant = variant, Reserved = 0xEE });
        Run("cowrepair", "G3").MustPrint("Number of corrections in bitmap: 1\n");
        Assert.Equal((Golden.ImageG3Repaired with { Variant = variant, Reserved = 0xEE }).ToBytes(), Read("G3"));
    }

    [Fact]
    public void A_second_repair_has_nothing_to_do()
    {
        Write("G3", Golden.ImageG3);
        Run("cowrepair", "G3").MustSucceed();
        var repaired = FileSnapshot.Of(Temp["G3"]);
        Assert.Equal("cowfile G3 is not dirty", Run("cowrepair", "G3").MustSucceed().ErrorLines[0]);
        repaired.MustBeUnchanged();
        Run("cowrepair", "-f", "G3").MustPrint("Number of corrections in bitmap: 0\n");
        Assert.Equal(Golden.G3RepairedWide, FileSnapshot.HashOf(Temp["G3"]));
    }

    [Fact]
    public void A_dirty_cowfile_that_lacks_no_bit_gets_its_count()
    {
        Write("B", Golden.ImageG2 with { Flags = CowImage.Dirty, WrongUsedBlocks = 1 });
        Run("cowrepair", "B").MustPrint("Number of corrections in bitmap: 0\n");
        Assert.Equal(Golden.G2Wide, FileSnapshot.HashOf(Temp["B"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public void Force_counts_the_blocks_of_a_clean_cowfile_again(int wrongCount)
    {
        Write("B", Golden.ImageG2 with { WrongUsedBlocks = (ulong)wrongCount });
        Run("cowrepair", "-f", "B").MustPrint("Number of corrections in bitmap: 0\n");
        Assert.Equal(Golden.G2Wide, FileSnapshot.HashOf(Temp["B"]));
    }

    [Fact]
    public void T8_a_fingerprint_without_its_sign_is_accepted_and_rewritten_with_it()
    {
        byte[] file = Golden.G2();
        file.AsSpan(44, 4).Clear();
        Write("G2", file);
        Run("cowrepair", "-f", "G2").MustPrint("Number of corrections in bitmap: 0\n");
        Assert.Equal(Golden.G2Wide, FileSnapshot.HashOf(Temp["G2"]));
    }

    [Fact]
    public void T9_a_cowfile_lengthened_to_its_full_length_has_nothing_to_correct()
    {
        Write("G2", Golden.ImageG2);
        RunScript("truncate -s 1052672 G2");
        Run("cowrepair", "-f", "G2").MustPrint("Number of corrections in bitmap: 0\n");
        MustBeG2WithZerosBehind("G2");
    }

    [Fact]
    public void T49_a_tail_of_zeros_is_no_block()
    {
        var file = Keep("G2", [.. Golden.G2(), .. new byte[100]]);
        Run("cowrepair", "-fn", "G2").MustPrint("Number of corrections in bitmap: 0 (not done due to flag -n)\n");
        file.MustBeUnchanged();
        Run("cowrepair", "-f", "G2").MustPrint("Number of corrections in bitmap: 0\n");
        MustBeG2WithZerosBehind("G2");
    }

    [Fact]
    public void T49_a_tail_with_data_is_a_block_and_completed_with_zeros()
    {
        byte[] tail = Fixtures.Filled(9, (byte)'z');
        var file = Keep("G2", [.. Golden.G2(), .. tail]);
        Run("cowrepair", "-fnv", "G2").MustPrint(
            "data block       102 (offset      104448) not marked in bitmap; corrected\n"
            + "Number of corrections in bitmap: 1 (not done due to flag -n)\n");
        file.MustBeUnchanged();

        Run("cowrepair", "-f", "G2").MustPrint("Number of corrections in bitmap: 1\n");
        CowImage expected = Golden.ImageG2.With(102, 1, 0);
        expected = expected with { Data = expected.Data.SetItem(102, [.. tail, .. new byte[1024 - 9]]) };
        Assert.Equal(expected.ToBytes(), Read("G2"));
    }

    [Fact]
    public void T51_data_behind_the_end_of_the_base_is_not_marked_and_reported()
    {
        Write("B", Golden.ImageG2.WithData(1030, 1, 0x55));
        byte[] before = Read("B");
        CommandResult result = Run("cowrepair", "-f", "B");
        Assert.True(result.ExitCode is 0 or 1, result.ToString());
        Assert.True(result.Error.Contains('B') && result.ErrorLines.Length <= 3, result.ToString());
        Assert.Equal(before.AsSpan(1024, 1024), Read("B").AsSpan(1024, 1024));
        if (result.ExitCode == 1)
        {
            Assert.Equal(before, Read("B"));
        }
    }

    [Fact]
    public void Holes_stay_holes()
    {
        const long Blocks = 1 << 17;
        Write("big", new CowImage { BlockCount = Blocks, Flags = CowImage.Dirty }.WithData(0, 1, 1).WithData(77_777, 1, 2).WithData(Blocks - 1, 1, 3));
        Run("cowrepair", "-v", "big").MustPrint(
            "data block         0 (offset           0) not marked in bitmap; corrected\n"
            + "data block     77777 (offset    79643648) not marked in bitmap; corrected\n"
            + "data block    131071 (offset   134216704) not marked in bitmap; corrected\n"
            + "Number of corrections in bitmap: 3\n");
        Assert.True(DiskUsage.Of(Temp["big"]) < 1 << 20, "the holes are filled");
        CowImage expected = new CowImage { BlockCount = Blocks }.With(0, 1, 1).With(77_777, 1, 2).With(Blocks - 1, 1, 3);
        expected.Write(Temp["expected"]);
        RunScript("cmp big expected");
    }

    private void MustBeG2WithZerosBehind(string name)
    {
        byte[] content = Read(name);
        byte[] expected = Golden.G2();
        Assert.Equal(expected, content[..expected.Length]);
        Assert.False(content.AsSpan(expected.Length).ContainsAnyExcept((byte)0));
    }
}
