using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class CowRunsTests
{
    // A piece that is read at once describes this many blocks.
    private const int ChunkBlocks = 64 * 1024 * 8;

    [Fact]
    public void The_runs_of_a_golden_file_are_its_blocks() =>
        Assert.Equal([new BlockRun(0, 1), new BlockRun(4, 1), new BlockRun(100, 2)], Runs(new MemoryFile(Golden.G2()), 1024));

    [Fact]
    public void An_empty_bitmap_has_no_runs() => Assert.Empty(Runs(WithBitmap(new byte[1024]), 8192));

    [Theory]
    [InlineData(1)]
    [InlineData(1024)]
    [InlineData(64 * 1024)]
    [InlineData(130 * 1024)]
    public void A_full_bitmap_is_one_run(int bitmapBytes)
    {
        long blockCount = Math.Max(bitmapBytes, 1024) * 8L;

        Assert.Equal([new BlockRun(0, blockCount)], Runs(WithBitmap(Fixtures.Filled((int)(blockCount / 8), 0xFF)), blockCount));
    }

    [Theory]
    [InlineData(ChunkBlocks - 1, 1)]
    [InlineData(ChunkBlocks - 1, 2)]
    [InlineData(ChunkBlocks, 1)]
    [InlineData(ChunkBlocks - 64, 128)]
    [InlineData(5, 2 * ChunkBlocks)]
    [InlineData(0, ChunkBlocks)]
    [InlineData(ChunkBlocks, ChunkBlocks)]
    public void A_run_goes_on_over_the_border_of_a_piece(int first, int count)
    {
        byte[] bitmap = new byte[3 * ChunkBlocks / 8];
        for (int block = first; block < first + count; block++)
        {
            bitmap[block / 8] |= (byte)(1 << (block % 8));
        }

        Assert.Equal([new BlockRun(first, count)], Runs(WithBitmap(bitmap), bitmap.Length * 8L));
    }

    [Fact]
    public void Runs_on_both_sides_of_a_border_stay_two_when_a_block_is_missing()
    {
        byte[] bitmap = Fixtures.Filled(2 * ChunkBlocks / 8, 0xFF);
        bitmap[ChunkBlocks / 8 - 1] = 0x7F;

        Assert.Equal([new BlockRun(0, ChunkBlocks - 1), new BlockRun(ChunkBlocks, ChunkBlocks)], Runs(WithBitmap(bitmap), bitmap.Length * 8L));
    }

    /// <summary>Also bits beyond the last block: whether they are a defect is not decided here.</summary>
    [Fact]
    public void Padding_bits_are_told_too()
    {
        byte[] bitmap = new byte[1024];
        bitmap[1023] = 0x80;

        Assert.Equal([new BlockRun(8191, 1)], Runs(WithBitmap(bitmap), 8));
    }

    [Theory]
    [InlineData(0.0001)]
    [InlineData(0.01)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    [InlineData(0.9999)]
    public void Random_bitmaps_give_the_runs_that_a_look_at_every_bit_gives(double density)
    {
        var random = new Random((int)(density * 10_000));
        for (int round = 0; round < 4; round++)
        {
            byte[] bitmap = new byte[random.Next(1, 200) * 1024];
            // Whole bytes are alike now and then, so that there are long runs and holes too.
            for (int index = 0; index < bitmap.Length; index++)
            {
                bitmap[index] = random.Next(3) > 0 ? (byte)(random.NextDouble() < density ? 0xFF : 0) : RandomByte(random, density);
            }

            Assert.True(Runs(WithBitmap(bitmap), bitmap.Length * 8L).AsSpan().SequenceEqual([.. NaiveRuns(bitmap)]));
        }
    }

    [Fact]
    public void Holes_of_the_largest_bitmap_are_not_read()
    {
        var layout = new CowLayout(CowLayout.MaxClassicBlockCount);
        var memory = new MemoryFile();
        memory.SetLength(layout.EmptyLengthBytes);
        memory.WriteAt(CowLayout.BitmapOffsetBytes + 300_000_001, [0x18]);
        memory.WriteAt(CowLayout.BitmapOffsetBytes + 536_870_911, [0x40]);
        var tracing = new TracingFile(memory);

        BlockRun[] runs = [.. CowRuns.Read(new CheckedFile(tracing, "huge.cow"), layout)];

        Assert.Equal([new BlockRun(300_000_001L * 8 + 3, 2), new BlockRun(4_294_967_294, 1)], runs);
        Assert.Equal(2, tracing.Calls.Count(call => call.StartsWith("read", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(2047)]
    [InlineData(1024)]
    [InlineData(0)]
    public void A_bitmap_that_is_cut_is_an_error(int lengthBytes)
    {
        var exception = Assert.Throws<CowloopException>(() => Runs(new MemoryFile(Golden.G2().AsSpan(0, lengthBytes)), 1024));

        Assert.Equal((Errno.None, Fault.ReadBitmap), (exception.Errno, exception.Fault));
    }

    [Theory]
    [InlineData("nextdata 1024")]
    [InlineData("read 1024+1024")]
    public void A_bitmap_that_cannot_be_read_is_an_error(string call)
    {
        var tracing = new TracingFile(new MemoryFile(Golden.G2()));
        tracing.FailOnce(call, Errno.EIO);

        var exception = Assert.Throws<CowloopException>(() => CowRuns.Read(new CheckedFile(tracing, "my.cow"), new CowLayout(1024)).Count());

        Assert.Equal((Errno.EIO, Fault.ReadBitmap), (exception.Errno, exception.Fault));
    }

    [Theory]
    [InlineData(0, true, 3)]
    [InlineData(3, true, 3)]
    [InlineData(4, true, 63)]
    [InlineData(64, true, 192)]
    [InlineData(3, false, 4)]
    [InlineData(63, false, 64)]
    [InlineData(192, false, 256)]
    [InlineData(256, true, 256)]
    public void The_next_bit_is_found_from_anywhere(int start, bool isSet, int expected)
    {
        ulong[] words = [(1UL << 63) | 8, 0, 0, ulong.MaxValue];

        Assert.Equal(expected, CowRuns.NextBit(words, start, 256, isSet));
    }

    private static BlockRun[] Runs(MemoryFile file, long blockCount) => [.. CowRuns.Read(new CheckedFile(file, "my.cow"), new CowLayout(blockCount))];

    private static MemoryFile WithBitmap(byte[] bitmap)
    {
        var file = new MemoryFile();
        // Zero pages stay holes, as in a real file.
        NewFileWriter.Write(new CheckedFile(file, "my.cow"), CowLayout.BitmapOffsetBytes, bitmap, Fault.None);
        file.SetLength(CowLayout.BitmapOffsetBytes + bitmap.Length);
        return file;
    }

    private static byte RandomByte(Random random, double density)
    {
        int value = 0;
        for (int bit = 0; bit < 8; bit++)
        {
            value |= (random.NextDouble() < density ? 1 : 0) << bit;
        }
        return (byte)value;
    }

    private static List<BlockRun> NaiveRuns(byte[] bitmap)
    {
        var runs = new List<BlockRun>();
        for (int block = 0; block < bitmap.Length * 8; block++)
        {
            if ((bitmap[block / 8] >> (block % 8) & 1) == 0)
            {
                continue;
            }
            if (runs.Count > 0 && runs[^1].EndBlock == block)
            {
                runs[^1] = runs[^1] with { BlockCount = runs[^1].BlockCount + 1 };
            }
            else
            {
                runs.Add(new BlockRun(block, 1));
            }
        }
        return runs;
    }
}
