namespace Cowloop.Files.Tests;

/// <summary>
/// cowmerge --resume: an interrupted merge has changed the blocks behind the fingerprint window first, and then perhaps a
/// part of the window, so that the fingerprint does not fit any more. R's window is its first four blocks.
/// </summary>
public class CowmergeResumeTests : ToolTest
{
    private const string Resume = "--resume";

    private static string FingerprintError => $"{Repository.Program("cowmerge")} - fingerprint of R does not correspond with G2";

    /// <summary>Blocks in the window and behind it: of the four in the window the first and the third are cow blocks.</summary>
    private static CowImage Cowfile { get; } = new CowImage().With(0, 1, 0x41).With(2, 1, 0x42).With(4, 1, 0x43).With(100, 2, 0x44);

    [Theory]
    [InlineData(1024, 0)]
    [InlineData(512, 0)]
    [InlineData(1, 0)]
    [InlineData(1024, 1024)]
    [InlineData(1024, 700)]
    public void A_merge_interrupted_in_the_window_is_finished(int bytesOfBlock0, int bytesOfBlock2)
    {
        Write("R", Interrupted(bytesOfBlock0, bytesOfBlock2));
        var cowfile = Keep("G2", Cowfile);
        CommandResult refused = Answer("Y", "cowmerge", "R", "G2").MustRefuse(1, FingerprintError);
        Assert.Contains(Resume, refused.Error, StringComparison.Ordinal);
        Assert.Equal(Interrupted(bytesOfBlock0, bytesOfBlock2), Read("R"));

        CommandResult result = Answer("Y", "cowmerge", Resume, "R", "G2").MustSucceed();
        Assert.Matches("Number of blocks modified in R: [0-9]+\n$", result.Output);
        Assert.Equal("", result.Error);
        Assert.Equal(Cowfile.MergedInto(Fixtures.R), Read("R"));
        cowfile.MustBeUnchanged();
    }

    [Fact]
    public void It_asks_as_every_merge_does()
    {
        byte[] before = Interrupted(1024, 0);
        Write("R", before);
        Write("G2", Cowfile);
        Answer("N", "cowmerge", Resume, "R", "G2").MustPrint("Really want to modify R with updates from G2 (Y/N)? ");
        Assert.Equal(before, Read("R"));
        Run("cowmerge", Resume, "-y", "R", "G2").MustSucceed();
        Assert.Equal(Cowfile.MergedInto(Fixtures.R), Read("R"));
    }

    [Fact]
    public void A_dry_run_of_it_changes_nothing()
    {
        var image = Keep("R", Interrupted(1024, 0));
        Write("G2", Cowfile);
        CommandResult result = Run("cowmerge", Resume, "--dry-run", "R", "G2").MustSucceed();
        Assert.Matches("^Number of blocks modified in R: [0-9]+ \\(not done due to --dry-run\\)\n$", result.Output);
        image.MustBeUnchanged();
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_merge_of_G2_interrupted_in_its_last_block_is_finished(CowVariant variant)
    {
        Write("R", (Golden.ImageG2 with { Bits = Golden.ImageG2.Bits.Remove(0) }).MergedInto(Fixtures.R));
        byte[] torn = Read("R");
        torn.AsSpan(0, 512).Fill(0x41);
        Write("R", torn);
        Write("G2", Golden.ImageG2 with { Variant = variant });
        Run("cowmerge", Resume, "-y", "R", "G2").MustSucceed();
        Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
    }

    [Fact]
    public void A_merge_that_was_complete_stays_so()
    {
        Write("R", Cowfile.MergedInto(Fixtures.R));
        Write("G2", Cowfile);
        Run("cowmerge", Resume, "-y", "R", "G2").MustSucceed();
        Assert.Equal(Cowfile.MergedInto(Fixtures.R), Read("R"));
    }

    [Fact]
    public void A_merge_interrupted_behind_the_window_needs_no_option()
    {
        byte[] image = [.. Fixtures.R];
        Fixtures.Filled(1024, 0x43).CopyTo(image, 4096);
        Fixtures.Filled(300, 0x44).CopyTo(image, 102400);
        Write("R", image);
        Write("G2", Cowfile);
        Run("cowmerge", "-y", "R", "G2").MustSucceed();
        Assert.Equal(Cowfile.MergedInto(Fixtures.R), Read("R"));
    }

    [Fact]
    public void A_merge_that_has_not_begun_may_be_resumed()
    {
        WriteBase();
        Write("G2", Cowfile);
        Run("cowmerge", Resume, "-y", "R", "G2").MustSucceed();
        Assert.Equal(Cowfile.MergedInto(Fixtures.R), Read("R"));
    }

    /// <summary>Then the merge can't have come to the window: it is another base, or one that has been changed.</summary>
    [Theory]
    [InlineData(4096)]
    [InlineData(5119)]
    [InlineData(102400)]
    [InlineData(104447)]
    public void A_block_behind_the_window_that_is_not_merged_forbids_it(int offset)
    {
        byte[] image = Interrupted(1024, 0);
        image[offset] ^= 0x55;
        MustForbid(image);
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(2047)]
    [InlineData(3072)]
    [InlineData(4095)]
    public void A_block_of_the_window_that_is_no_cow_block_and_has_changed_forbids_it(int offset)
    {
        byte[] image = Interrupted(1024, 0);
        image[offset]++;
        MustForbid(image);
    }

    [Fact]
    public void Another_size_of_the_base_forbids_it()
    {
        MustForbid([.. Interrupted(1024, 0), .. new byte[1024]], isOfSameSize: false);
        MustForbid(Interrupted(1024, 0)[..^1024], isOfSameSize: false);
    }

    [Fact]
    public void Another_base_forbids_it() => MustForbid(Noise(1, Fixtures.R.Length));

    [Theory]
    [InlineData("G3")]
    [InlineData("cut")]
    [InlineData("packed")]
    public void A_cowfile_that_can_not_be_merged_can_not_be_resumed(string cowfile)
    {
        Write("G3", Golden.ImageG3);
        Write("cut", Cowfile.ToBytes()[..^1]);
        Write("packed", Cowfile.Packed());
        Write("R", Interrupted(1024, 0));
        Action mustBeUnchanged = KeepAll();
        Run("cowmerge", Resume, "-y", "R", cowfile).MustComplain(1, cowfile);
        mustBeUnchanged();
    }

    private static byte[] Interrupted(int bytesOfBlock0, int bytesOfBlock2)
    {
        byte[] image = (Cowfile with { Bits = Cowfile.Bits.Except([0, 2]) }).MergedInto(Fixtures.R);
        image.AsSpan(0, bytesOfBlock0).Fill(0x41);
        image.AsSpan(2048, bytesOfBlock2).Fill(0x42);
        return image;
    }

    private void MustForbid(byte[] content, bool isOfSameSize = true)
    {
        var image = Keep("R", content);
        var cowfile = Keep("G2", Cowfile);
        CommandResult refused = Answer("Y", "cowmerge", Resume, "R", "G2").MustComplain(1, "R");
        CommandResult plain = Answer("Y", "cowmerge", "R", "G2").MustComplain(1, "R");
        if (isOfSameSize)
        {
            Assert.Equal(FingerprintError, plain.ErrorLines[0]);
            Assert.Equal(FingerprintError, refused.ErrorLines[0]);
        }
        Assert.DoesNotContain(Resume, plain.Error, StringComparison.Ordinal);
        image.MustBeUnchanged();
        cowfile.MustBeUnchanged();
    }
}
