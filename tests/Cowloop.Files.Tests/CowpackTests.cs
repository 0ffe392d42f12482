using System.IO.Compression;

namespace Cowloop.Files.Tests;

/// <summary>cowpack (specification 5.8) on what can be packed and unpacked.</summary>
public class CowpackTests : ToolTest
{
    [Theory]
    [InlineData(CowVariant.Little64, Golden.G2PackedWide, Golden.G2Wide)]
    [InlineData(CowVariant.Little32, Golden.G2PackedNarrow, Golden.G2Narrow)]
    public void T60_T69_packed_and_unpacked_again(CowVariant variant, string packed, string unpacked)
    {
        var source = Keep("G2", Golden.ImageG2 with { Variant = variant });
        Run("cowpack", "-p", "G2", "G2p").MustPrint("");
        Assert.Equal((8192, packed), LengthAndHash("G2p"));
        source.MustBeUnchanged();

        var intermediate = FileSnapshot.Of(Temp["G2p"]);
        Run("cowpack", "-u", "G2p", "again").MustPrint("");
        Assert.Equal((108544, unpacked), LengthAndHash("again"));
        intermediate.MustBeUnchanged();
        Assert.Equal(["G2", "G2p", "again"], Names);
    }

    [Theory]
    [InlineData(CowVariant.Little64, Golden.G2StreamWide, 5176, Golden.G2Wide)]
    [InlineData(CowVariant.Little32, Golden.G2StreamNarrow, 5152, Golden.G2Narrow)]
    public void T61_T69_packed_with_gzip_and_unpacked_again(CowVariant variant, string stream, int streamLength, string unpacked)
    {
        var source = Keep("G2", Golden.ImageG2 with { Variant = variant });
        Run("cowpack", "-zp", "G2", "G2.gz").MustPrint("");
        source.MustBeUnchanged();
        RunScript("gzip -dc < G2.gz > G2z");
        Assert.Equal((streamLength, stream), LengthAndHash("G2z"));

        var intermediate = FileSnapshot.Of(Temp["G2.gz"]);
        Run("cowpack", "-zu", "G2.gz", "again").MustPrint("");
        Assert.Equal((108544, unpacked), LengthAndHash("again"));
        intermediate.MustBeUnchanged();
        Assert.Equal(["G2", "G2.gz", "G2z", "again"], Names);
    }

    [Theory]
    [InlineData("gzip -1 < stream > packed")]
    [InlineData("gzip -9 < stream > packed")]
    [InlineData("gzip -c stream > packed")]
    [InlineData("{ head -c 1000 stream | gzip -1; tail -c +1001 stream | gzip -9; } > packed")]
    [InlineData("{ head -c 20 stream | gzip; tail -c +21 stream | head -c 1 | gzip; tail -c +22 stream | gzip; } > packed")]
    [InlineData("{ gzip < stream; gzip < /dev/null; } > packed")]
    [InlineData("{ gzip < stream; head -c 1000 /dev/zero; } > packed")]
    [InlineData("{ gzip < stream; printf 'trailing garbage'; } > packed")]
    public void T61_any_gzip_encoding_is_unpacked(string encode)
    {
        foreach (CowVariant variant in new[] { CowVariant.Little64, CowVariant.Little32 })
        {
            CowImage image = Golden.ImageG2 with { Variant = variant };
            Write("stream", image.PackedStream());
            RunScript(encode);
            Run("cowpack", "-zu", "packed", "again").MustPrint("");
            Assert.Equal(image.ToBytes(), Read("again"));
        }
    }

