using System.Buffers.Binary;
using Cowloop.Core.Images;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Images;

public class CloopIndexTests
{
    private const int BlockBytes = 1024;
    private const int BlockCount = 10;
    private const int DataOffset = CloopBytes.TableOffset + (BlockCount + 1) * sizeof(ulong);

    private static byte[] Image => CloopBytes.Of(Fixtures.R.AsSpan(0, BlockBytes * BlockCount), BlockBytes);

    [Fact]
    public void Says_where_each_block_is()
    {
        byte[] image = Image;
        Assert.True(CloopIndex.IsCloop(new FlatFile(image)));
        CloopIndex index = Read(image);
        Assert.Equal((BlockBytes, BlockCount, (long)BlockBytes * BlockCount), (index.BlockBytes, index.BlockCount, index.LengthBytes));
        Assert.Equal((DataOffset, CloopBytes.Entry(image, 1) - DataOffset), index.Find(0));
        (long offset, int length) = index.Find(BlockCount - 1);
        Assert.Equal(image.Length, offset + length);
    }

    [Fact]
    public void An_index_of_several_groups()
    {
        byte[][] blocks = [.. Enumerable.Range(0, 20_000).Select(number => new byte[number % 7 + 1])];
        byte[] image = CloopBytes.Join(512, blocks);
        CloopIndex index = Read(image);
        for (int number = 0; number < blocks.Length; number++)
        {
            Assert.Equal((CloopBytes.Entry(image, number), blocks[number].Length), index.Find(number));
        }
    }

    [Fact]
    public void What_follows_the_blocks_does_not_matter() => Assert.Equal(BlockCount, Read([.. Image, .. new byte[5000]]).BlockCount);

    [Fact]
    public void Only_the_beginning_of_the_preamble_decides()
    {
        byte[] image = Image;
        image.AsSpan(30, 90).Fill((byte)'x');
        Assert.True(CloopIndex.IsCloop(new FlatFile(image)));
        Assert.Equal(BlockCount, Read(image).BlockCount);

        image[13] = (byte)'1';
        Assert.False(CloopIndex.IsCloop(new FlatFile(image)));
        Assert.False(CloopIndex.IsCloop(new FlatFile([])));
        Assert.False(CloopIndex.IsCloop(new FlatFile(Image[..10])));
        Assert.False(CloopIndex.IsCloop(new FlatFile(Fixtures.R)));
    }

    [Fact]
    public void A_start_that_can_not_be_read_is_none()
    {
        var file = new TracingFile(new FlatFile(Image)) { OnCall = _ => Errno.EIO };
        Assert.False(CloopIndex.IsCloop(file));
    }

    [Theory]
    [InlineData(0u, 10u, "has a damaged header: 10 blocks of 0 bytes")]
    [InlineData(1000u, 10u, "has a damaged header: 10 blocks of 1000 bytes")]
    [InlineData(1024u, 0u, "has a damaged header: 0 blocks of 1024 bytes")]
    [InlineData(0x800000u, 10u, "is too large to be read as it is: 10 blocks of 8388608 bytes")]
    [InlineData(1024u, 0x4000001u, "is too large to be read as it is")]
    [InlineData(0xFFFFFE00u, 0xFFFFFFFFu, "is too large to be read as it is")]
    [InlineData(1024u, 0x4000000u, "is incomplete: it has ")]
    [InlineData(1024u, 11u, "has a damaged index: block 0 is said to begin at byte 224")]
    [InlineData(2048u, 10u, null)]
    public void Sizes_are_checked(uint blockBytes, uint blockCount, string? reason)
    {
        byte[] image = Image;
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(CloopBytes.BlockSizeOffset), blockBytes);
        BinaryPrimitives.WriteUInt32BigEndian(image.AsSpan(CloopBytes.BlockCountOffset), blockCount);
        if (reason is null)
        {
            Assert.Equal((int)blockBytes, Read(image).BlockBytes);
        }
        else
        {
            MustRefuse(image, reason);
        }
    }

    [Theory]
    [InlineData(0, 0ul, "block 0 is said to begin at byte 0")]
    [InlineData(0, DataOffset - 1ul, "block 0 is said to begin at byte 223")]
    [InlineData(3, 0ul, "block 2 is said to lie between the bytes")]
    [InlineData(3, ulong.MaxValue, "and 18446744073709551615")]
    [InlineData(10, 0x8000000000000000ul, "block 9 is said to lie")]
    public void Offsets_are_checked(int number, ulong offset, string reason)
    {
        byte[] image = Image;
        CloopBytes.PutEntry(image, number, offset);
        MustRefuse(image, "has a damaged index: ", reason);
    }

    [Fact]
    public void A_block_is_neither_empty_nor_absurdly_long()
    {
        byte[] image = Image;
        CloopBytes.PutEntry(image, 5, (ulong)CloopBytes.Entry(image, 4));
        MustRefuse(image, "block 4 is said to lie between the bytes");

        MustRefuse(CloopBytes.Join(512, [new byte[1025]]), "block 0 is said to lie between the bytes");
        Assert.Equal(1024, Read(CloopBytes.Join(512, [new byte[1024]])).Find(0).LengthBytes);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(135)]
    [InlineData(200)]
    [InlineData(DataOffset)]
    [InlineData(DataOffset + 200)]
    public void A_file_that_was_cut_is_incomplete(int length) => MustRefuse(Image[..length], $"is incomplete: it has {length} bytes");

    [Fact]
    public void One_byte_less_is_incomplete() => MustRefuse(Image[..^1], "is incomplete: it has ");

    /// <summary>A sparse file can be of any length: what it says of itself takes no memory before it is found to be true.</summary>
    [Fact]
    public void A_false_count_takes_no_memory()
    {
        byte[] start = Image[..DataOffset];
        BinaryPrimitives.WriteUInt32BigEndian(start.AsSpan(CloopBytes.BlockCountOffset), CloopIndex.MaxBlockCount);
        CloopBytes.PutEntry(start, 0, CloopBytes.TableOffset + (CloopIndex.MaxBlockCount + 1ul) * sizeof(ulong));
        var file = new MemoryFile();
        Assert.Equal(Errno.None, file.WriteAt(0, start));
        Assert.Equal(Errno.None, file.SetLength(1L << 40));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<CowloopException>(() => CloopIndex.Read(file, "x"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void An_index_that_can_not_be_read_says_so()
    {
        var file = new TracingFile(new FlatFile(Image));
        file.FailOnce($"read {CloopBytes.TableOffset}+{(BlockCount + 1) * sizeof(ulong)}", Errno.EIO);
        CowloopException exception = Assert.Throws<CowloopException>(() => CloopIndex.Read(file, "my.cloop"));
        Assert.Equal((Errno.EIO, "my.cloop, a cloop image, cannot be read at byte 136: Input/output error"), (exception.Errno, exception.Message));
    }

    private static CloopIndex Read(byte[] image) => CloopIndex.Read(new FlatFile(image), "my.cloop");

    private static void MustRefuse(byte[] image, params string[] reasons)
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => Read(image));
        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.StartsWith("my.cloop, a cloop image, ", exception.Message, StringComparison.Ordinal);
        Assert.All(reasons, reason => Assert.Contains(reason, exception.Message, StringComparison.Ordinal));
        Assert.NotNull(exception.Hint);
    }
}
