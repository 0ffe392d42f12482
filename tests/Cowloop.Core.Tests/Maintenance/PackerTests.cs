using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

public class PackerTests(ITestOutputHelper output)
{
    private static readonly CowImage PackedG2 = Golden.ImageG2 with { Flags = CowImage.PackedFlag };

    [Theory]
    [InlineData(CowVariant.Little64, Golden.G2PackedWide, Golden.G2StreamWide)]
    [InlineData(CowVariant.Little32, Golden.G2PackedNarrow, Golden.G2StreamNarrow)]
    public void T60_T61_T69_a_golden_file_is_packed_as_the_original_did(CowVariant variant, string plainHash, string streamHash)
    {
        byte[] cowfile = (Golden.ImageG2 with { Variant = variant }).ToBytes();

        Assert.Equal(plainHash, Fixtures.Sha256(PackPlain(cowfile)));
        Assert.Equal(streamHash, Fixtures.Sha256(PackUnpadded(cowfile)));
    }

    [Theory]
    [InlineData(CowVariant.Big64)]
    [InlineData(CowVariant.Big32)]
    public void Byte_order_and_word_size_are_kept(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant };

        Assert.Equal(image.Packed(), PackPlain(image.ToBytes()));
        Assert.Equal(image.PackedStream(), PackUnpadded(image.ToBytes()));
    }

    [Fact]
    public void T62_a_file_without_blocks_is_packed_too()
    {
        byte[] cowfile = new CowImage().ToBytes();

        Assert.Equal(2048, PackPlain(cowfile).Length);
        Assert.Equal(1080, PackUnpadded(cowfile).Length);
        Assert.Equal(0, Packer.Prepare(File(cowfile)).BlockCount);
    }

    [Fact]
    public void T9_a_file_lengthened_with_a_hole_is_packed_the_same()
    {
        var memory = new MemoryFile(Golden.G2());
        memory.SetLength(1_052_672);

        Assert.Equal(Golden.G2PackedWide, Fixtures.Sha256(PackPlain(memory.ToArray())));
    }

    /// <summary>More than one buffer, with runs across its border; a block of zeros is a block like any other.</summary>
    [Fact]
    public void Many_blocks_are_packed_in_order()
    {
        CowImage image = RandomImage.Make(new Random(60), blockCount: 9000, density: 0.7);

        Assert.True(image.Bits.Count > 4096);
        Assert.True(image.Packed().AsSpan().SequenceEqual(PackPlain(image.ToBytes())));
        Assert.True(image.PackedStream().AsSpan().SequenceEqual(PackUnpadded(image.ToBytes())));
    }

    [Fact]
    public void A_full_file_is_packed()
    {
        CowImage image = new CowImage { BlockCount = 2500 }.With(0, 2500, 0x5A);

        Assert.Equal(image.PackedStream(), PackUnpadded(image.ToBytes()));
    }

    [Fact]
    public void Unknown_flags_and_odd_fingerprints_stay_and_reserved_bytes_go()
    {
        byte[] cowfile = (Golden.ImageG2 with { Flags = 0x8004, Reserved = 0x77 }).ToBytes();
        cowfile.AsSpan(44, 4).Clear();

        byte[] packed = PackPlain(cowfile);

        byte[] expected = (Golden.ImageG2 with { Flags = 0x8004 }).Packed();
        expected.AsSpan(44, 4).Clear();
        Assert.Equal(expected, packed);
    }

    /// <summary>Data without a bit is what an unfinished write has left: not part of the content.</summary>
    [Fact]
    public void What_only_the_record_says_is_not_thrown_away()
    {
        using var stack = new Stack([.. Fixtures.R]);
        stack.Snapshot(Fixtures.R);
        Assert.Equal(Errno.None, stack.Device.Close());
        MustRefuse(stack.Top, "cowfile test.cow lies on layer ");

        var larger = new MemoryFile();
        Assert.Equal(Errno.None, Disk.Open(new FlatFile([.. Fixtures.R]), larger, Disk.WithRecord with { DeviceBytes = 3 << 20 }).Close());
        MustRefuse(larger, "the device of cowfile test.cow is larger than its rdofile");

        // It says nothing that the base would not say.
        Packer.Prepare(AtRest.Named(stack.Layers[0]));

        static void MustRefuse(MemoryFile cowfile, string reason)
        {
            CowloopException refused = Assert.Throws<CowloopException>(() => Packer.Prepare(AtRest.Named(cowfile)));
            Assert.StartsWith(reason, refused.Message, StringComparison.Ordinal);
            Assert.EndsWith(", which a packed file cannot say", refused.Message, StringComparison.Ordinal);
            Assert.Equal(Errno.EINVAL, refused.Errno);
        }
    }

    [Fact]
    public void Data_without_a_bit_is_not_packed() =>
        Assert.Equal(Golden.ImageG2.Packed(), PackPlain(Golden.ImageG2.WithData(50, 3, 0x99).ToBytes()));

    [Fact]
    public void Blocks_of_zeros_are_holes_in_the_packed_file()
    {
        var memory = new MemoryFile();

        Packer.Prepare(File(new CowImage().With(0, 1000, 0).ToBytes())).Run(PackedTarget.Plain(new CheckedFile(memory, "packed")), NobodyWatches.Instance);

        Assert.Equal((4096 + 1000 * 1024, 4096), (memory.LengthBytes, memory.UsedBytes));
    }

    [Fact]
    public void The_number_of_blocks_is_known_before() =>
        Assert.Equal(4, Packer.Prepare(File(Golden.G2())).BlockCount);

    [Fact]
    public void Progress_adds_up()
    {
        var watcher = new Watcher();

        Packer.Prepare(File(Golden.G2())).Run(PackedTarget.Unpadded(Stream.Null), watcher);

        Assert.Equal(("packing", 1024 + 4096L, 1024 + 4096L), (watcher.What, watcher.TotalBytes, watcher.DoneBytes));
    }

    [Fact]
    public void It_can_be_interrupted_anywhere()
    {
        byte[] cowfile = new CowImage { BlockCount = 2500 }.With(0, 2500, 1).ToBytes();
        int count = 0;
        while (TryInterrupt(count + 1))
        {
            count++;
        }
        Assert.True(count >= 4, $"{count} chances");

        bool TryInterrupt(int at)
        {
            var watcher = new Watcher(at);
            try
            {
                Packer.Prepare(File(cowfile)).Run(PackedTarget.Unpadded(Stream.Null), watcher);
                return false;
            }
            catch (OperationCanceledException)
            {
                return watcher.AdvanceCount == at;
            }
        }
    }

    public static TheoryData<byte[], Fault, string> Refusals => new()
    {
        { (Golden.ImageG2 with { Magic = 1 }).ToBytes(), Fault.WrongMagic, "my.cow is no cowfile" },
        { (Golden.ImageG2 with { Version = 3 }).ToBytes(), Fault.WrongVersion, "cowfile my.cow has header version 3, known is up to 2" },
        { Golden.ImageG3.ToBytes(), Fault.Dirty, "cowfile my.cow is dirty: it may hold more than its bitmap shows" },
        { PackedG2.Packed(), Fault.Packed, "cowfile my.cow is packed" },
        { (Golden.ImageG2 with { Flags = 3 }).ToBytes(), Fault.Dirty, "packed cowfile my.cow is dirty, which no cowpack makes it" },
        { (Golden.ImageG2 with { WrongDataOffset = 8192 }).ToBytes(), Fault.Damaged, "cowfile my.cow has a damaged header" },
        { (Golden.ImageG2 with { WrongMapSize = 1UL << 62 }).ToBytes(), Fault.Damaged, "cowfile my.cow has a damaged header" },
        {
            (Golden.ImageG2 with { WrongUsedBlocks = 5 }).ToBytes(),
            Fault.Damaged,
            "cowfile my.cow counts 5 blocks in its header and 4 in its bitmap"
        },
        {
            new CowImage { BlockCount = 8, Bits = [8] }.ToBytes(),
            Fault.Damaged,
            "cowfile my.cow marks block 8, but the rdofile ends with block 7"
        },
        { Golden.G2()[..108543], Fault.ReadData, "cowfile my.cow is incomplete: 108543 bytes, but its last block ends at byte 108544" },
        { Golden.G2()[..2047], Fault.ReadBitmap, "cowfile my.cow is incomplete: 2047 bytes, but header and bitmap alone take 2048" },
        { Golden.G2()[..55], Fault.ReadHeader, "my.cow is too short to be a cowfile: 55 bytes" },
        { [], Fault.ReadHeader, "my.cow is too short to be a cowfile: 0 bytes" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_is_no_sound_and_clean_cowfile_is_refused(byte[] cowfile, Fault fault, string reason)
    {
        var exception = Assert.Throws<CowloopException>(() => Packer.Prepare(File(cowfile)));

        Assert.Equal((fault, reason), (exception.Fault, exception.Message));
    }

    [Fact]
    public void A_call_that_fails_never_passes_for_success()
    {
        byte[] cowfile = RandomImage.Make(new Random(61), blockCount: 600, density: 0.5).ToBytes();
        int sourceFaults = EveryCall.MustBeTold(fault => Run(new FaultyFile(new MemoryFile(cowfile), fault), new MemoryFile()));
        int targetFaults = EveryCall.MustBeTold(fault => Run(new MemoryFile(cowfile), new FaultyFile(new MemoryFile(), fault)));
        output.WriteLine($"{sourceFaults} and {targetFaults} faults");
        Assert.True(sourceFaults > 20 * EveryCall.Faults.Count() && targetFaults >= 4 * EveryCall.Faults.Count());

        static void Run(IBlockFile source, IBlockFile target) =>
            Packer.Prepare(new CheckedFile(source, "my.cow")).Run(PackedTarget.Plain(new CheckedFile(target, "packed")), NobodyWatches.Instance);
    }

    private static CheckedFile File(byte[] content) => new(new MemoryFile(content), "my.cow");

    private static byte[] PackPlain(byte[] cowfile)
    {
        var memory = new MemoryFile();
        Packer.Prepare(File(cowfile)).Run(PackedTarget.Plain(new CheckedFile(memory, "packed")), NobodyWatches.Instance);
        return memory.ToArray();
    }

    private static byte[] PackUnpadded(byte[] cowfile)
    {
        using var stream = new MemoryStream();
        Packer.Prepare(File(cowfile)).Run(PackedTarget.Unpadded(stream), NobodyWatches.Instance);
        return stream.ToArray();
    }
}
