using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Cowloop.Tests.Support;

/// <summary>Word size and byte order of the machine that a cowfile comes from.</summary>
public enum CowVariant
{
    Little64,
    Little32,
    Big64,
    Big32,
}

/// <summary>
/// A cowfile put together by hand from the specification's section 1: nothing of the engine is used. Everything can be
/// set to something wrong; what is not set is what it must be.
/// </summary>
internal sealed record CowImage
{
    public const int BlockSize = 1024;
    public const ushort Dirty = 1;
    public const ushort PackedFlag = 2;
    public const ushort BitmapDecides = 4;

    public CowVariant Variant { get; init; }

    public uint Magic { get; init; } = 0x574F437F;

    public short Version { get; init; } = 1;

    public ushort Flags { get; init; }

    public ulong MapUnit { get; init; } = BlockSize;

    /// <summary>Blocks of the base: 1024 are R's.</summary>
    public long BlockCount { get; init; } = 1024;

    /// <summary>Low half of the fingerprint, R's; the upper one follows from it.</summary>
    public uint Fingerprint { get; init; } = 0xce7e7ab8;

    /// <summary>The bits that are 1.</summary>
    public ImmutableSortedSet<long> Bits { get; init; } = [];

    /// <summary>The blocks that have data, whether they have a bit or not.</summary>
    public ImmutableSortedDictionary<long, byte[]> Data { get; init; } = ImmutableSortedDictionary<long, byte[]>.Empty;

    /// <summary>What the reserved bytes of the header block are filled with.</summary>
    public byte Reserved { get; init; }

    public ulong? WrongMapSize { get; init; }

    public ulong? WrongDataOffset { get; init; }

    public ulong? WrongUsedBlocks { get; init; }

    public int BitmapBytes => RoundUp((int)((BlockCount + 7) / 8), BlockSize);

    public long DataOffset => RoundUp(BlockSize + BitmapBytes, 4096);

    public int WordSize => Variant is CowVariant.Little64 or CowVariant.Big64 ? 8 : 4;

    public int StructSize => 8 + 6 * WordSize;

    private bool IsBigEndian => Variant is CowVariant.Big64 or CowVariant.Big32;

    /// <summary>With blocks of one byte each, and their bits.</summary>
    public CowImage With(long firstBlock, int count, byte fill) => WithData(firstBlock, count, fill) with
    {
        Bits = Bits.Union(Enumerable.Range(0, count).Select(index => firstBlock + index)),
    };

    /// <summary>With blocks of one byte each, which have no bit.</summary>
    public CowImage WithData(long firstBlock, int count, byte fill) => this with
    {
        Data = Data.SetItems(Enumerable.Range(0, count).Select(index => KeyValuePair.Create(firstBlock + index, Fixtures.Filled(BlockSize, fill)))),
    };

    /// <summary>The header structure.</summary>
    public byte[] Header()
    {
        byte[] header = new byte[StructSize];
        Put(header, 0, 4, Magic);
        Put(header, 4, 2, unchecked((ushort)Version));
        Put(header, 6, 2, Flags);
        // The original's fourth byte of the fingerprint is shifted as a signed number, and so widened with its sign.
        ulong[] words =
        [
            MapUnit,
            WrongMapSize ?? (ulong)BitmapBytes,
            WrongDataOffset ?? (ulong)DataOffset,
            (ulong)BlockCount,
            unchecked((ulong)(int)Fingerprint),
            WrongUsedBlocks ?? (ulong)Bits.Count,
        ];
        for (int index = 0; index < words.Length; index++)
        {
            Put(header, 8 + index * WordSize, WordSize, words[index]);
        }
        return header;
    }

    public byte[] Bitmap()
    {
        byte[] bitmap = new byte[BitmapBytes];
        foreach (long bit in Bits)
        {
            bitmap[bit / 8] |= (byte)(1 << (int)(bit % 8));
        }
        return bitmap;
    }

    /// <summary>The whole file.</summary>
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        WriteTo(stream);
        return stream.ToArray();
    }

    /// <summary>Writes it sparsely.</summary>
    /// <returns>The path.</returns>
    public string Write(string path)
    {
        using FileStream stream = File.Create(path);
        WriteTo(stream);
        return path;
    }

    /// <summary>What <c>cowpack -p</c> makes of it (specification 5.8.2).</summary>
    public byte[] Packed()
    {
        byte[] content = new byte[Bits.IsEmpty ? BlockSize + BitmapBytes : DataOffset + BlockSize * Bits.Count];
        (this with { Flags = (ushort)(Flags | PackedFlag) }).Header().CopyTo(content, 0);
        Bitmap().CopyTo(content, BlockSize);
        int index = 0;
        foreach (long bit in Bits)
        {
            Data[bit].CopyTo(content, DataOffset + BlockSize * index++);
        }
        return content;
    }

    /// <summary>What <c>cowpack -zp</c> compresses (specification 5.8.4): the same without any padding.</summary>
    public byte[] PackedStream() =>
    [
        .. (this with { Flags = (ushort)(Flags | PackedFlag) }).Header(),
        .. Bitmap(),
        .. Bits.SelectMany(bit => Data[bit]),
    ];

    /// <summary>What a base of this length becomes when all cow blocks are copied into it.</summary>
    public byte[] MergedInto(byte[] content)
    {
        byte[] merged = [.. content];
        foreach (long bit in Bits)
        {
            Data[bit].CopyTo(merged, bit * BlockSize);
        }
        return merged;
    }

    private void WriteTo(Stream stream)
    {
        byte[] head = Fixtures.Filled(BlockSize, Reserved);
        Header().CopyTo(head, 0);
        stream.Write(head);
        stream.Write(Bitmap());
        foreach ((long block, byte[] content) in Data)
        {
            stream.Position = DataOffset + BlockSize * block;
            stream.Write(content);
        }
    }

    private void Put(byte[] target, int offset, int size, ulong value)
    {
        Span<byte> whole = stackalloc byte[8];
        if (IsBigEndian)
        {
            BinaryPrimitives.WriteUInt64BigEndian(whole, value);
            whole[^size..].CopyTo(target.AsSpan(offset));
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(whole, value);
            whole[..size].CopyTo(target.AsSpan(offset));
        }
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
