using System.Buffers.Binary;

namespace Cowloop.Tests.Support;

/// <summary>
/// Changes content as damage and malice do. It knows nothing of any format; the same random numbers make the same changes.
/// </summary>
internal sealed class Mutator(Random random)
{
    private const int MaxStretchBytes = 2048;

    /// <summary>Numbers at which something often changes: sizes, signs, widths.</summary>
    public static IReadOnlyList<ulong> Numbers { get; } =
    [
        0, 1, 2, 3, 4, 7, 8, 9, 0x7F, 0x80, 0xFF, 511, 512, 1023, 1024, 1025, 2047, 2048, 3072, 4095, 4096, 4097, 8191, 8192, 8193, 12288,
        0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x100000, 0x1000000, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFBFF, 0xFFFFFFFE, 0xFFFFFFFF,
        0x100000000, 0x100000400, 0x3FFFFFFFC00, 0x40000000000, 0x20000000000000, 0x7FFFFFFFFFFFFBFF, 0x7FFFFFFFFFFFFFFE, 0x7FFFFFFFFFFFFFFF,
        0x8000000000000000, 0xFFFFFFFF00000000, 0xFFFFFFFFFFFFF000, 0xFFFFFFFFFFFFFC00, 0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF,
    ];

    /// <summary>One of the numbers, or one at random.</summary>
    public ulong Number() => random.Next(4) == 0 ? (ulong)random.NextInt64() >> random.Next(64) : Numbers[random.Next(Numbers.Count)];

    /// <summary>Changes content once or several times; the result may be longer or shorter, and is never the array given.</summary>
    /// <param name="content">What is changed.</param>
    /// <param name="focusBytes">Half of all changes begin before this offset: where small fields decide about much.</param>
    public byte[] Mutate(ReadOnlySpan<byte> content, int focusBytes)
    {
        byte[] result = content.ToArray();
        for (int count = random.Next(4) == 0 ? random.Next(2, 12) : 1; count > 0 && result.Length > 0; count--)
        {
            result = Change(result, PickOffset(result.Length, focusBytes));
        }
        return result;
    }

    /// <summary>Stores a number of 1, 2, 4 or 8 bytes, in either byte order, as far as the content goes.</summary>
    public static void Put(Span<byte> target, ulong number, int sizeBytes, bool bigEndian)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        if (bigEndian)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
            bytes = bytes[^sizeBytes..];
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
            bytes = bytes[..sizeBytes];
        }
        bytes[..Math.Min(sizeBytes, target.Length)].CopyTo(target);
    }

    private int PickOffset(int lengthBytes, int focusBytes)
    {
        int offset = random.Next(random.Next(2) == 0 ? Math.Min(lengthBytes, focusBytes) : lengthBytes);
        return random.Next(3) == 0 ? offset & ~7 : offset;
    }

    private byte[] Change(byte[] content, int offset)
    {
        Span<byte> rest = content.AsSpan(offset);
        int stretchBytes = Math.Min(rest.Length, 1 + random.Next(1 << random.Next(12)));
        switch (random.Next(11))
        {
            case 0:
            case 1:
                rest[0] ^= (byte)(1 << random.Next(8));
                return content;
            case 2:
                rest[0] = (byte)random.Next(256);
                return content;
            case 3:
            case 4:
                Put(rest, Number(), 1 << random.Next(4), bigEndian: random.Next(2) == 0);
                return content;
            case 5:
                rest[..stretchBytes].Clear();
                return content;
            case 6:
                rest[..stretchBytes].Fill((byte)random.Next(256));
                return content;
            case 7:
                // From elsewhere in the same content: what is right there is nearly right here.
                int from = random.Next(content.Length - stretchBytes + 1);
                content.AsSpan(from, stretchBytes).CopyTo(rest);
                return content;
            case 8:
                return content[..offset];
            case 9:
                byte[] more = new byte[1 + random.Next(MaxStretchBytes)];
                random.NextBytes(random.Next(2) == 0 ? more : []);
                return random.Next(2) == 0 ? [.. content, .. more] : [.. content[..offset], .. more, .. content[offset..]];
            default:
                return [.. content[..offset], .. content[(offset + stretchBytes)..]];
        }
    }
}
