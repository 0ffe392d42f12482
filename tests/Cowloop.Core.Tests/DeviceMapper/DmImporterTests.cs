using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.DeviceMapper;

public class DmImporterTests
{
    private static readonly Guid NewId = new("0a5f3c9e-5b1d-4c55-8f0e-2d1c3b4a5968");

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    [InlineData(16_384)]
    public void The_cowfile_reads_as_the_snapshot_did(int chunkBytes)
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            byte[] origin = TestStack.RandomContent(random, random.Next(1, 60));
            byte[] expected = [.. origin];
            DmStore store = RandomStore(random, chunkBytes, expected);
            var cowfile = new MemoryFile();

            DmImported result = Import(store.ToFile(), origin, cowfile);

            Assert.Equal(expected, TestStack.Read(TestStack.Open(origin, cowfile)));
            CowfileCheck.AssertClean(cowfile, new CowLayout(origin.Length / 1024));
            Assert.Equal(DifferentBlocks(origin, expected), result.Blocks);
            Assert.False(result.LosesRest);
        }
    }

    [Fact]
    public void Its_record_is_of_the_base()
    {
        byte[] origin = Fixtures.Filled(16 * 1024, 1);
        var cowfile = new MemoryFile();

        DmImported result = Import(new DmStore(4096).Add(1, Fixtures.Filled(4096, 2)).Add(0, Fixtures.Filled(4096, 1)).ToFile(), origin, cowfile);

        Assert.Equal(new DmImported(4, 4, LosesRest: false), result);
        ExtensionRecord record = TestStack.RecordOf(cowfile);
        Assert.Equal(NewId, record.Id);
        Assert.Equal(origin.Length, record.BaseLengthBytes);
        Assert.Equal("disk.img", record.BasePath);
        Assert.Null(record.Parent);
        Assert.Equal(CowFlags.BitmapDecides, AtRest.HeaderOf(cowfile).Flags);
    }

    /// <summary>A base of 21 sectors has 10 whole blocks, and its last chunk of 4 KiB has five sectors.</summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(9, false)]
    public void What_a_cowfile_does_not_reach_is_told(byte rest, bool isLost)
    {
        byte[] origin = Fixtures.Filled(21 * 512 + 100, 9);
        byte[] last = [.. Fixtures.Filled(2048, 7), .. Fixtures.Filled(512, rest), .. Fixtures.Filled(1536, 5)];
        var cowfile = new MemoryFile();

        DmImported result = Import(new DmStore(4096).Add(2, last).ToFile(), origin, cowfile);

        Assert.Equal(new DmImported(2, 0, isLost), result);
        byte[] expected = [.. Fixtures.Filled(8192, 9), .. Fixtures.Filled(2048, 7)];
        Assert.Equal(expected, TestStack.Read(TestStack.Open(origin, cowfile)));
    }

    [Fact]
    public void What_is_done_is_told()
    {
        byte[] origin = new byte[64 * 1024];
        var observer = new StoppingObserver();
        DmStore store = new DmStore(4096).Add(1, Fixtures.Filled(4096, 2)).Add(5, new byte[4096]);

        DmImporter importer = DmImporter.Prepare(store.ToFile(), DmStore.ImageOf(origin));
        importer.Run(new CheckedFile(new MemoryFile(), "new.cow"), NewId, observer);

        Assert.Equal((2, 4096), (importer.ExceptionCount, importer.ChunkBytes));
        Assert.Equal([("importing", 8192L)], observer.Begun);
        Assert.Equal(8192, observer.DoneBytes);
        Assert.Throws<OperationCanceledException>(() => importer.Run(new CheckedFile(new MemoryFile(), "new.cow"), NewId, new StoppingObserver(stopAt: 1)));
    }

    [Fact]
    public void A_store_of_another_origin_is_refused()
    {
        DmStore store = new DmStore(4096).Add(4, Fixtures.Filled(4096, 2));
        CowloopException exception = Assert.Throws<CowloopException>(() => Import(store.ToFile(), new byte[16 * 1024], new MemoryFile()));
        Assert.Contains("the base ends at byte 16384", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_or_written_is_told()
    {
        byte[] origin = Fixtures.Filled(32 * 1024, 1);
        byte[] store = new DmStore(4096).Add(3, Fixtures.Filled(4096, 2)).Add(7, Fixtures.Filled(4096, 3)).ToArray();

        Assert.NotEqual(0, EveryCall.MustBeTold(fault => Import(DmStore.Named(store), origin, new FaultyFile(new MemoryFile(), fault))));
        Assert.NotEqual(0, EveryCall.MustBeTold(fault =>
            Import(new CheckedFile(new FaultyFile(new FlatFile(store), fault), "store.dm"), origin, new MemoryFile())));
    }

    /// <summary>Some chunks have content, some are zero, some are as in the origin; and they come in any order.</summary>
    private static DmStore RandomStore(Random random, int chunkBytes, byte[] content)
    {
        var store = new DmStore(chunkBytes);
        int[] chunks = [.. Enumerable.Range(0, (content.Length + chunkBytes - 1) / chunkBytes)];
        random.Shuffle(chunks);
        foreach (int chunk in chunks[..random.Next(chunks.Length + 1)])
        {
            Span<byte> old = content.AsSpan(chunk * chunkBytes, Math.Min(chunkBytes, content.Length - chunk * chunkBytes));
            byte[] changed = random.Next(3) == 0 ? new byte[chunkBytes] : Fixtures.RandomBytes(random, chunkBytes);
            if (random.Next(3) == 0)
            {
                old.CopyTo(changed);
            }
            store.Add(chunk, changed);
            changed.AsSpan(0, old.Length).CopyTo(old);
        }
        return store;
    }

    private static long DifferentBlocks(byte[] one, byte[] other) =>
        one.Chunk(1024).Zip(other.Chunk(1024)).Count(pair => !pair.First.AsSpan().SequenceEqual(pair.Second));

    private static DmImported Import(CheckedFile store, byte[] origin, IBlockFile cowfile) =>
        DmImporter.Prepare(store, DmStore.ImageOf(origin)).Run(new CheckedFile(cowfile, "new.cow"), NewId, NobodyWatches.Instance);
}
