using System.Numerics;
using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Support;

/// <summary>Rules W4 to W8 of specification 7.1 for a closed cowfile, checked byte by byte without the engine's bitmap.</summary>
internal static class CowfileCheck
{
    public static void AssertClean(MemoryFile file, CowLayout layout)
    {
        byte[] content = file.ToArray();
        CowHeader? header = CowHeader.Decode(content.AsSpan(0, CowLayout.BlockSize));
        Assert.NotNull(header);
        Assert.True(header.HasConsistentLayout);
        Assert.Equal((ulong)layout.BlockCount, header.BlockCount);
        Assert.False(header.Flags.HasFlag(CowFlags.Dirty), "the file is dirty");

        ReadOnlySpan<byte> bitmap = content.AsSpan(1024, (int)layout.BitmapBytes);
        int used = 0;
        long highest = -1;
        for (int index = 0; index < bitmap.Length; index++)
        {
            used += BitOperations.PopCount(bitmap[index]);
            highest = bitmap[index] == 0 ? highest : index * 8L + BitOperations.Log2(bitmap[index]);
        }
        Assert.Equal((ulong)used, header.UsedBlocks);
        Assert.True(highest < layout.BlockCount, $"bit {highest} is padding");
        Assert.Equal(layout.LengthBytesFor(highest), content.Length);
        for (long block = 0; block <= highest; block++)
        {
            bool isCow = (bitmap[(int)(block / 8)] >> (int)(block % 8) & 1) != 0;
            ReadOnlySpan<byte> data = content.AsSpan((int)(layout.DataOffsetBytes + block * 1024), 1024);
            Assert.True(isCow || !data.ContainsAnyExcept((byte)0), $"block {block} has data but no bit");
        }
    }
}