    [Fact]
    public void T61_gzip_without_compression_is_unpacked()
    {
        Write("packed", Gzip(Golden.ImageG2.PackedStream(), CompressionLevel.NoCompression));
        Run("cowpack", "-z", "-u", "packed", "G2").MustPrint("");
        Assert.Equal(Golden.G2Wide, FileSnapshot.HashOf(Temp["G2"]));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void T62_a_cowfile_without_blocks(CowVariant variant)
    {
        CowImage image = new() { Variant = variant };
        Write("empty", image);
        Run("cowpack", "-p", "empty", "packed").MustPrint("");
        Assert.Equal(2048, Read("packed").Length);
        Assert.Equal(image.Packed(), Read("packed"));
        Run("cowpack", "-u", "packed", "again").MustPrint("");
        Assert.Equal(image.ToBytes(), Read("again"));

        Run("cowpack", "-zp", "empty", "empty.gz").MustPrint("");
        Assert.Equal(image.StructSize + 1024, Gunzip(Read("empty.gz")).Length);
        Assert.Equal(image.PackedStream(), Gunzip(Read("empty.gz")));
        Run("cowpack", "-zu", "empty.gz", "again").MustPrint("");
        Assert.Equal(image.ToBytes(), Read("again"));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Word_size_and_byte_order_stay(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant };
        Write("G2", image);
        Run("cowpack", "-p", "G2", "G2p").MustPrint("");
        Assert.Equal(image.Packed(), Read("G2p"));
        Run("cowpack", "-u", "G2p", "again").MustPrint("");
        Assert.Equal(image.ToBytes(), Read("again"));

        Run("cowpack", "-zp", "G2", "G2.gz").MustPrint("");
        Assert.Equal(image.PackedStream(), Gunzip(Read("G2.gz")));
        Run("cowpack", "-zu", "G2.gz", "again").MustPrint("");
        Assert.Equal(image.ToBytes(), Read("again"));
    }

    [Fact]
    public void T9_a_cowfile_lengthened_to_its_full_length_packs_the_same()
    {
        Write("G2", Golden.ImageG2);
        RunScript("truncate -s 1052672 G2");
        Run("cowpack", "-p", "G2", "G2p").MustPrint("");
        Assert.Equal((8192, Golden.G2PackedWide), LengthAndHash("G2p"));
    }

    [Theory]
    [InlineData("-u", "G2p")]
    [InlineData("-zu", "G2.gz")]
    public void T67_unpacking_onto_an_existing_file_leaves_nothing_of_it(string option, string source)
    {
        Write("G2p", Golden.ImageG2.Packed());
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream()));
        Write("G2", Noise(1, 300000));
        Run("cowpack", option, source, "G2").MustPrint("");
        Assert.Equal((108544, Golden.G2Wide), LengthAndHash("G2"));
        Run("cowrepair", "-f", "G2").MustPrint("Number of corrections in bitmap: 0\n");
    }

    [Theory]
    [InlineData("-p")]
    [InlineData("-zp")]
    public void Packing_onto_an_existing_file_leaves_nothing_of_it(string option)
    {
        Write("G2", Golden.ImageG2);
        Write("packed", Noise(1, 300000));
        Run("cowpack", option, "G2", "packed").MustPrint("");
        byte[] packed = Read("packed");
        Assert.Equal(Golden.ImageG2.PackedStream(), option == "-p" ? WithoutPadding(packed) : Gunzip(packed));
        Assert.True(packed.Length <= 8192);
    }

    [Theory]
    [InlineData("-p", "G2")]
    [InlineData("-zp", "G2")]
    [InlineData("-u", "G2p")]
    [InlineData("-zu", "G2.gz")]
    public void The_result_is_its_owners_alone(string option, string source)
    {
        Write("G2", Golden.ImageG2);
        Write("G2p", Golden.ImageG2.Packed());
        Write("G2.gz", Gzip(Golden.ImageG2.PackedStream()));
        Run("cowpack", option, source, "result").MustPrint("");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Temp["result"]));
    }

    [Theory]
    [InlineData("-pz", "G2", "packed")]
    [InlineData("-z", "-p", "G2", "packed")]
    [InlineData("G2", "packed", "-zp")]
    [InlineData("-p", "G2", "-z", "packed")]
    [InlineData("-zp", "--", "G2", "packed")]
    [InlineData("-zzp", "G2", "packed", "further", "operands")]
    public void Options_stand_where_they_like(params string[] arguments)
    {
        Write("G2", Golden.ImageG2);
        Run("cowpack", arguments).MustPrint("");
        Assert.Equal(Golden.G2StreamWide, Fixtures.Sha256(Gunzip(Read("packed"))));
        Assert.Equal(["G2", "packed"], Names);
    }

    [Fact]
    public void Blocks_are_packed_in_ascending_order_whatever_they_hold()
    {
        CowImage image = new();
        for (int block = 0; block < 1024; block += 3)
        {
            image = image.With(block, 1, 0) with { Data = image.Data.Add(block, block % 2 == 0 ? new byte[1024] : Noise(block, 1024)) };
        }
        Write("image", image);
        foreach ((string pack, string unpack) in new[] { ("-p", "-u"), ("-zp", "-zu") })
        {
            Run("cowpack", pack, "image", "packed").MustPrint("");
            byte[] packed = Read("packed");
            Assert.Equal(image.PackedStream(), pack == "-p" ? WithoutPadding(packed) : Gunzip(packed));
            Run("cowpack", unpack, "packed", "again").MustPrint("");
            Assert.Equal(image.ToBytes(), Read("again"));
        }
    }

    [Fact]
    public void A_large_cowfile_with_few_blocks_stays_small()
    {
        const long Blocks = 5L << 20;
        CowImage image = new CowImage { BlockCount = Blocks }.With(0, 1, 1).With(4198400, 2, 2).With(Blocks - 1, 1, 3);
        Write("image", image);
        foreach ((string pack, string unpack) in new[] { ("-p", "-u"), ("-zp", "-zu") })
        {
            Run("cowpack", pack, "image", "packed").MustPrint("");
            Run("cowpack", unpack, "packed", "again").MustPrint("");
            Assert.True(DiskUsage.Of(Temp["packed"]) < 1 << 20);
            Assert.True(DiskUsage.Of(Temp["again"]) < 1 << 20);
            Assert.Equal(image.DataOffset + Blocks * 1024, new FileInfo(Temp["again"]).Length);
            using FileStream again = File.OpenRead(Temp["again"]);
            byte[] head = new byte[image.DataOffset + 1024];
            again.ReadExactly(head);
            using FileStream expected = File.OpenRead(Temp["image"]);
            byte[] expectedHead = new byte[head.Length];
            expected.ReadExactly(expectedHead);
            Assert.Equal(expectedHead, head);
            again.Position = image.DataOffset + 4198399L * 1024;
            byte[] middle = new byte[4 * 1024];
            again.ReadExactly(middle);
            Assert.Equal([.. new byte[1024], .. Fixtures.Filled(2048, 2), .. new byte[1024]], middle);
            again.Position = again.Length - 2048;
            again.ReadExactly(middle.AsSpan(0, 2048));
            Assert.Equal([.. new byte[1024], .. Fixtures.Filled(1024, 3)], middle[..2048]);
        }
    }

    /// <summary>The original kept them; refusing them would be honest too.</summary>
    [Fact]
    public void Unknown_flags_are_kept_or_refused()
    {
        CowImage image = Golden.ImageG2 with { Flags = 0x8000 };
        Write("B", image);
        CommandResult result = Run("cowpack", "-p", "B", "packed");
        if (result.ExitCode == 1)
        {
            result.MustComplain(1, "B");
            Assert.Equal(["B"], Names);
            return;
        }
        result.MustPrint("");
        Assert.Equal(image.Packed(), Read("packed"));
    }

    private (int Length, string Hash) LengthAndHash(string name) => ((int)new FileInfo(Temp[name]).Length, FileSnapshot.HashOf(Temp[name]));

    /// <summary>A plain packed file of R's size as the unpadded stream.</summary>
    private static byte[] WithoutPadding(byte[] packed)
    {
        Assert.False(packed.AsSpan(56, 1024 - 56).ContainsAnyExcept((byte)0));
        Assert.False(packed.AsSpan(2048, 2048).ContainsAnyExcept((byte)0));
        return [.. packed[..56], .. packed[1024..2048], .. packed[4096..]];
    }
}
