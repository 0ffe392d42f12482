using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

public class UnpackerTests(ITestOutputHelper output)
{
    private static readonly CowImage PackedG2 = Golden.ImageG2 with { Flags = CowImage.PackedFlag };

    [Theory]
    [InlineData(CowVariant.Little64)]
    [InlineData(CowVariant.Little32)]
    [InlineData(CowVariant.Big64)]
    [InlineData(CowVariant.Big32)]
    public void T60_T61_T69_a_golden_file_comes_back_byte_for_byte(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant };

        Assert.Equal(image.ToBytes(), UnpackPlain(image.Packed()));
        Assert.Equal(image.ToBytes(), UnpackUnpadded(image.PackedStream()));
    }

    [Fact]
    public void T62_a_file_without_blocks_comes_back()
    {
        var image = new CowImage();

        Assert.Equal(image.ToBytes(), UnpackPlain(image.Packed()));
        Assert.Equal(image.ToBytes(), UnpackUnpadded(image.PackedStream()));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(8, 0.5)]
    [InlineData(2500, 1)]
    [InlineData(9000, 0.9)]
    [InlineData(9000, 0.5)]
    [InlineData(9000, 0.05)]
    [InlineData(30_000, 0.2)]
    public void What_was_packed_comes_back_byte_for_byte(int blockCount, double density)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            CowImage image = RandomImage.Make(new Random(seed), blockCount, density);
            byte[] cowfile = image.ToBytes();

            Assert.True(cowfile.AsSpan().SequenceEqual(UnpackPlain(image.Packed())));
            Assert.True(cowfile.AsSpan().SequenceEqual(UnpackUnpadded(image.PackedStream())));
        }
    }

    [Fact]
    public void Unknown_flags_and_odd_fingerprints_stay()
    {
        byte[] packed = (PackedG2 with { Flags = 0x8004 }).Packed();
        packed.AsSpan(44, 4).Clear();

        byte[] cowfile = UnpackPlain(packed);

        byte[] expected = (Golden.ImageG2 with { Flags = 0x8004 }).ToBytes();
        expected.AsSpan(44, 4).Clear();
        Assert.Equal(expected, cowfile);
    }

    /// <summary>The original's tool left there what a destination had before (specification 6.13).</summary>
    [Fact]
    public void Remains_in_the_padding_and_behind_the_blocks_are_ignored()
    {
        byte[] packed = [.. (Golden.ImageG2 with { Reserved = 0x77 }).Packed(), .. Fixtures.Filled(3000, 0x99)];
        packed.AsSpan(56, 1024 - 56).Fill(0x99);
        packed.AsSpan(2048, 2048).Fill(0x99);

        Assert.Equal(Golden.G2(), UnpackPlain(packed));
    }

    [Fact]
    public void Blocks_of_zeros_are_holes_and_count_for_the_length()
    {
        CowImage image = new CowImage().With(0, 1, 1).With(100, 900, 0);
        var memory = new MemoryFile();

        Unpacker.Prepare(Plain(image.Packed())).Run(new CheckedFile(memory, "my.cow"), NobodyWatches.Instance);

        // Header and bitmap are one page, block 0 is another.
        Assert.Equal((4096 + 1000 * 1024, 2 * 4096), (memory.LengthBytes, memory.UsedBytes));
        Assert.Equal(image.ToBytes(), memory.ToArray());
    }

    [Fact]
    public void Header_and_bitmap_are_allocated_as_those_of_a_new_cowfile()
    {
        var image = new CowImage { BlockCount = 200_000 };
        var memory = new MemoryFile();

        Unpacker.Prepare(Plain(image.Packed())).Run(new CheckedFile(memory, "my.cow"), NobodyWatches.Instance);

        Assert.Equal(new CowLayout(200_000).EmptyLengthBytes, memory.LengthBytes);
        Assert.Equal((memory.LengthBytes + 4095) / 4096 * 4096, memory.UsedBytes);
    }

    [Fact]
    public void Where_nothing_can_be_allocated_it_is_unpacked_nevertheless()
    {
        var memory = new MemoryFile { CanAllocate = false };

        Unpacker.Prepare(Plain(Golden.ImageG2.Packed())).Run(new CheckedFile(memory, "my.cow"), NobodyWatches.Instance);

        Assert.Equal(Golden.G2Wide, memory.Sha256());
    }

    [Fact]
    public void The_largest_bitmap_needs_no_memory_of_its_size()
    {
        var layout = new CowLayout(CowLayout.MaxClassicBlockCount);
        var packed = new MemoryFile();
        byte[] header = new byte[1024];
        (CowHeader.ForNewFile(layout, 0) with { Flags = CowFlags.Packed, UsedBlocks = 1 }).Encode(header);
        packed.WriteAt(0, header);
        packed.WriteAt(CowLayout.BitmapOffsetBytes + layout.BitmapBytes - 1, [0x40]);
        packed.WriteAt(layout.DataOffsetBytes, Fixtures.Filled(1024, 7));
        var cowfile = new MemoryFile { CanAllocate = false };
        long before = GC.GetAllocatedBytesForCurrentThread();

        Unpacker.Prepare(PackedSource.Plain(new CheckedFile(packed, "packed"))).Run(new CheckedFile(cowfile, "my.cow"), NobodyWatches.Instance);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
        Assert.Equal(layout.FullLengthBytes, cowfile.LengthBytes);
        byte[] last = new byte[1024];
        cowfile.ReadAt(layout.FullLengthBytes - 1024, last);
        Assert.Equal(Fixtures.Filled(1024, 7), last);
    }

    [Fact]
    public void The_number_of_blocks_is_known_before_and_progress_adds_up()
    {
        var watcher = new Watcher();

        var unpacker = Unpacker.Prepare(Plain(Golden.ImageG2.Packed()));
        unpacker.Run(new CheckedFile(new MemoryFile(), "my.cow"), watcher);

        Assert.Equal(4, unpacker.BlockCount);
        Assert.Equal(("unpacking", 1024 + 4096L, 1024 + 4096L), (watcher.What, watcher.TotalBytes, watcher.DoneBytes));
    }

    /// <summary>So nothing has to be made for it.</summary>
    [Fact]
    public void What_can_be_seen_at_once_is_refused_at_once()
    {
        Assert.Equal(Fault.NotPacked, Assert.Throws<CowloopException>(() => Unpacker.Prepare(Plain(Golden.G2()))).Fault);
        Assert.Equal(Fault.ReadBitmap, Assert.Throws<CowloopException>(() => Unpacker.Prepare(Plain(Golden.ImageG2.Packed()[..2047]))).Fault);
        Assert.Equal(Fault.ReadData, Assert.Throws<CowloopException>(() => Unpacker.Prepare(Plain(Golden.ImageG2.Packed()[..8191]))).Fault);
    }

    [Fact]
    public void It_can_be_interrupted_anywhere()
    {
        byte[] packed = new CowImage { BlockCount = 2500 }.With(0, 2500, 1).Packed();
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
                Unpacker.Prepare(Plain(packed)).Run(new CheckedFile(new MemoryFile(), "my.cow"), watcher);
                return false;
            }
            catch (OperationCanceledException)
            {
                return watcher.AdvanceCount == at;
            }
        }
    }

    public static TheoryData<byte[], byte[], Fault, string> Refusals()
    {
        var refusals = new TheoryData<byte[], byte[], Fault, string>();
        Add(PackedG2 with { Magic = 1 }, Fault.WrongMagic, "packed is no cowfile");
        Add(PackedG2 with { Version = 0 }, Fault.WrongVersion, "cowfile packed has header version 0, known is up to 2");
        Add(PackedG2 with { Flags = 3 }, Fault.Dirty, "packed cowfile packed is dirty, which no cowpack makes it");
        Add(PackedG2 with { MapUnit = 4096 }, Fault.Damaged, "cowfile packed has a damaged header");
        Add(PackedG2 with { WrongMapSize = ulong.MaxValue }, Fault.Damaged, "cowfile packed has a damaged header");
        Add(PackedG2 with { WrongDataOffset = 0 }, Fault.Damaged, "cowfile packed has a damaged header");
        Add(PackedG2 with { WrongUsedBlocks = 3 }, Fault.Damaged, "cowfile packed counts 3 blocks in its header and 4 in its bitmap");
        Add(
            PackedG2 with { WrongUsedBlocks = ulong.MaxValue },
            Fault.Damaged,
            "cowfile packed counts 18446744073709551615 blocks in its header, but the rdofile has only 1024");
        Add(
            new CowImage { BlockCount = 8, Flags = CowImage.PackedFlag }.With(8, 1, 1),
            Fault.Damaged,
            "cowfile packed marks block 8, but the rdofile ends with block 7");
        return refusals;

        void Add(CowImage image, Fault fault, string reason) => refusals.Add(image.Packed(), image.PackedStream(), fault, reason);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_is_no_sound_packed_cowfile_is_refused(byte[] file, byte[] stream, Fault fault, string reason)
    {
        var plain = Assert.Throws<CowloopException>(() => UnpackPlain(file));
        var unpadded = Assert.Throws<CowloopException>(() => UnpackUnpadded(stream));

        Assert.Equal((fault, reason), (plain.Fault, plain.Message));
        Assert.Equal((fault, reason), (unpadded.Fault, unpadded.Message));
        Assert.NotNull(plain.Hint);
        Assert.NotNull(unpadded.Hint);
    }

    [Fact]
    public void T65_a_cowfile_that_is_not_packed_is_refused()
    {
        var plain = Assert.Throws<CowloopException>(() => UnpackPlain(Golden.G2()));
        var unpadded = Assert.Throws<CowloopException>(() => UnpackUnpadded(Golden.G2()));

        Assert.Equal((Errno.EINVAL, Fault.NotPacked), (plain.Errno, plain.Fault));
        Assert.Equal((Errno.EINVAL, Fault.NotPacked), (unpadded.Errno, unpadded.Fault));
    }

    [Fact]
    public void What_is_compressed_is_refused_with_the_right_command()
    {
        byte[] compressed = [0x1F, 0x8B, .. new byte[98]];

        var exception = Assert.Throws<CowloopException>(() => UnpackPlain(compressed));

        Assert.Equal(Fault.WrongMagic, exception.Fault);
        Assert.Contains("cowpack -zu packed NEWFILE", exception.Hint, StringComparison.Ordinal);
    }

    /// <summary>Its padding is taken for a bitmap then.</summary>
    [Fact]
    public void A_plain_file_in_place_of_a_stream_is_never_unpacked()
    {
        var exception = Assert.Throws<CowloopException>(() => UnpackUnpadded(Golden.ImageG2.Packed()));

        Assert.Equal(Fault.Damaged, exception.Fault);
        Assert.Contains("compressed afterwards", exception.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_must_end_with_its_last_block()
    {
        var exception = Assert.Throws<CowloopException>(() => UnpackUnpadded([.. Golden.ImageG2.PackedStream(), 0]));

        Assert.Equal((Errno.EINVAL, Fault.Damaged), (exception.Errno, exception.Fault));
    }

    public static TheoryData<CowVariant> AllVariants => [CowVariant.Little64, CowVariant.Little32, CowVariant.Big64, CowVariant.Big32];

    [Theory]
    [MemberData(nameof(AllVariants))]
    public void T68_a_plain_file_cut_anywhere_is_refused(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant };
        byte[] packed = image.Packed();
        foreach (int length in Cuts(packed.Length, image.StructSize, 1024, 2048, 4096, 5120))
        {
            Fault expected = length < image.StructSize ? Fault.ReadHeader : length < 2048 ? Fault.ReadBitmap : Fault.ReadData;
            AssertIncomplete(expected, length, () => UnpackPlain(packed[..length]));
        }
    }

    [Theory]
    [MemberData(nameof(AllVariants))]
    public void T68_a_stream_cut_anywhere_is_refused(CowVariant variant)
    {
        CowImage image = Golden.ImageG2 with { Variant = variant };
        byte[] packed = image.PackedStream();
        foreach (int length in Cuts(packed.Length, image.StructSize, image.StructSize + 1024, image.StructSize + 2048))
        {
            Fault expected = length < image.StructSize ? Fault.ReadHeader : length < image.StructSize + 1024 ? Fault.ReadBitmap : Fault.ReadData;
            AssertIncomplete(expected, length, () => UnpackUnpadded(packed[..length]));
        }
    }

    [Fact]
    public void A_call_that_fails_never_passes_for_success()
    {
        byte[] packed = RandomImage.Make(new Random(63), blockCount: 600, density: 0.5).Packed();
        int sourceFaults = EveryCall.MustBeTold(fault => Run(new FaultyFile(new MemoryFile(packed), fault), new MemoryFile()));
        int targetFaults = EveryCall.MustBeTold(fault => Run(new MemoryFile(packed), new FaultyFile(new MemoryFile(), fault)));
        output.WriteLine($"{sourceFaults} and {targetFaults} faults");
        Assert.True(sourceFaults >= 4 * EveryCall.Faults.Count() && targetFaults > 20 * EveryCall.Faults.Count());

        static void Run(IBlockFile source, IBlockFile target) =>
            Unpacker.Prepare(PackedSource.Plain(new CheckedFile(source, "packed"))).Run(new CheckedFile(target, "my.cow"), NobodyWatches.Instance);
    }

    [Fact]
    public void A_disk_that_gets_full_is_an_error_at_every_size()
    {
        CowImage image = RandomImage.Make(new Random(64), blockCount: 300, density: 0.5);
        var needed = new MemoryFile();
        Unpacker.Prepare(Plain(image.Packed())).Run(new CheckedFile(needed, "my.cow"), NobodyWatches.Instance);
        for (long spaceBytes = 0; spaceBytes < needed.UsedBytes; spaceBytes += MemoryFile.PageSize)
        {
            var small = new CheckedFile(new MemoryFile { SpaceLimitBytes = spaceBytes }, "my.cow");

            var exception = Assert.Throws<CowloopException>(() => Unpacker.Prepare(Plain(image.Packed())).Run(small, NobodyWatches.Instance));

            Assert.Equal(Errno.ENOSPC, exception.Errno);
        }
    }

    private static void AssertIncomplete(Fault expected, int length, Action unpack)
    {
        var exception = Assert.Throws<CowloopException>(unpack);
        Assert.Equal((length, Errno.None, expected), (length, exception.Errno, exception.Fault));
    }

    /// <summary>Lengths at, before and behind every border, and some between.</summary>
    private static SortedSet<int> Cuts(int length, params int[] borders)
    {
        SortedSet<int> cuts = [0, 1, 31, 33, length - 1];
        foreach (int border in borders)
        {
            cuts.UnionWith([border - 1, border, border + 1]);
        }
        for (int between = 0; between < length; between += 997)
        {
            cuts.Add(between);
        }
        return cuts;
    }

    private static PackedSource Plain(byte[] packed) => PackedSource.Plain(new CheckedFile(new MemoryFile(packed), "packed"));

    private static byte[] UnpackPlain(byte[] packed) => Unpack(Plain(packed));

    private static byte[] UnpackUnpadded(byte[] packed) => Unpack(PackedSource.Unpadded(new MemoryStream(packed), "packed"));

    private static byte[] Unpack(PackedSource source)
    {
        var memory = new MemoryFile();
        Unpacker.Prepare(source).Run(new CheckedFile(memory, "my.cow"), NobodyWatches.Instance);
        return memory.ToArray();
    }
}
