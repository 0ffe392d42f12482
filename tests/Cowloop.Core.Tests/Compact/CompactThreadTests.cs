using System.Runtime.InteropServices;
using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>
/// Chunks are given up and taken again while others read: no reader ever sees what belongs to another block. Every pair of bytes that is written says which
/// block it is for.
/// </summary>
public class CompactThreadTests
{
    private const int WriterCount = 3;
    private const int ReaderCount = 2;

    [Theory]
    [InlineData(4 << 10, 300, 1)]
    [InlineData(4 << 10, 300, 2)]
    [InlineData(64 << 10, 1000, 3)]
    [InlineData(1 << 20, 4100, 4)]
    public void Nobody_sees_the_content_of_another_block(int chunkBytes, int blockCount, int seed)
    {
        const int StepCount = 1500;
        byte[] content = Fixtures.Filled(blockCount * 1024, 0);
        MemoryFile store = CompactStores.New(blockCount, chunkBytes);
        Overlay overlay = Disk.Open(new FlatFile(content), CompactStores.Open(new YieldingFile(store)), Disk.WithRecord);
        int writersLeft = WriterCount;
        int writtenCount = 0;
        Together.Run(WriterCount + ReaderCount + 1, thread =>
        {
            var random = new Random(seed * 100 + thread);
            if (thread >= WriterCount)
            {
                while (Volatile.Read(ref writersLeft) > 0)
                {
                    if (thread == WriterCount)
                    {
                        Assert.Equal(Errno.None, overlay.Flush());
                        continue;
                    }
                    (int block, int count) = Range(random, blockCount, chunkBytes);
                    MustBelong(overlay.Get(block * 1024L, count * 1024), block);
                }
                return;
            }
            try
            {
                for (int step = 0; step < StepCount; step++)
                {
                    (int block, int count) = Range(random, blockCount, chunkBytes);
                    bool isDiscard = random.Next(3) == 0;
                    Assert.Equal(
                        Errno.None,
                        isDiscard
                            ? overlay.Zero(block * 1024L, count * 1024, mayUnmap: true, fua: false)
                            : overlay.Write(block * 1024L, Content(block, count), fua: false));
                    Interlocked.Add(ref writtenCount, isDiscard ? 0 : 1);
                }
            }
            finally
            {
                Interlocked.Decrement(ref writersLeft);
            }
        });

        Assert.InRange(writtenCount, WriterCount * StepCount / 2, WriterCount * StepCount);
        byte[] shown = overlay.GetAll();
        MustBelong(shown, 0);
        Assert.Equal(Errno.None, overlay.Close());
        using Overlay again = Disk.Open(new FlatFile(content), CompactStores.Open(store, boot: 2), Disk.WithRecord);
        Assert.True(shown.AsSpan().SequenceEqual(again.GetAll()));
        // What was given up is used again.
        Assert.InRange(store.UsedBytes, 0, 2 * blockCount * 1024L + 2 * chunkBytes + 200_000);
    }

    private static (int Block, int Count) Range(Random random, int blockCount, int chunkBytes)
    {
        int blocksPerChunk = chunkBytes / 1024;
        int block = random.Next(blockCount);
        if (random.Next(2) == 0)
        {
            block -= block % blocksPerChunk;
        }
        int count = random.Next(3) == 0 ? random.Next(1, 20) : random.Next(1, 3) * blocksPerChunk;
        return (block, Math.Min(count, blockCount - block));
    }

    /// <summary>Each pair of bytes says which block it belongs to; none is zero.</summary>
    private static byte[] Content(int firstBlock, int count)
    {
        byte[] content = new byte[count * 1024];
        for (int index = 0; index < count; index++)
        {
            PairsOf(content, index).Fill(PairOf(firstBlock + index));
        }
        return content;
    }

    private static Span<ushort> PairsOf(byte[] content, int index) => MemoryMarshal.Cast<byte, ushort>(content.AsSpan(index * 1024, 1024));

    private static ushort PairOf(int block) => (ushort)((1 + block % 255) | (1 + block / 255) << 8);

    /// <summary>A byte is that of its block, or zero. Memory is copied in units of one: a reader beside a writer can see half a word of its own block.</summary>
    private static void MustBelong(byte[] found, int firstBlock)
    {
        for (int index = 0; index < found.Length / 1024; index++)
        {
            ushort expected = PairOf(firstBlock + index);
            foreach (ushort pair in PairsOf(found, index))
            {
                if (pair != expected && ((byte)pair is not 0 && (byte)pair != (byte)expected || pair >> 8 is not 0 && pair >> 8 != expected >> 8))
                {
                    Assert.Fail($"block {firstBlock + index} shows {pair:x4} instead of {expected:x4}");
                }
            }
        }
    }
}
