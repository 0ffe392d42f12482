using Cowloop.Core.Compact;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>What is done to cowfiles at rest makes the same of those in compact stores.</summary>
public class CompactToolsTests
{
    private const int SeedCount = 40;

    public static TheoryData<int> Sizes => new(CompactStores.ChunkSizes);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_cowfile_in_a_store_is_sound_and_a_repair_leaves_it_alone(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        for (int height = 0; height < stores.Length; height++)
        {
            MemoryFile before = stores[height].Copy();
            Assert.Empty(Checker.Run(AtRest.Named(View(stores[height])), height == 0 ? BaseOf(stack) : null, NobodyWatches.Instance));
            _ = AtRest.Repair(View(stores[height]));
            Assert.Null(stores[height].DifferenceFrom(before));
        }
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Pack_and_unpack_lead_from_one_to_the_other(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        byte[] packed = Pack(stack.Files[0]);
        Assert.Equal(packed, Pack(View(stores[0])));

        MemoryFile store = CompactStores.New(stack.BlockCount, chunkBytes);
        Unpack(packed, CompactStores.Open(store));
        Assert.Equal(packed, Pack(CompactStores.Open(store, boot: 2)));
        var classic = new MemoryFile();
        Unpack(Pack(View(store)), classic);
        Assert.Equal(stack.Views[1], AtRest.View(stack.Base, Full(classic, stack)));
        Assert.Equal(stack.Views[1], AtRest.View(stack.Base, Full(View(store), stack)));
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_merge_makes_the_same_base(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        byte[] merged = [.. stack.Base];
        AtRest.Merge(new FlatFile(merged), View(stores[0]));
        Assert.Equal(stack.Views[1], merged);
    });

    /// <summary>Bits are taken back.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void Compacting_keeps_the_same_blocks(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        long expected = Compacter.Prepare(AtRest.Named(stack.Files[1]), stack.Below(1), new BaseOptions()).Run(NobodyWatches.Instance);
        long found = Compacter.Prepare(AtRest.Named(View(stores[1])), Open(stack.Base, View(stores[0])), new BaseOptions()).Run(NobodyWatches.Instance);

        Assert.Equal(expected, found);
        MustBeTheSame(stack, 1, stores[1]);
        Assert.Equal(stack.Views[2], TestStack.Read(Open(stack.Base, View(stores[0]), View(stores[1], boot: 2))));
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_merge_into_a_layer_makes_the_same_layer(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        LayerMerger.Prepare(AtRest.Named(stack.Files[1]), new CheckedFile(stack.Files[0], "lower.cow")).Run(NobodyWatches.Instance);
        LayerMerger.Prepare(AtRest.Named(View(stores[1])), new CheckedFile(View(stores[0]), "lower.cow")).Run(NobodyWatches.Instance);

        MustBeTheSame(stack, 0, stores[0]);
        Assert.Equal(stack.Views[2], TestStack.Read(Open(stack.Base, View(stores[0], boot: 2))));
    });

    /// <summary>Also between the two kinds.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_merge_into_an_ordinary_layer_makes_the_same_layer(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        LayerMerger.Prepare(AtRest.Named(stack.Files[1]), new CheckedFile(View(stores[0]), "lower.cow")).Run(NobodyWatches.Instance);
        LayerMerger.Prepare(AtRest.Named(View(stores[1])), new CheckedFile(stack.Files[0], "lower.cow")).Run(NobodyWatches.Instance);

        MustBeTheSame(stack, 0, stores[0]);
        Assert.Equal(stack.Views[2], TestStack.Read(Open(stack.Base, stack.Files[0])));
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_rebase_reads_as_before(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        byte[] next = [.. stack.Base];
        TestStack.RandomContent(new Random(stack.BlockCount), (stack.BlockCount + 1) / 2).CopyTo(next, 0);
        RebaseReport expected = Rebaser.Prepare(AtRest.Named(stack.Files[1]), stack.Below(1), Open(next), null).Run(null, HeapWords.Allocate, NobodyWatches.Instance);
        RebaseReport found = Rebaser.Prepare(AtRest.Named(View(stores[1])), Open(stack.Base, View(stores[0])), Open(next), null)
            .Run(null, HeapWords.Allocate, NobodyWatches.Instance);

        Assert.Equal(expected, found);
        MustBeTheSame(stack, 1, stores[1]);
        Assert.Equal(stack.Views[2], TestStack.Read(Open(next, View(stores[1], boot: 2))));
    });

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Flattening_makes_the_same_image(int chunkBytes) => ForEach(chunkBytes, (stack, stores) =>
    {
        var image = new MemoryFile();
        Flattener.Run(
            new CheckedFile(Open(stack.Base, View(stores[0]), View(stores[1])).File, "view"),
            new CheckedFile(image, "new.img"),
            NobodyWatches.Instance);
        Assert.Equal(stack.Views[2], image.ToArray());
    });

    private static void ForEach(int chunkBytes, Action<TestStack, MemoryFile[]> check)
    {
        for (int seed = 1; seed <= SeedCount; seed++)
        {
            TestStack stack = TestStack.Random(seed);
            MemoryFile[] stores = [.. stack.Files.Select(file => CompactStores.Of(file, stack.BlockCount, chunkBytes))];
            try
            {
                check(stack, stores);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {seed}, chunks of {chunkBytes}: {exception.Message}", exception);
            }
        }
    }

    private static CompactFile View(MemoryFile store, int boot = 1) => CompactStores.Open(store, boot);

    private static CheckedFile BaseOf(TestStack stack) => new(new FlatFile(stack.Base), Disk.BaseName);

    private static BaseImage Open(byte[] content, params IBlockFile[] files)
    {
        var image = new BaseImage(new FlatFile(content), Disk.BaseName, hints: null, "disk.img");
        return files.Length == 0
            ? image
            : LayerStack.Open(image, [.. files.Select((file, index) => (file, $"{index}.cow"))], new BaseOptions(), HeapWords.Allocate);
    }

    private static byte[] Pack(IBlockFile cowfile)
    {
        var packed = new MemoryFile();
        Packer.Prepare(AtRest.Named(cowfile)).Run(PackedTarget.Plain(new CheckedFile(packed, "packed")), NobodyWatches.Instance);
        return packed.ToArray();
    }

    private static void Unpack(byte[] packed, IBlockFile cowfile)
    {
        Unpacker.Prepare(PackedSource.Plain(new CheckedFile(new MemoryFile(packed), "packed"))).Run(AtRest.Named(cowfile), NobodyWatches.Instance);
        Assert.Equal(Errno.None, cowfile.Sync());
    }

    private static byte[] Full(IBlockFile cowfile, TestStack stack)
    {
        byte[] content = new byte[stack.Layout.FullLengthBytes];
        Assert.Equal(Errno.None, cowfile.ReadAt(0, content.AsSpan(0, (int)Math.Min(cowfile.LengthBytes, content.Length))));
        return content;
    }

    /// <summary>Header, bitmap, and the blocks that have a bit.</summary>
    private static void MustBeTheSame(TestStack stack, int height, MemoryFile store)
    {
        byte[] found = Full(View(store, boot: 3), stack);
        byte[] expected = Full(stack.Files[height], stack);
        Assert.Equal(expected[..(int)stack.Layout.DataOffsetBytes], found[..(int)stack.Layout.DataOffsetBytes]);
        Assert.Equal(AtRest.View(stack.Base, expected), AtRest.View(stack.Base, found));
    }
}
