using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Tests.Work;

public sealed class PackedInputTests : IDisposable
{
    private static readonly CowImage PackedG2 = Golden.ImageG2 with { Flags = CowImage.PackedFlag };

    private readonly WorkDirectory _directory = new();

    public PackedInputTests()
    {
        _directory.Write("plain", PackedG2.Packed());
        _directory.Write("unpadded", PackedG2.PackedStream());
        _directory.Write("empty-plain", new CowImage().Packed());
        _directory.Write("empty-unpadded", new CowImage().PackedStream());
        foreach ((string name, PackedEncoding encoding) in new[] { ("gzip", PackedEncoding.Gzip), ("zstd", PackedEncoding.Zstd) })
        {
            using Stream stream = PackedStreams.Compress(encoding, new CheckedStream(_directory.Open(name)));
            stream.Write(PackedG2.PackedStream());
        }
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("plain", PackedEncoding.Plain)]
    [InlineData("unpadded", PackedEncoding.Unpadded)]
    [InlineData("empty-plain", PackedEncoding.Plain)]
    [InlineData("empty-unpadded", PackedEncoding.Unpadded)]
    [InlineData("gzip", PackedEncoding.Gzip)]
    [InlineData("zstd", PackedEncoding.Zstd)]
    public void The_content_tells_the_encoding(string name, PackedEncoding encoding)
    {
        using PackedInput input = PackedInput.Open(_directory[name], expected: null);

        Assert.Equal(encoding, input.Encoding);
        byte[] cowfile = Unpack(input);
        Assert.Equal((name.StartsWith("empty", StringComparison.Ordinal) ? new CowImage() : Golden.ImageG2).ToBytes(), cowfile);
        Assert.Null(input.Damage);
        Assert.Equal(new FileInfo(_directory[name]).Length, input.LengthBytes);
    }

    [Theory]
    [InlineData("plain", PackedEncoding.Plain)]
    [InlineData("gzip", PackedEncoding.Gzip)]
    [InlineData("zstd", PackedEncoding.Zstd)]
    [InlineData("unpadded", PackedEncoding.Gzip)]
    [InlineData("unpadded", PackedEncoding.Zstd)]
    public void What_is_expected_is_taken(string name, PackedEncoding expected)
    {
        using PackedInput input = PackedInput.Open(_directory[name], expected);

        Assert.Equal(Golden.ImageG2.ToBytes(), Unpack(input));
    }

    [Theory]
    [InlineData("gzip", PackedEncoding.Plain, Fault.WrongMagic, "cowpack -zu ")] // T64
    [InlineData("gzip", PackedEncoding.Zstd, Fault.WrongMagic, "cowpack -zu ")]
    [InlineData("zstd", PackedEncoding.Plain, Fault.WrongMagic, "cowpack --zstd -u ")]
    [InlineData("zstd", PackedEncoding.Gzip, Fault.WrongMagic, "cowpack --zstd -u ")]
    [InlineData("plain", PackedEncoding.Gzip, Fault.OtherEncoding, "cowpack -u ")] // T65
    [InlineData("plain", PackedEncoding.Zstd, Fault.OtherEncoding, "cowpack -u ")]
    [InlineData("empty-plain", PackedEncoding.Gzip, Fault.OtherEncoding, "cowpack -u ")]
    [InlineData("unpadded", PackedEncoding.Plain, Fault.OtherEncoding, "cowpack -zu ")]
    [InlineData("empty-unpadded", PackedEncoding.Plain, Fault.OtherEncoding, "cowpack -zu ")]
    public void T64_T65_another_encoding_is_refused_and_the_right_command_named(string name, PackedEncoding expected, Fault fault, string command)
    {
        var exception = Assert.Throws<CowloopException>(() => PackedInput.Open(_directory[name], expected));

        Assert.Equal((Errno.EINVAL, fault), (exception.Errno, exception.Fault));
        Assert.Contains(command + _directory[name], exception.Hint, StringComparison.Ordinal);
    }

    /// <summary>The header alone is not decided about: its refusal comes from the unpacking.</summary>
    [Theory]
    [InlineData(PackedEncoding.Plain)]
    [InlineData(PackedEncoding.Gzip)]
    public void A_cowfile_that_is_not_packed_is_opened(PackedEncoding expected)
    {
        _directory.Write("cowfile", Golden.G2());
        using PackedInput input = PackedInput.Open(_directory["cowfile"], expected);

        Assert.Equal(Fault.NotPacked, Assert.Throws<CowloopException>(() => Unpack(input)).Fault);
    }

    [Fact]
    public void A_cut_stream_without_compression_is_incomplete()
    {
        _directory.Write("cut", PackedG2.PackedStream()[..^1]);
        using PackedInput input = PackedInput.Open(_directory["cut"], PackedEncoding.Gzip);

        var exception = Assert.Throws<CowloopException>(() => Unpack(input));

        Assert.Equal((Errno.None, Fault.ReadData), (exception.Errno, exception.Fault));
        Assert.Null(input.Damage);
    }

    [Fact]
    public void Damage_is_told_in_the_words_of_zlib()
    {
        _directory.Write("cut", _directory.Read("gzip")[..^1]);
        using PackedInput input = PackedInput.Open(_directory["cut"], PackedEncoding.Gzip);

        Assert.Equal(Fault.ReadData, Assert.Throws<CowloopException>(() => Unpack(input)).Fault);

        Assert.Equal("unexpected end of file", input.Damage);
    }

    [Fact]
    public void Short_files_are_opened_whatever_they_are()
    {
        foreach (byte[] content in new byte[][] { [], [0x7F], [1, 2, 3] })
        {
            _directory.Write("short", content);
            using PackedInput input = PackedInput.Open(_directory["short"], expected: null);
            Assert.Equal(Fault.ReadHeader, Assert.Throws<CowloopException>(() => Unpack(input)).Fault);
        }
    }

    private byte[] Unpack(PackedInput input)
    {
        File.Delete(_directory["unpacked"]);
        Unpacker.Prepare(input.Source).Run(_directory.Open("unpacked"), NobodyWatches.Instance);
        return _directory.Read("unpacked");
    }
}
