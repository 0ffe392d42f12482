using System.Buffers.Binary;
using System.IO.Compression;

namespace Cowloop.Tests.Support;

/// <summary>Cloop images (format V2.0) as create_compressed_fs makes them, in memory; and where their parts are, to damage them.</summary>
internal static class CloopBytes
{
    public const int BlockSizeOffset = 128;
    public const int BlockCountOffset = 132;
    public const int TableOffset = 136;

    private static readonly byte[] Preamble =
        [.. "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\nexit $?\n"u8, .. new byte[37]];

    /// <summary>Compresses content; the last block is filled up with zeros.</summary>
    public static byte[] Of(ReadOnlySpan<byte> content, int blockBytes)
    {
        var blocks = new List<byte[]>();
        for (int start = 0; start < content.Length; start += blockBytes)
        {
            byte[] block = new byte[blockBytes];
            content[start..Math.Min(content.Length, start + blockBytes)].CopyTo(block);
            blocks.Add(Compress(block));
        }
        return Join(blockBytes, blocks);
    }

    /// <summary>An image of blocks that are compressed already, or something else.</summary>
    public static byte[] Join(int blockBytes, IReadOnlyList<byte[]> blocks)
    {
        byte[] start = new byte[TableOffset + (blocks.Count + 1) * sizeof(ulong)];
        Preamble.CopyTo(start, 0);
        BinaryPrimitives.WriteInt32BigEndian(start.AsSpan(BlockSizeOffset), blockBytes);
        BinaryPrimitives.WriteInt32BigEndian(start.AsSpan(BlockCountOffset), blocks.Count);
        ulong offset = (ulong)start.Length;
        PutEntry(start, 0, offset);
        for (int number = 0; number < blocks.Count; number++)
        {
            offset += (ulong)blocks[number].Length;
            PutEntry(start, number + 1, offset);
        }
        return [.. start, .. blocks.SelectMany(block => block)];
    }

    /// <summary>A zlib stream.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> content)
    {
        using var target = new MemoryStream();
        using (var stream = new ZLibStream(target, CompressionLevel.Fastest))
        {
            stream.Write(content);
        }
        return target.ToArray();
    }

    /// <summary>Offset of a block, or of the end of the last one.</summary>
    public static int Entry(ReadOnlySpan<byte> image, int number) =>
        (int)BinaryPrimitives.ReadUInt64BigEndian(image[(TableOffset + number * sizeof(ulong))..]);

    public static void PutEntry(Span<byte> image, int number, ulong offset) =>
        BinaryPrimitives.WriteUInt64BigEndian(image[(TableOffset + number * sizeof(ulong))..], offset);

    /// <summary>Changes a byte in the middle of a block's stream.</summary>
    public static void DamageBlock(Span<byte> image, int number) => image[(Entry(image, number) + Entry(image, number + 1)) / 2] ^= 0xFF;
}
