using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Support;

/// <summary>Short ways to make compact stores and to open them.</summary>
internal static class CompactStores
{
    public const string Name = "test.compact";

    public static readonly Guid Id = new("00112233-4455-4677-8899-aabbccddeeff");

    /// <summary>The sizes of chunks that tests try: the smallest, one whose chunk is a word of the bitmap, and the largest.</summary>
    public static readonly int[] ChunkSizes = [4 << 10, 64 << 10, 1 << 20];

    public static MemoryFile New(long blockCount, int chunkBytes)
    {
        var store = new MemoryFile();
        CompactFile.Format(store, Name, Id, chunkBytes, new CowLayout(blockCount));
        return store;
    }

    /// <summary>Opens a store in a boot; boots are numbered.</summary>
    public static CompactFile Open(IBlockFile store, int boot = 1) =>
        CompactFile.Open(store, Name, new CompactOptions { AllocateZeroedWords = HeapWords.Allocate, BootId = BootOf(boot) });

    public static Guid BootOf(int number) => new(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

    /// <summary>The cowfile as it would be without a store.</summary>
    public static MemoryFile PlainCopy(IBlockFile store, int boot = 1)
    {
        var copy = new MemoryFile();
        SparseCopy.Copy(Open(store, boot), copy);
        return copy;
    }

    /// <summary>A store of the size of a cowfile, which holds what that holds.</summary>
    public static MemoryFile Of(IBlockFile cowfile, long blockCount, int chunkBytes)
    {
        MemoryFile store = New(blockCount, chunkBytes);
        CompactFile view = Open(store);
        var layout = new CowLayout(blockCount);
        byte[] content = new byte[layout.FullLengthBytes];
        Assert.Equal(Errno.None, cowfile.ReadAt(0, content.AsSpan(0, (int)Math.Min(cowfile.LengthBytes, content.Length))));
        Assert.Equal(Errno.None, view.WriteAt(0, content.AsSpan(0, CowLayout.BlockSize)));
        for (long block = 0; block < blockCount; block++)
        {
            if ((content[CowLayout.BlockSize + block / 8] >> (int)(block % 8) & 1) != 0)
            {
                long offsetBytes = layout.DataOffsetBytes + block * CowLayout.BlockSize;
                Assert.Equal(Errno.None, view.WriteAt(offsetBytes, content.AsSpan((int)offsetBytes, CowLayout.BlockSize)));
            }
        }
        Assert.Equal(Errno.None, view.Sync());
        Assert.Equal(Errno.None, view.WriteAt(CowLayout.BitmapOffsetBytes, content.AsSpan(CowLayout.BlockSize, (int)layout.BitmapBytes)));
        Assert.Equal(Errno.None, view.Sync());
        return store;
    }
}
