using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Cowloop.Tests.Support;

/// <summary>The bases of specification 2.3, made in code.</summary>
internal static class Fixtures
{
    public static byte[] F1 { get; } = Numbers(8192);

    public static byte[] F2 { get; } = Padded("cowloop\n"u8, 65536);

    public static byte[] F3 { get; } = Bytes(4096, (0, 0x80), (1, 0x80), (1024, 0x01), (3072, 0x02));

    public static byte[] F4 { get; } = Bytes(4096, (0, 0x01), (1024, 0x02), (2048, 0x03), (3072, 0x80));

    public static byte[] F5 { get; } = Bytes(4096, (0, 0x01), (1024, 0x02), (2048, 0x03), (3072, 0x7F));

    public static byte[] F6 { get; } = Bytes(16384, (1024, 0x01), (3072, 0x02), (5120, 0x03), (7168, 0x80), (8192, 0xFF));

    public static byte[] F7 { get; } = Bytes(3584, (0, 0x01), (1024, 0x02), (2048, 0x03), (3072, 0xFF));

    public static byte[] F8 { get; } = Filled(1 << 20, (byte)'A');

    public static byte[] F9 { get; } = new byte[1 << 20];

    public static byte[] F11 { get; } = Repeated("cowloop\n"u8, 102400);

    public static byte[] R { get; } = Numbers(1 << 20);

    /// <summary>The base of T28 to T31: sector i, counted from 1, is filled with byte i.</summary>
    public static byte[] NumberedSectors(int sectorCount)
    {
        byte[] content = new byte[sectorCount * 512];
        for (int sector = 0; sector < sectorCount; sector++)
        {
            content.AsSpan(sector * 512, 512).Fill((byte)(sector + 1));
        }
        return content;
    }

    public static byte[] Filled(int length, byte value)
    {
        byte[] content = new byte[length];
        content.AsSpan().Fill(value);
        return content;
    }

    public static byte[] RandomBytes(Random random, int length)
    {
        byte[] content = new byte[length];
        random.NextBytes(content);
        return content;
    }

    public static string Sha256(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary><c>seq 1 N | head -c LENGTH</c></summary>
    private static byte[] Numbers(int length)
    {
        var text = new StringBuilder();
        for (int number = 1; text.Length < length; number++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{number}\n");
        }
        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    private static byte[] Padded(ReadOnlySpan<byte> start, int length)
    {
        byte[] content = new byte[length];
        start.CopyTo(content);
        return content;
    }

    private static byte[] Bytes(int length, params (int Offset, byte Value)[] bytes)
    {
        byte[] content = new byte[length];
        foreach ((int offset, byte value) in bytes)
        {
            content[offset] = value;
        }
        return content;
    }

    private static byte[] Repeated(ReadOnlySpan<byte> line, int length)
    {
        byte[] content = new byte[length];
        for (int offset = 0; offset < length; offset += line.Length)
        {
            line[..Math.Min(line.Length, length - offset)].CopyTo(content.AsSpan(offset));
        }
        return content;
    }
}
