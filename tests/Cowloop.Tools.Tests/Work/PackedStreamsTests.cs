using Cowloop.Core;
using Cowloop.Core.Maintenance;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Tests.Work;

/// <summary>What is compressed is read by everybody; what is decompressed has been verified to its end.</summary>
public sealed class PackedStreamsTests : IDisposable
{
    private const string TooShort = "unexpected end of file";
    private const string Wrong = "incorrect data check";

    private static readonly byte[] Content = Golden.ImageG2.PackedStream();

    private readonly WorkDirectory _directory = new();

    public static TheoryData<PackedEncoding> Encodings => [PackedEncoding.Gzip, PackedEncoding.Zstd];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Encodings))]
    public void What_is_compressed_can_be_decompressed(PackedEncoding encoding)
    {
        byte[] large = Fixtures.RandomBytes(new Random(2), 3_000_000);
        large.AsSpan(500_000, 2_000_000).Clear();

        Assert.Equal(Content, Decompress(encoding, Compress(encoding, Content)));
        Assert.True(large.AsSpan().SequenceEqual(Decompress(encoding, Compress(encoding, large))));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void The_encoding_is_recognised(PackedEncoding encoding) =>
        Assert.Equal(encoding, PackedEncodings.Recognise(Compress(encoding, Content)));

    /// <summary>Specification 5.8.4.</summary>
    [Fact]
    public void The_gzip_header_is_that_of_the_original() =>
        Assert.Equal("1F8B0800000000000203", Convert.ToHexString(Compress(PackedEncoding.Gzip, Content).AsSpan(0, 10)));

    [NeedsTheory("gzip", "zstd")]
    [InlineData(PackedEncoding.Gzip, "gzip")]
    [InlineData(PackedEncoding.Zstd, "zstd")]
    public void The_programs_everybody_has_read_it(PackedEncoding encoding, string program)
    {
        _directory.Write("compressed", Compress(encoding, Content));

        Shell.RunScript($"{program} -dc < {_directory["compressed"]} > {_directory["content"]}");

        Assert.Equal(Content, _directory.Read("content"));
    }

    [NeedsTheory("gzip", "zstd")]
    [InlineData(PackedEncoding.Gzip, "gzip -1")]
    [InlineData(PackedEncoding.Gzip, "gzip -9 --name")]
    [InlineData(PackedEncoding.Zstd, "zstd -q -1")]
    [InlineData(PackedEncoding.Zstd, "zstd -q -19 --no-check")]
    public void What_the_programs_everybody_has_write_is_read(PackedEncoding encoding, string command)
    {
        _directory.Write("content", Content);

        Shell.RunScript($"{command} -c {_directory["content"]} > {_directory["compressed"]}");

        Assert.Equal(Content, Decompress(encoding, _directory.Read("compressed")));
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Several_members_are_one_content(PackedEncoding encoding)
    {
        byte[] members = [.. Compress(encoding, Content[..1000]), .. Compress(encoding, Content[1000..1001]), .. Compress(encoding, Content[1001..])];

        Assert.Equal(Content, Decompress(encoding, members));
    }

    /// <summary>As the original's reader did; its writer left such remains itself (specification 6.13).</summary>
    [Theory]
    [InlineData("00")]
    [InlineData("0000000000000000000000000000000000000000")]
    [InlineData("7f434f57010000000004")]
    public void Garbage_behind_gzip_is_ignored(string garbageHex) =>
        Assert.Equal(Content, Decompress(PackedEncoding.Gzip, [.. Compress(PackedEncoding.Gzip, Content), .. Convert.FromHexString(garbageHex)]));

    [Fact]
    public void Garbage_behind_zstd_is_damage() => AssertDamaged(PackedEncoding.Zstd, [.. Compress(PackedEncoding.Zstd, Content), 1, 2, 3, 4, 5], Wrong);

    [Theory]
    [MemberData(nameof(Encodings))]
    public void T68_a_cut_anywhere_is_found(PackedEncoding encoding)
    {
        byte[] compressed = Compress(encoding, Content);
        for (int length = 1; length < compressed.Length; length++)
        {
            AssertDamaged(encoding, compressed[..length], TooShort);
        }
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void A_cut_in_a_later_member_is_found(PackedEncoding encoding)
    {
        byte[] first = Compress(encoding, Content[..2000]);
        byte[] both = [.. first, .. Compress(encoding, Content[2000..])];
        for (int length = first.Length + 1; length < both.Length; length++)
        {
            AssertDamaged(encoding, both[..length], TooShort);
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(5)]
    [InlineData(4)]
    [InlineData(1)]
    public void A_wrong_gzip_trailer_is_found(int fromTheEnd)
    {
        byte[] compressed = Compress(PackedEncoding.Gzip, Content);
        compressed[^fromTheEnd] ^= 1;

        AssertDamaged(PackedEncoding.Gzip, compressed, Wrong);
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void No_flipped_bit_changes_the_content_unnoticed(PackedEncoding encoding)
    {
        byte[] compressed = Compress(encoding, Content);
        int foundCount = 0;
        for (int bit = 0; bit < compressed.Length * 8; bit++)
        {
            byte[] flipped = [.. compressed];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                // Some bits say nothing about the content.
                Assert.Equal(Content, Decompress(encoding, flipped));
            }
            catch (InvalidDataException)
            {
                foundCount++;
            }
        }
        Assert.True(foundCount > compressed.Length * 4, $"{foundCount} of {compressed.Length * 8} bits");
    }

    [Theory]
    [MemberData(nameof(Encodings))]
    public void T66_a_disk_that_gets_full_at_any_byte_is_an_error(PackedEncoding encoding)
    {
        byte[] compressed = Compress(encoding, Content);
        for (int space = 0; space < compressed.Length; space++)
        {
            var exception = Assert.Throws<CowloopException>(() =>
            {
                Stream stream = PackedStreams.Compress(encoding, new SmallDisk(space));
                stream.Write(Content);
                stream.Dispose();
            });
            Assert.Equal(Errno.ENOSPC, exception.Errno);
        }
    }

    private byte[] Compress(PackedEncoding encoding, byte[] content)
    {
        File.Delete(_directory["compressing"]);
        using (Stream stream = PackedStreams.Compress(encoding, new CheckedStream(_directory.Open("compressing"))))
        {
            stream.Write(content);
        }
        return _directory.Read("compressing");
    }

    private byte[] Decompress(PackedEncoding encoding, byte[] compressed)
    {
        _directory.Write("decompressing", compressed);
        using DecompressedStream stream = PackedStreams.Decompress(encoding, new CheckedStream(_directory.Open("decompressing")));
        using var content = new MemoryStream();
        stream.CopyTo(content);
        Assert.Null(stream.Damage);
        return content.ToArray();
    }

    private void AssertDamaged(PackedEncoding encoding, byte[] compressed, string damage)
    {
        _directory.Write("damaged", compressed);
        using DecompressedStream stream = PackedStreams.Decompress(encoding, new CheckedStream(_directory.Open("damaged")));

        var exception = Assert.Throws<InvalidDataException>(() => stream.CopyTo(Stream.Null));

        Assert.Equal((compressed.Length, damage), (compressed.Length, exception.Message));
        Assert.Equal(damage, stream.Damage);
    }

    private sealed class SmallDisk(int spaceBytes) : MemoryStream
    {
        // What is written as a span comes here too.
        public override void Write(byte[] buffer, int offset, int count)
        {
            if (Length + count > spaceBytes)
            {
                throw new CowloopException(Errno.ENOSPC, "full");
            }
            base.Write(buffer, offset, count);
        }
    }
}
