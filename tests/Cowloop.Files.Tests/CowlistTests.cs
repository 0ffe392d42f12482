namespace Cowloop.Files.Tests;

/// <summary>cowlist (specification 5.6).</summary>
public class CowlistTests : ToolTest
{
    [Theory]
    [MemberData(nameof(Variants))]
    public void T39_cowlist_shows_G2(CowVariant variant)
    {
        var file = Keep("G2", Golden.ImageG2 with { Variant = variant });
        Run("cowlist", "G2").MustPrint(
            """

            Info about cowfile G2:
                 state cowfile:     clean
                header-version:         1
                   data offset:      4096
                       mapunit:      1024
                 bitmap-blocks:         1 (of 1024 bytes)
              cowblocks in use:         4 (of 1024 bytes)
                  size rdofile:      1024 (of 1024 bytes)

            """);
        file.MustBeUnchanged();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void T39_cowlist_shows_a_cowfile_of_256000_blocks(CowVariant variant)
    {
        Write("big", new CowImage { Variant = variant, BlockCount = 256000 });
        Run("cowlist", "big").MustPrint(Info("big", dataOffset: 36864, bitmapBlocks: 32, usedBlocks: 0, blocks: 256000));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void T40_a_packed_cowfile_is_shown_as_packed(CowVariant variant)
    {
        Write("G2p", (Golden.ImageG2 with { Variant = variant }).Packed());
        string[] lines = Run("cowlist", "G2p").MustPrint(Info("G2p", "    clean packed")).Output.Split('\n');
        Assert.Equal("     state cowfile:     clean packed", lines[2]);
    }

    [Fact]
    public void T40_header_flags_3_are_dirty_and_packed()
    {
        Write("B", Golden.ImageG2 with { Flags = CowImage.Dirty | CowImage.PackedFlag });
        string[] lines = Run("cowlist", "B").MustPrint(Info("B", "    dirty packed")).Output.Split('\n');
        Assert.Equal("     state cowfile:     dirty packed", lines[2]);
    }

    [Fact]
    public void A_dirty_cowfile_is_shown_with_the_count_of_its_last_flush()
    {
        Write("G3", Golden.ImageG3);
        Run("cowlist", "G3").MustPrint(Info("G3", "    dirty", usedBlocks: 1));
    }

    [Fact]
    public void T41_without_an_argument_there_is_the_usage()
    {
        string program = Repository.Program("cowlist");
        CommandResult result = Run("cowlist").MustComplain(1);
        Assert.Equal($"Usage: {program} cowfile", result.ErrorLines[0]);
    }

    [Fact]
    public void T41_a_missing_file_is_named() => Run("cowlist", "G2").MustRefuse(1, "G2: No such file or directory");

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(31)]
    [InlineData(40)]
    [InlineData(55)]
    public void T41_a_file_shorter_than_the_header_structure_is_refused(int length)
    {
        var file = Keep("B", Golden.G2()[..length]);
        Assert.Contains("B", Run("cowlist", "B").MustRefuse(1, "error during read of cowheader: Success").Error, StringComparison.Ordinal);
        file.MustBeUnchanged();
    }

    [Fact]
    public void A_file_of_just_the_header_structure_is_shown()
    {
        Write("B", Golden.G2()[..56]);
        Run("cowlist", "B").MustPrint(Info("B"));
    }

    [Fact]
    public void T41_a_hundred_bytes_of_text_are_no_cowfile()
    {
        var file = Keep("text", Fixtures.R[..100]);
        Run("cowlist", "text").MustRefuse(1, "text is not a valid cowfile (wrong magic)");
        file.MustBeUnchanged();
    }

    [Fact]
    public void T41_a_gzip_packed_cowfile_is_no_cowfile()
    {
        var file = Keep("G2.gz", Gzip(Golden.ImageG2.PackedStream()));
        Run("cowlist", "G2.gz").MustRefuse(1, "G2.gz is not a valid cowfile (wrong magic)");
        file.MustBeUnchanged();
    }

    [Fact]
    public void The_specimen_of_an_arm_machine_is_shown()
    {
        Write("arm", Golden.ArmSpecimen());
        Run("cowlist", "arm").MustPrint(Info("arm", dataOffset: 16384, bitmapBlocks: 13, usedBlocks: 0, blocks: 102400));
    }

    [Theory]
    [InlineData(-32768)]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(32767)]
    public void Every_version_is_shown(short version)
    {
        Write("B", Golden.ImageG2 with { Version = version });
        CommandResult result = Run("cowlist", "B");
        Assert.Contains($"    header-version: {version,9}\n", result.MustSucceed().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Unknown_flags_are_ignored()
    {
        Write("B", Golden.ImageG2 with { Flags = 0x8000 });
        Run("cowlist", "B").MustPrint(Info("B"));
    }

    [Fact]
    public void Further_arguments_are_ignored()
    {
        Write("G2", Golden.ImageG2);
        Run("cowlist", "G2", "none", "of these").MustPrint(Info("G2"));
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("100% {0}")]
    [InlineData("grün.cow")]
    [InlineData("-x.cow")]
    public void The_name_is_shown_as_it_was_given(string name)
    {
        Write(name, Golden.ImageG2);
        Run("cowlist", $"./{name}").MustPrint(Info($"./{name}"));
        Run("cowlist", Temp[name]).MustPrint(Info(Temp[name]));
    }

    [Theory]
    [MemberData(nameof(Damage.Layouts), MemberType = typeof(Damage))]
    public void A_damaged_header_is_reported_and_no_crash(string damage)
    {
        foreach (CowVariant variant in Damage.Variants)
        {
            var file = Keep("B", Damage.Of(damage, Golden.ImageG2 with { Variant = variant }));
            CommandResult result = Run("cowlist", "B");
            Assert.True(result.ExitCode is 0 or 1, result.ToString());
            Assert.True(result.Error.Contains('B') && result.ErrorLines.Length <= 3, result.ToString());
            Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
            file.MustBeUnchanged();
        }
    }

    private static string Info(
        string path, string state = "    clean", long dataOffset = 4096, int bitmapBlocks = 1, long usedBlocks = 4, long blocks = 1024) =>
        $"\nInfo about cowfile {path}:\n"
        + $"     state cowfile: {state}\n"
        + "    header-version:         1\n"
        + $"       data offset: {dataOffset,9}\n"
        + "           mapunit:      1024\n"
        + $"     bitmap-blocks: {bitmapBlocks,9} (of 1024 bytes)\n"
        + $"  cowblocks in use: {usedBlocks,9} (of 1024 bytes)\n"
        + $"      size rdofile: {blocks,9} (of 1024 bytes)\n";
}
