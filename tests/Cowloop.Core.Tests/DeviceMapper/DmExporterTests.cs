using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.DeviceMapper;

public class DmExporterTests
{
    [Theory]
    [InlineData(4096)]
    [InlineData(16_384)]
    [InlineData(65_536)]
    public void What_is_exported_is_imported_as_it_was(int chunkBytes)
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            TestStack stack = TestStack.Random(seed, fileCount: 1 + seed % 3, isPlain: seed % 2 == 0);
            var store = new MemoryFile();
            var cowfile = new MemoryFile();

            Export(stack, chunkBytes, store);
            DmImporter.Prepare(new CheckedFile(store, "store.dm"), DmStore.ImageOf(stack.Base))
                .Run(new CheckedFile(cowfile, "new.cow"), Guid.NewGuid(), NobodyWatches.Instance);

            Assert.Equal(stack.Views[^1], stack.Read(cowfile));
        }
    }

    /// <summary>The very bytes, compared with a store that is put together by hand.</summary>
    [Fact]
    public void A_chunk_that_changed_in_part_is_complete()
    {
        var stack = new TestStack(Fixtures.Filled(22 * 1024, 1));
        stack.Add(new Dictionary<long, byte[]?> { [2] = Fixtures.Filled(1024, 2), [4] = Fixtures.Filled(1024, 3), [21] = null });
        var store = new MemoryFile();

        Export(stack, 4096, store);

        byte[] expected = new DmStore(4096)
            .Add(0, stack.Views[1][..4096])
            .Add(1, stack.Views[1][4096..8192])
            .Add(5, [.. stack.Views[1][20_480..], .. new byte[2048]])
            .ToArray();
        // Six chunks of the origin can change.
        Assert.Equal(8 * 4096, store.LengthBytes);
        Assert.Equal(expected[..(8 * 4096)], store.ToArray());
    }

    /// <summary>A base that ends with a part of a block: the device is shorter than the origin, but the chunk is the origin's.</summary>
    [Fact]
    public void Behind_the_device_the_last_chunk_is_that_of_the_origin()
    {
        byte[] content = Fixtures.RandomBytes(new Random(3), 5 * 1024 + 700);
        var whole = new TestStack(content[..(5 * 1024)]);
        MemoryFile layer = whole.Add(new Dictionary<long, byte[]?> { [4] = Fixtures.Filled(1024, 2) }, isPlain: true);
        BaseImage image = TestStack.Open(content, layer);
        var store = new MemoryFile();

        using var exporter = DmExporter.Prepare(image, ((LayerStack)image.File).Layers, 4096, HeapWords.Allocate);
        exporter.Run(new CheckedFile(store, "store.dm"), isNew: true, NobodyWatches.Instance);

        Assert.Equal(10, exporter.SectorCount);
        byte[] chunk = [.. Fixtures.Filled(1024, 2), .. content[5120..], .. new byte[4096 - 1024 - 700]];
        Assert.Equal(chunk, store.ToArray()[8192..12_288]);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(255, 257)]
    [InlineData(256, 259)]
    [InlineData(257, 260)]
    public void It_needs_room_for_the_end_of_its_table(int chunkCount, int neededChunks)
    {
        var stack = new TestStack(new byte[300 * 4096]);
        stack.Add(Enumerable.Range(0, chunkCount).ToDictionary(chunk => chunk * 4L, _ => (byte[]?)Fixtures.Filled(1024, 1)));
        using DmExporter exporter = Prepare(stack, 4096);
        byte[] device = Fixtures.Filled(neededChunks * 4096, 0xEE);

        exporter.Run(DmStore.Named(device), isNew: false, NobodyWatches.Instance);

        Assert.Equal((chunkCount, neededChunks * 4096), (exporter.ExceptionCount, exporter.NeededBytes));
        Assert.Equal(303 * 4096, exporter.FullBytes);
        var table = ExceptionTable.Read(DmStore.Named(device), stack.Base.Length);
        Assert.Equal(chunkCount, table.ExceptionCount);
        using var view = new DmView(new FlatFile(device), table, new FlatFile(stack.Base), stack.Base.Length);
        byte[] read = new byte[stack.Base.Length];
        Assert.Equal(Errno.None, view.ReadAt(0, read));
        Assert.Equal(stack.Views[^1], read);
    }

    [Fact]
    public void A_device_that_is_too_small_stays_as_it_is()
    {
        TestStack stack = Small();
        byte[] device = Fixtures.Filled(3 * 4096 - 1, 0xEE);
        using DmExporter exporter = Prepare(stack, 4096);

        CowloopException exception = Assert.Throws<CowloopException>(() => exporter.Run(DmStore.Named(device), isNew: false, NobodyWatches.Instance));

        Assert.Equal(Errno.ENOSPC, exception.Errno);
        Assert.DoesNotContain(device, value => value != 0xEE);
    }

    /// <summary>At every point before its end the kernel finds no magic, and no zeros either, which it would take for a new store.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_header_comes_last_and_all_else_is_durable_before(bool isNew)
    {
        var store = new MemoryFile();
        if (!isNew)
        {
            Assert.Equal(Errno.None, store.WriteAt(0, new DmStore(4096).Add(0, new byte[4096]).ToArray()));
        }
        var trace = new TracingFile(store);
        using DmExporter exporter = Prepare(Small(), 4096);

        exporter.Run(new CheckedFile(trace, "store.dm"), isNew, NobodyWatches.Instance);

        string[] changes = [.. trace.Calls.Where(call => call.StartsWith("write", StringComparison.Ordinal) || call == "sync")];
        Assert.Equal(["write 0+4096", "sync"], changes[..2]);
        Assert.Equal(["sync", "write 0+4096", "sync"], changes[^3..]);
        Assert.Equal(2, changes.Count(call => call == "write 0+4096"));
    }

    [Fact]
    public void What_an_interruption_leaves_is_refused()
    {
        byte[] device = new DmStore(4096).Add(0, new byte[4096]).ToArray();
        using DmExporter exporter = Prepare(Small(), 4096);

        Assert.Throws<OperationCanceledException>(() => exporter.Run(DmStore.Named(device), isNew: false, new StoppingObserver(stopAt: 1)));

        Assert.Contains("interrupted", Assert.Throws<CowloopException>(() => DmHeader.Read(DmStore.Named(device))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_zero_takes_no_space_in_a_new_file()
    {
        var stack = new TestStack(Fixtures.Filled(64 * 1024, 1));
        stack.Add(Enumerable.Range(0, 60).ToDictionary(block => (long)block, _ => (byte[]?)null));
        var store = new MemoryFile();
        var observer = new StoppingObserver();
        using DmExporter exporter = Prepare(stack, 4096);

        exporter.Run(new CheckedFile(store, "store.dm"), isNew: true, observer);

        // The header and the table.
        Assert.Equal(2 * 4096, store.UsedBytes);
        Assert.Equal([("exporting", 15 * 4096L)], observer.Begun);
        Assert.Equal(15 * 4096, observer.DoneBytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-4096)]
    [InlineData(2048)]
    [InlineData(12_288)]
    [InlineData(1 << 20)]
    [InlineData(long.MinValue)]
    public void Chunks_that_device_mapper_cannot_have_are_refused(long chunkBytes) =>
        Assert.Equal(Errno.EINVAL, Assert.Throws<CowloopException>(() => Prepare(Small(), chunkBytes)).Errno);

    [Fact]
    public void A_device_that_is_larger_than_its_base_is_refused()
    {
        byte[] content = Fixtures.Filled(16 * 1024, 1);
        var stack = new TestStack(content);
        stack.Add(new Dictionary<long, byte[]?>());
        uint fingerprint = AtRest.HeaderOf(stack.Files[0]).Fingerprint;
        MemoryFile larger = new CowImage { BlockCount = 40, Version = 2, Flags = CowImage.BitmapDecides, Fingerprint = fingerprint }.With(39, 1, 9).ToSparse();
        byte[] headerBlock = new byte[1024];
        larger.ReadAt(0, headerBlock);
        (TestStack.RecordOf(stack.Files[0]) with { Id = Guid.NewGuid(), IsLargerThanBase = true }).Encode(headerBlock);
        larger.WriteAt(0, headerBlock);
        BaseImage image = TestStack.Open(content, larger);

        CowloopException exception = Assert.Throws<CowloopException>(() => DmExporter.Prepare(image, ((LayerStack)image.File).Layers, 4096, HeapWords.Allocate));

        Assert.Equal(Fault.OtherSize, exception.Fault);
        Assert.Contains("not larger than its origin", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_or_written_is_told()
    {
        TestStack stack = Small();
        Assert.NotEqual(0, EveryCall.MustBeTold(fault => Export(stack, 4096, new FaultyFile(new MemoryFile(), fault))));
        Assert.NotEqual(0, EveryCall.MustBeTold(fault => Export(stack, 4096, new FaultyFile(new FlatFile(new byte[1 << 20]), fault), isNew: false)));
    }

    private static TestStack Small()
    {
        var stack = new TestStack(Fixtures.Filled(16 * 1024, 1));
        stack.Add(new Dictionary<long, byte[]?> { [2] = Fixtures.Filled(1024, 2), [9] = Fixtures.Filled(1024, 3) });
        return stack;
    }

    private static DmExporter Prepare(TestStack stack, long chunkBytes)
    {
        BaseImage image = stack.Below(stack.Files.Count);
        return DmExporter.Prepare(image, ((LayerStack)image.File).Layers, chunkBytes, HeapWords.Allocate);
    }

    private static void Export(TestStack stack, long chunkBytes, IBlockFile store, bool isNew = true)
    {
        using DmExporter exporter = Prepare(stack, chunkBytes);
        exporter.Run(new CheckedFile(store, "store.dm"), isNew, NobodyWatches.Instance);
    }
}
