using System.Numerics;
using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Support;

/// <summary>Specification 7.3 word for word, on an array: slow, and obviously right.</summary>
internal static class PlainRepair
{
    public static byte[] Of(byte[] cowfile)
    {
        CowHeader header = CowHeader.Decode(cowfile)!;
        var layout = new CowLayout((long)header.BlockCount);
        byte[] content = [.. cowfile];
        for (int block = 0; block < layout.BlockCount; block++)
        {
            int start = (int)Math.Min(content.Length, layout.DataOffsetBytes + block * 1024L);
            int end = Math.Min(content.Length, start + 1024);
            if (content.AsSpan(start, end - start).ContainsAnyExcept((byte)0))
            {
                content[1024 + block / 8] |= (byte)(1 << (block % 8));
                Array.Resize(ref content, Math.Max(content.Length, start + 1024));
            }
        }
        int used = 0;
        foreach (byte bits in content.AsSpan(1024, (int)layout.BitmapBytes))
        {
            used += BitOperations.PopCount(bits);
        }
        (header with { Flags = CowFlags.None, UsedBlocks = (ulong)used }).Encode(content);
        return content;
    }
}
