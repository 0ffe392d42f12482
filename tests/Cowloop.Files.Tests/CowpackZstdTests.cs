namespace Cowloop.Files.Tests;

/// <summary>cowpack --zstd: as -z, with another compressor.</summary>
public class CowpackZstdTests : ToolTest
{
    [NeedsTheory("zstd")]
    [MemberData(nameof(Variants))]
    public void The_content_is_that_of_the_gzip_form(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant };
        var source = Keep("G2", image);
        Run("cowpack", "--zstd", "-p", "G2", "G2.zst").MustPrint("");
        source.MustBeUnchanged();
        RunScript("zstd -q -dc < G2.zst > stream");
        Assert.Equal(image.PackedStream(), Read("stream"));

        var intermediate = FileSnapshot.Of(Temp["G2.zst"]);
        Run("cowpack", "-u", "--zstd", "G2.zst", "again").MustPrint("");
        Assert.Equal(image.ToBytes(), Read("again"));
        intermediate.MustBeUnchanged();
        Assert.Equal(["G2", "G2.zst", "again", "stream"], Names);
    }

    [NeedsTheory("zstd")]
    [InlineData("zstd -q -1 -c stream > packed")]
    [InlineData("zstd -q -19 --no-check -c stream > packed")]
    [InlineData("zstd -q -5 -c < stream > packed")]
    [InlineData("{ head -c 20 stream | zstd -q; tail -c +21 stream | zstd -q; } > packed")]
    public void Any_zstd_encoding_is_unpacked(string encode)
    {
        Write("stream", Golden.ImageG2.PackedStream());
        RunScript(encode);
        Run("cowpack", "--zstd", "-u", "packed", "again").MustPrint("");
        Assert.Equal(Golden.G2Wide, FileSnapshot.HashOf(Temp["again"]));
    }

    [Fact]
    public void A_cowfile_without_blocks()
    {
        Write("empty", new CowImage());
        Run("cowpack", "--zstd", "-p", "empty", "packed").MustPrint("");
        Run("cowpack", "--zstd", "-u", "packed", "again").MustPrint("");
        Assert.Equal(new CowImage().ToBytes(), Read("again"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(40)]
    public void A_file_that_was_cut_is_refused(int missing)
    {
        byte[] packed = Pack();
        Write("packed", packed[..^missing]);
        MustComplain("--zstd");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2000)]
    public void A_file_with_a_wrong_byte_is_refused(int fromEnd)
    {
        byte[] packed = Pack();
        packed[^fromEnd] ^= 0x01;
        Write("packed", packed);
        MustComplain("--zstd");
    }

    [Fact]
    public void Without_the_option_it_is_no_cowfile()
    {
        Pack();
        CommandResult result = MustComplain();
        Assert.Equal("Not a valid cowfile (wrong magic)", result.ErrorLines[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_plain_is_refused(bool isPacked)
    {
        Write("packed", isPacked ? Golden.ImageG2.Packed() : Golden.G2());
        MustComplain("--zstd");
    }

    [Theory]
    [InlineData("G3", "Cowfile is dirty")]
    [InlineData("text", "Not a valid cowfile (wrong magic)")]
    public void What_can_not_be_packed_is_refused_as_without_it(string source, string firstLine)
    {
        Write("G3", Golden.ImageG3);
        Write("text", Fixtures.F1);
        CommandResult result = Run("cowpack", "-p", "--zstd", source, "packed").MustComplain(1, source);
        Assert.Equal(firstLine, result.ErrorLines[0]);
        Assert.Equal(["G3", "text"], Names);
    }

    /// <summary>A packed file of noise.</summary>
    private byte[] Pack()
    {
        CowImage image = new CowImage().With(3, 4, 0);
        Write("image", image with { Data = image.Data.SetItem(4, Noise(4, 1024)).SetItem(6, Noise(6, 1024)).SetItem(3, Noise(3, 1024)) });
        Run("cowpack", "-p", "--zstd", "image", "packed").MustPrint("");
        File.Delete(Temp["image"]);
        return Read("packed");
    }

    private CommandResult MustComplain(params string[] options)
    {
        var source = FileSnapshot.Of(Temp["packed"]);
        CommandResult result = Run("cowpack", [.. options, "-u", "packed", "result"]).MustComplain(1, "packed");
        source.MustBeUnchanged();
        Assert.Equal(["packed"], Names);
        return result;
    }
}
