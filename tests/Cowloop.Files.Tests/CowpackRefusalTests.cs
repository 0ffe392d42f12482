namespace Cowloop.Files.Tests;

/// <summary>cowpack on what it can't pack or unpack: it says why, its source stays as it is, and no destination is left behind, nor an existing one touched.</summary>
public class CowpackRefusalTests : ToolTest
{
    private const string WrongMagic = "Not a valid cowfile (wrong magic)";

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    public void T63_a_dirty_cowfile_is_not_packed(string option)
    {
        Write("G3", Golden.ImageG3);
        MustRefuse(option, "G3", "Cowfile is dirty");
    }

    [Fact]
    public void A_dirty_packed_cowfile_is_not_unpacked()
    {
        Write("B", (Golden.ImageG2 with { Flags = CowImage.Dirty }).Packed());
        MustRefuse("-u", "B", "Cowfile is dirty");
        Write("B.gz", Gzip((Golden.ImageG2 with { Flags = CowImage.Dirty }).PackedStream()));
        MustRefuse("-zu", "B.gz", "Cowfile is dirty");
    }

    [Fact]
    public void T64_a_gzip_file_is_not_unpacked_without_z()
    {
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream()));
        MustRefuse("-u", "G2.gz", WrongMagic);
    }

    [Fact]
    public void T65_a_plain_packed_file_is_not_unpacked_with_z()
    {
        Write("G2p", Golden.ImageG2.Packed());
        MustComplain("-zu", "G2p");
    }

    [Fact]
    public void T65_a_file_that_is_not_packed_is_not_unpacked()
    {
        Write("G2", Golden.ImageG2);
        MustComplain("-u", "G2");
        MustComplain("-zu", "G2");
        byte[] stream = Golden.ImageG2.PackedStream();
        stream[6] = 0;
        Write("G2.gz", Gzip(stream));
        MustComplain("-zu", "G2.gz");
    }

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    public void T65_a_packed_file_is_not_packed_again(string option)
    {
        Write("G2p", Golden.ImageG2.Packed());
        MustComplain(option, "G2p");
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream()));
        MustRefuse(option, "G2.gz", WrongMagic);
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(5120)]
    [InlineData(6000)]
    [InlineData(7168)]
    [InlineData(8191)]
    public void T68_a_packed_file_that_ends_before_its_last_block(int length)
    {
        Write("G2p", Golden.ImageG2.Packed()[..length]);
        MustRefuse("-u", "G2p", "Copying data: Success");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(30)]
    [InlineData(3000)]
    [InlineData(4900)]
    [InlineData(5100)]
    public void T68_a_gzip_file_that_was_cut(int missing)
    {
        // Noise, so that every byte of it counts.
        byte[] packed = Gzip(NoisyG2().PackedStream());
        Write("G2.gz", packed[..Math.Max(0, packed.Length - missing)]);
        MustComplain("-zu", "G2.gz");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(17)]
    [InlineData(25)]
    public void T68_a_gzip_file_of_only_a_few_bytes(int length)
    {
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream())[..length]);
        MustComplain("-zu", "G2.gz");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(2000)]
    public void A_gzip_file_with_a_wrong_byte(int fromEnd)
    {
        byte[] packed = Gzip(NoisyG2().PackedStream());
        packed[^fromEnd] ^= 0x01;
        Write("G2.gz", packed);
        MustComplain("-zu", "G2.gz");
    }

    [Theory]
    [InlineData(55)]
    [InlineData(56)]
    [InlineData(1000)]
    [InlineData(1079)]
    [InlineData(1080)]
    [InlineData(2000)]
    [InlineData(5175)]
    public void A_gzip_file_of_a_stream_that_was_cut(int length)
    {
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream()[..length]));
        MustComplain("-zu", "G2.gz");
    }

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    [InlineData("-u")]
    public void A_file_shorter_than_the_header_structure(string option)
    {
        foreach (int length in new[] { 0, 4, 8, 40, 55 })
        {
            Write("B", (option == "-u" ? Golden.ImageG2.Packed() : Golden.G2())[..length]);
            MustRefuse(option, "B", "Reading cowheader: Success");
        }
    }

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    [InlineData("-u")]
    public void A_file_that_ends_within_its_bitmap(string option)
    {
        foreach (int length in new[] { 56, 1024, 1500, 2047 })
        {
            Write("B", (option == "-u" ? Golden.ImageG2.Packed() : Golden.G2())[..length]);
            MustRefuse(option, "B", "Reading bitmap: Success");
        }
    }

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    public void A_cowfile_that_ends_before_a_marked_block(string option)
    {
        foreach (int length in new[] { 2048, 4096, 5119, 8300, 107520, 108543 })
        {
            Write("B", Golden.G2()[..length]);
            MustComplain(option, "B");
        }
    }

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    [InlineData("-u")]
    public void A_file_with_the_wrong_magic(string option)
    {
        Write("text", Fixtures.R);
        MustRefuse(option, "text", WrongMagic);
    }

    [Fact]
    public void A_gzip_file_of_something_else()
    {
        Write("text.gz", Gzip(Fixtures.R));
        MustRefuse("-zu", "text.gz", WrongMagic);
        Write("text", Fixtures.R);
        MustComplain("-zu", "text");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(3)]
    public void A_version_that_is_not_1(short version)
    {
        const string Text = "Version of cowfile not supported";
        CowImage image = Golden.ImageG2 with { Version = version };
        Write("B", image);
        MustRefuse("-p", "B", Text);
        MustRefuse("-zp", "B", Text);
        Write("B", image.Packed());
        MustRefuse("-u", "B", Text);
        Write("B", Gzip(image.PackedStream()));
        MustRefuse("-zu", "B", Text);
    }

    [Theory]
    [MemberData(nameof(Damage.Layouts), MemberType = typeof(Damage))]
    public void A_header_whose_fields_do_not_belong_together(string damage)
    {
        foreach (CowVariant variant in Damage.Variants)
        {
            CowImage image = Golden.ImageG2 with { Variant = variant };
            Write("B", Damage.Of(damage, image));
            MustComplain("-p", "B");
            Write("B", Damage.OfPacked(damage, image));
            MustComplain("-u", "B");
            Write("B", Gzip(Damage.OfStream(damage, image)));
            MustComplain("-zu", "B");
        }
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(8191)]
    public void A_bit_beyond_the_end_of_the_base(long bit) => MustComplainInEveryForm(Golden.ImageG2.With(bit, 1, 0x66));

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_count_that_is_not_that_of_the_bitmap(int count) => MustComplainInEveryForm(Golden.ImageG2 with { WrongUsedBlocks = (ulong)count });

    [Fact]
    public void A_missing_source()
    {
        MustRefuse("-p", "missing", "Opening cowfile: No such file or directory");
        MustRefuse("-u", "missing", "Opening inputfile: No such file or directory");
    }

    [Fact]
    public void A_destination_in_a_missing_directory()
    {
        Write("G2", Golden.ImageG2);
        Write("G2p", Golden.ImageG2.Packed());
        Action mustBeUnchanged = KeepAll();
        Run("cowpack", "-p", "G2", "none/packed").MustRefuse(1, "Opening outputfile: No such file or directory", "none/packed");
        Run("cowpack", "-zp", "G2", "none/packed").MustRefuse(1, "Opening outputfile: No such file or directory", "none/packed");
        Run("cowpack", "-u", "G2p", "none/again").MustRefuse(1, "Opening cowfile: No such file or directory", "none/again");
        mustBeUnchanged();
    }

    private static CowImage NoisyG2() => Golden.ImageG2 with
    {
        Data = Golden.ImageG2.Data.SetItems(Golden.ImageG2.Bits.Select(bit => KeyValuePair.Create(bit, Noise((int)bit, 1024)))),
    };

    private void MustComplainInEveryForm(CowImage image)
    {
        Write("B", image);
        MustComplain("-p", "B");
        MustComplain("-zp", "B");
        Write("B", image.Packed());
        MustComplain("-u", "B");
        Write("B", Gzip(image.PackedStream()));
        MustComplain("-zu", "B");
    }

    private void MustRefuse(string option, string source, string firstLine)
    {
        Assert.Equal(firstLine, MustComplain(option, source).ErrorLines[0]);

        Write("result", "what was there before"u8.ToArray());
        Assert.Equal(firstLine, MustComplain(option, source).ErrorLines[0]);
        File.Delete(Temp["result"]);
    }

    private CommandResult MustComplain(string option, string source)
    {
        Action mustBeUnchanged = KeepAll();
        CommandResult result = Run("cowpack", option, source, "result").MustComplain(1, source);
        mustBeUnchanged();
        return result;
    }
}
