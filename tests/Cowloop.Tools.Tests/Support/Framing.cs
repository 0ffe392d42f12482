using System.Buffers.Binary;
using System.IO.Compression;
using ZstdSharp;

namespace Cowloop.Tools.Tests.Support;

/// <summary>The ways in which a packed stream is put into a file, by whatever program.</summary>
internal enum Framing
{
    None,
    Gzip,
    StoredGzip,
    GzipMembers,
    Zstd,
    RawZstd,
    ZstdFrames,
}

internal static class Framings
{
    private const int MaxRawBlockBytes = 64 * 1024;

    public static byte[] Frame(this Framing framing, byte[] content) => framing switch
    {
        Framing.Gzip => Gzip(content, CompressionLevel.Fastest),
        Framing.StoredGzip => Gzip(content, CompressionLevel.NoCompression),
        Framing.GzipMembers => [.. Gzip(content[..(content.Length / 2)], CompressionLevel.Fastest), .. Gzip(content[(content.Length / 2)..], CompressionLevel.Fastest)],
        Framing.Zstd => Zstd(content),
        Framing.RawZstd => RawZstd(content),
        Framing.ZstdFrames => [.. RawZstd(content[..(content.Length / 3)]), .. Zstd(content[(content.Length / 3)..])],
        _ => content,
    };

    /// <summary>A frame of blocks that are not compressed and have no checksum: what is changed in it arrives.</summary>
    /// <param name="content">What is in it.</param>
    /// <param name="windowLog">It says that 2 to this power bytes are needed to read it: 10 to 41.</param>
    public static byte[] RawZstd(byte[] content, int windowLog = 17)
    {
        var frame = new List<byte> { 0x28, 0xB5, 0x2F, 0xFD, 0, (byte)((windowLog - 10) << 3) };
        Span<byte> header = stackalloc byte[4];
        int offset = 0;
        do
        {
            int length = Math.Min(MaxRawBlockBytes, content.Length - offset);
            bool isLast = offset + length == content.Length;
            BinaryPrimitives.WriteInt32LittleEndian(header, (length << 3) | (isLast ? 1 : 0));
            frame.AddRange(header[..3]);
            frame.AddRange(content.AsSpan(offset, length));
            offset += length;
        }
        while (offset < content.Length);
        return [.. frame];
    }

    private static byte[] Gzip(byte[] content, CompressionLevel level)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, level, leaveOpen: true))
        {
            gzip.Write(content);
        }
        return target.ToArray();
    }

    private static byte[] Zstd(byte[] content)
    {
        using var compressor = new Compressor(1);
        return compressor.Wrap(content).ToArray();
    }
}
