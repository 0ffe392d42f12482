using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.DeviceMapper;

public class ExceptionTableTests
{
    private const int ChunkBytes = 4096;
    private const long OriginBytes = 1000 * ChunkBytes;

    private static readonly byte[] Chunk = new byte[ChunkBytes];

    [Fact]
    public void The_runs_are_in_the_order_of_the_origin()
    {
        ExceptionTable table = Read(new DmStore(ChunkBytes).Add(90, Chunk).Add(91, Chunk).Add(7, Chunk).Add(92, Chunk));

        Assert.Equal(4, table.ExceptionCount);
        Assert.Equal([new ExceptionRun(7, 4, 1), new ExceptionRun(90, 2, 2), new ExceptionRun(92, 5, 1)], table.Runs);
    }

    [Fact]
    public void What_is_looked_for_is_found_and_how_far_it_goes()
    {
        ExceptionTable table = Read(new DmStore(ChunkBytes).Add(90, Chunk).Add(91, Chunk).Add(7, Chunk));

        Assert.Equal((7, -1), Find(0));
        Assert.Equal((1, 4), Find(7));
        Assert.Equal((82, -1), Find(8));
        Assert.Equal((2, 2), Find(90));
        Assert.Equal((1, 3), Find(91));
        Assert.Equal(-1, Find(92).NewChunk);
        Assert.True(Find(92).Count > 1000);

        (long Count, long NewChunk) Find(long chunk) => (table.Find(chunk, out long newChunk), newChunk);
    }

    /// <summary>Chunks that follow each other have the table of the next area between them.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(512)]
    public void Areas_that_are_full_are_followed_by_another(int count)
    {
        var store = new DmStore(ChunkBytes);
        for (int chunk = 0; chunk < count; chunk++)
        {
            store.Add(chunk, Chunk);
        }

        ExceptionTable table = Read(store);

        Assert.Equal(count, table.ExceptionCount);
        Assert.Equal((count + 255) / 256, table.Runs.Count);
    }

    [Fact]
    public void A_full_area_at_the_end_of_the_file_is_incomplete()
    {
        var store = new DmStore(ChunkBytes);
        for (int chunk = 0; chunk < 256; chunk++)
        {
            store.Add(chunk, Chunk);
        }

        CowloopException exception = Assert.Throws<CowloopException>(() => ExceptionTable.Read(DmStore.Named(store.ToArray()[..(258 * ChunkBytes)]), OriginBytes));

        Assert.Contains("is incomplete", exception.Message, StringComparison.Ordinal);
        Assert.Equal(Fault.ReadBitmap, exception.Fault);
    }

    [Theory]
    [InlineData(1000, 2, "the base ends")]
    [InlineData(ulong.MaxValue, 2, "the base ends")]
    [InlineData(0x8000000000000000, 2, "the base ends")]
    [InlineData(1, 1, "where its table goes")]
    [InlineData(1, 258, "is incomplete")]
    [InlineData(1, ulong.MaxValue, "is incomplete")]
    [InlineData(0, 2, "twice")]
    [InlineData(1, 3, "twice")]
    public void What_cannot_be_is_refused(ulong oldChunk, ulong newChunk, string why)
    {
        // One exception that is right: chunk 0 of the origin is chunk 3 of the store.
        DmStore store = new DmStore(ChunkBytes).AddRaw(0, 3).AddRaw(oldChunk, newChunk);

        CowloopException exception = Assert.Throws<CowloopException>(() => Read(store));

        Assert.Contains(why, exception.Message, StringComparison.Ordinal);
        Assert.Equal(Fault.Damaged, exception.Fault);
    }

    /// <summary>A chunk of a sector has room for 32 exceptions: the second table is chunk 34.</summary>
    [Fact]
    public void A_later_table_holds_no_data_either()
    {
        var store = new DmStore(512);
        for (int chunk = 0; chunk < 32; chunk++)
        {
            store.Add(chunk, new byte[512]);
        }

        CowloopException exception = Assert.Throws<CowloopException>(() => ExceptionTable.Read(store.AddRaw(40, 34).ToFile(), OriginBytes));

        Assert.Contains("where its table goes", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_chunk_of_the_origin_may_be_partial()
    {
        DmStore store = new DmStore(ChunkBytes).Add(2, Chunk);

        Assert.Equal(1, ExceptionTable.Read(store.ToFile(), 2 * ChunkBytes + 512).ExceptionCount);
        Assert.Throws<CowloopException>(() => ExceptionTable.Read(store.ToFile(), 2 * ChunkBytes));
    }

    /// <summary>A table of one exception again and again ends when the origin could have no more.</summary>
    [Fact]
    public void More_exceptions_than_chunks_are_refused_before_they_are_counted()
    {
        var store = new DmStore(ChunkBytes);
        for (int count = 0; count < 200; count++)
        {
            store.AddRaw(0, 2);
        }

        CowloopException exception = Assert.Throws<CowloopException>(() => ExceptionTable.Read(store.ToFile(), 3 * ChunkBytes));

        Assert.Contains("more exceptions than", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_is_told()
    {
        byte[] store = new DmStore(ChunkBytes).Add(7, Chunk).ToArray();

        Assert.NotEqual(0, EveryCall.MustBeTold(fault =>
            ExceptionTable.Read(new CheckedFile(new FaultyFile(new FlatFile(store), fault), "store.dm"), OriginBytes)));
    }

    private static ExceptionTable Read(DmStore store) => ExceptionTable.Read(store.ToFile(), OriginBytes);
}
