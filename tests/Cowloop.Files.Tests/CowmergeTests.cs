namespace Cowloop.Files.Tests;

/// <summary>cowmerge (specification 5.9) where it may merge.</summary>
public class CowmergeTests : ToolTest
{
    private const string Question = "Really want to modify R with updates from G2 (Y/N)? ";
    private const string Done = "Number of blocks modified in R: 4\n";

    [Theory]
    [MemberData(nameof(Variants))]
    public void T52_Y_merges_all_blocks(CowVariant variant)
    {
        WriteBase();
        var cowfile = Keep("G2", Golden.ImageG2 with { Variant = variant });
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + Done);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
        cowfile.MustBeUnchanged();
        Assert.Equal(["G2", "R"], Names);
    }

    [Theory]
    [InlineData(CowVariant.Little64, Golden.G4Wide)]
    [InlineData(CowVariant.Little32, Golden.G4Narrow)]
    public void G4_merges_to_RM4(CowVariant variant, string hash)
    {
        WriteBase();
        var cowfile = Keep("G4", Golden.ImageG4 with { Variant = variant });
        Assert.Equal(hash, FileSnapshot.HashOf(cowfile.Path));
        Answer("Y", "cowmerge", "R", "G4").MustPrint("Really want to modify R with updates from G4 (Y/N)? Number of blocks modified in R: 1\n");
        Assert.Equal(Golden.MergedG4, FileSnapshot.HashOf(Temp["R"]));
        cowfile.MustBeUnchanged();
    }

    [Theory]
    [InlineData("N")]
    [InlineData("n")]
    [InlineData("y")]
    [InlineData("yes")]
    [InlineData(" Y")]
    [InlineData("\nY")]
    [InlineData("\n")]
    [InlineData("")]
    public void T53_anything_else_declines(string answer)
    {
        var image = KeepBase();
        var cowfile = Keep("G2", Golden.ImageG2);
        Answer(answer, "cowmerge", "R", "G2").MustPrint(Question);
        image.MustBeUnchanged();
        cowfile.MustBeUnchanged();
    }

    [Theory]
    [InlineData("Yes")]
    [InlineData("Y\n")]
    [InlineData("YN")]
    public void T53_an_answer_that_starts_with_Y_merges(string answer)
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        Answer(answer, "cowmerge", "R", "G2").MustPrint(Question + Done);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
    }

    [Fact]
    public void The_question_is_seen_before_it_is_answered()
    {
        var image = KeepBase();
        Write("G2", Golden.ImageG2);
        using var process = Shell.Start(new ShellOptions { Directory = Temp.Path }, Repository.Program("cowmerge"), "R", "G2");
        char[] text = new char[Question.Length];
        Assert.Equal(text.Length, Poll.UntilDone("the question is asked", process.StandardOutput.ReadBlockAsync(text, 0, text.Length)));
        Assert.Equal(Question, new string(text));
        image.MustBeUnchanged();
        process.StandardInput.Write("Y");
        process.StandardInput.Close();
        Assert.Equal(Done, Poll.UntilDone("the merge has ended", process.StandardOutput.ReadToEndAsync()));
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
    }

    [Theory]
    [InlineData("-y", "R", "G2")]
    [InlineData("--yes", "R", "G2")]
    [InlineData("R", "G2", "-y")]
    public void Yes_as_an_option_answers_the_question(params string[] arguments)
    {
        WriteBase();
        var cowfile = Keep("G2", Golden.ImageG2);
        CommandResult result = Run("cowmerge", arguments).MustSucceed();
        Assert.EndsWith(Done, result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
        cowfile.MustBeUnchanged();
    }

    [Fact]
    public void A_dry_run_tells_the_number_of_blocks_and_does_nothing()
    {
        var image = KeepBase();
        var cowfile = Keep("G2", Golden.ImageG2);
        Run("cowmerge", "--dry-run", "R", "G2").MustPrint("Number of blocks modified in R: 4 (not done due to --dry-run)\n");
        Answer("Y", "cowmerge", "--dry-run", "-y", "R", "G2").MustPrint("Number of blocks modified in R: 4 (not done due to --dry-run)\n");
        image.MustBeUnchanged();
        cowfile.MustBeUnchanged();
    }

    [Fact]
    public void T8_a_fingerprint_without_its_sign_is_accepted()
    {
        WriteBase();
        byte[] file = Golden.G2();
        file.AsSpan(44, 4).Clear();
        var cowfile = Keep("G2", file);
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + Done);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
        cowfile.MustBeUnchanged();
    }

    [Fact]
    public void T9_a_cowfile_lengthened_to_its_full_length_merges_the_same()
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        RunScript("truncate -s 1052672 G2");
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + Done);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void T59_blocks_above_4_GiB_go_to_their_places(CowVariant variant)
    {
        const long Length = 5L << 30;
        Temp.MakeFile("R", Length);
        Write("G2", new CowImage { Variant = variant, BlockCount = Length / 1024, Fingerprint = 0 }.With(4096, 1, 0x11).With(4198400, 1, 0x22));
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + "Number of blocks modified in R: 2\n");
        using FileStream image = File.OpenRead(Temp["R"]);
        Assert.Equal(Length, image.Length);
        Assert.Equal([.. new byte[1024], .. Fixtures.Filled(1024, 0x11), .. new byte[1024]], ReadAt(image, 4194304 - 1024, 3072));
        Assert.Equal([.. new byte[1024], .. Fixtures.Filled(1024, 0x22), .. new byte[1024]], ReadAt(image, 4299161600 - 1024, 3072));
        Assert.True(DiskUsage.Of(Temp["R"]) < 1 << 20, "the holes of the base are filled");
    }

    [Fact]
    public void T32_the_tail_of_a_base_that_is_no_whole_block_stays()
    {
        byte[] content = [.. Fixtures.R, .. Fixtures.Filled(512, 0x77)];
        Write("R", content);
        Write("G2", new CowImage().With(1023, 1, 0x31));
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + "Number of blocks modified in R: 1\n");
        Fixtures.Filled(1024, 0x31).CopyTo(content, 1047552);
        Assert.Equal(content, Read("R"));
    }

    [RootFact("losetup")]
    public void T32_a_block_device_with_an_odd_sector_is_merged_into()
    {
        byte[] content = [.. Fixtures.R, .. Fixtures.Filled(512, 0x77)];
        Write("image", content);
        Write("G2", Golden.ImageG2);
        using (LoopBack loop = LoopBack.Of(Temp["image"]))
        {
            Answer("Y", "cowmerge", loop.Path, "G2").MustPrint(
                $"Really want to modify {loop.Path} with updates from G2 (Y/N)? Number of blocks modified in {loop.Path}: 4\n");
        }
        Assert.Equal(Golden.ImageG2.MergedInto(content), Read("image"));
    }

    [Fact]
    public void A_cowfile_without_blocks_changes_nothing()
    {
        string image = FileSnapshot.HashOf(WriteBase());
        Write("G2", new CowImage());
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + "Number of blocks modified in R: 0\n");
        Assert.Equal(image, FileSnapshot.HashOf(Temp["R"]));
    }

    [Fact]
    public void A_merge_outside_the_fingerprint_can_be_repeated()
    {
        WriteBase();
        CowImage image = new CowImage().With(100, 2, 0x43).With(1023, 1, 0x44);
        Write("G2", image);
        for (int round = 0; round < 2; round++)
        {
            Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + "Number of blocks modified in R: 3\n");
            Assert.Equal(image.MergedInto(Fixtures.R), Read("R"));
        }
    }

    [Fact]
    public void A_merge_that_was_declined_can_be_done_later()
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        Answer("N", "cowmerge", "R", "G2").MustPrint(Question);
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + Done);
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
    }

    [Fact]
    public void The_paths_are_shown_as_they_were_given()
    {
        WriteBase("a base");
        Write("grün%s.cow", Golden.ImageG2);
        Answer("Y", "cowmerge", "./a base", Temp["grün%s.cow"]).MustPrint(
            $"Really want to modify ./a base with updates from {Temp["grün%s.cow"]} (Y/N)? Number of blocks modified in ./a base: 4\n");
    }

    [Fact]
    public void Holes_of_the_cowfile_that_are_marked_are_zeros()
    {
        WriteBase();
        Write("G2", new CowImage().With(50, 3, 0) with { Data = new CowImage().WithData(52, 1, 0x61).Data });
        Answer("Y", "cowmerge", "R", "G2").MustPrint(Question + "Number of blocks modified in R: 3\n");
        byte[] expected = [.. Fixtures.R];
        expected.AsSpan(50 * 1024, 2048).Clear();
        expected.AsSpan(52 * 1024, 1024).Fill(0x61);
        Assert.Equal(expected, Read("R"));
    }

    private static byte[] ReadAt(FileStream stream, long offset, int length)
    {
        byte[] content = new byte[length];
        stream.Position = offset;
        stream.ReadExactly(content);
        return content;
    }
}
