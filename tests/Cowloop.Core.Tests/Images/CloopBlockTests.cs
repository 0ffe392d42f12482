using System.IO.Compression;
using Cowloop.Core.Images;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Images;

public class CloopBlockTests
{
    private static readonly byte[] Content = Fixtures.R[..65536];
    private static readonly byte[] Stream = CloopBytes.Compress(Content);

    [Fact]
    public void A_whole_block()
    {
        byte[] target = new byte[Content.Length];
        byte[] file = [.. new byte[10], .. Stream, .. new byte[10]];
        Assert.Equal(Errno.None, CloopBlock.Read(new FlatFile(file), 10, Stream.Length, target, out bool isFinal));
        Assert.True(isFinal);
        Assert.Equal(Content, target);
    }

    [Fact]
    public void Shorter_or_longer_than_a_block_is_damaged()
    {
        MustBeDamaged(CloopBytes.Compress(Content.AsSpan(1)));
        MustBeDamaged(CloopBytes.Compress([.. Content, 0]));
        MustBeDamaged(CloopBytes.Compress([]));
    }

    [Fact]
    public void A_stream_that_was_cut_is_damaged()
    {
        foreach (int length in new[] { 1, 2, 3, 100, Stream.Length - 5, Stream.Length - 4, Stream.Length - 1 })
        {
            MustBeDamaged(Stream[..length]);
        }
    }

    /// <summary>Header, content and checksum: whatever the byte, nothing wrong comes out.</summary>
    [Fact]
    public void A_changed_byte_is_seen()
    {
        for (int offset = 0; offset < Stream.Length; offset += offset < 16 || offset > Stream.Length - 16 ? 1 : 97)
        {
            byte[] changed = [.. Stream];
            changed[offset] ^= 0x41;
            MustBeDamaged(changed);
        }
    }

    [Fact]
    public void Another_compression_is_damaged()
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
        {
            gzip.Write(Content);
        }
        MustBeDamaged(target.ToArray());
        MustBeDamaged(new byte[5000]);
    }

    [Fact]
    public void An_error_of_the_file_is_not_final()
    {
        var file = new TracingFile(new FlatFile(Stream)) { OnCall = _ => Errno.ENOMEM };
        Assert.Equal(Errno.ENOMEM, CloopBlock.Read(file, 0, Stream.Length, new byte[Content.Length], out bool isFinal));
        Assert.False(isFinal);
    }

    private static void MustBeDamaged(byte[] stream)
    {
        Assert.Equal(Errno.EIO, CloopBlock.Read(new FlatFile(stream), 0, stream.Length, new byte[Content.Length], out bool isFinal));
        Assert.True(isFinal);
    }
}
