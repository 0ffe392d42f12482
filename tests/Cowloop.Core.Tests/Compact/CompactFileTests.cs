using Cowloop.Core.Compact;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>A store seen as the cowfile that it holds.</summary>
public class CompactFileTests
{
    private const int BlockCount = 1500;

    private static readonly CowLayout Layout = new(BlockCount);

    public static TheoryData<int> Sizes => new(CompactStores.ChunkSizes);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_new_one_is_an_empty_file(int chunkBytes)
    {
        MemoryFile store = CompactStores.New(BlockCount, chunkBytes);
        Assert.True(CompactFile.IsCompact(store));
        using CompactFile view = CompactStores.Open(store);

        Assert.Equal((0L, 0L, chunkBytes), (view.LengthBytes, view.UsedChunkCount, view.ChunkBytes));
        Assert.Equal(Errno.None, view.ReadAt(0, []));
        Assert.Equal(Errno.EIO, view.ReadAt(0, new byte[1]));
        Assert.Equal(Errno.None, view.NextData(5, out long start, out long end));
        Assert.Equal((5L, 5L), (start, end));
        Assert.Same(store, view.Store);
    }

    /// <summary>Calls of every kind, in every alignment, compared with a plain file.</summary>
    [Theory]
    [InlineData(4 << 10, 1)]
    [InlineData(16 << 10, 2)]
    [InlineData(64 << 10, 3)]
    [InlineData(256 << 10, 4)]
    [InlineData(1 << 20, 5)]
    public void Its_calls_do_what_those_of_a_file_do(int chunkBytes, int seed)
    {
        var random = new Random(seed);
        CompactFile view = CompactStores.Open(CompactStores.New(BlockCount, chunkBytes));
        byte[] expected = new byte[Layout.FullLengthBytes];
        byte[] header = Fixtures.RandomBytes(random, CowLayout.BlockSize);
        Assert.Equal(Errno.None, view.WriteAt(0, header));
        header.CopyTo(expected, 0);
        for (int step = 0; step < 400; step++)
        {
            int offset = (int)Layout.DataOffsetBytes + random.Next((int)Layout.DeviceBytes);
            int length = Math.Min(expected.Length - offset, random.Next(random.Next(3) == 0 ? 200_000 : 3000));
            int block = offset / 1024 * 1024;
            int blocks = Math.Min(expected.Length - block, length / 1024 * 1024 * (random.Next(4) == 0 ? 8 : 1));
            byte[] data = Fixtures.RandomBytes(random, length);
            switch (random.Next(6))
            {
                case 0 or 1:
                    Assert.Equal(Errno.None, view.WriteAt(offset, data));
                    data.CopyTo(expected, offset);
                    break;
                case 2:
                    Assert.Equal(Errno.None, view.Punch(block, blocks));
                    expected.AsSpan(block, blocks).Clear();
                    break;
                case 3:
                    Assert.Equal(Errno.None, view.Zero(block, blocks, mayUnmap: random.Next(2) == 0, out _));
                    expected.AsSpan(block, blocks).Clear();
                    break;
                case 4:
                    Assert.Equal(Errno.None, view.Allocate(offset, length));
                    break;
                default:
                    Assert.Equal(Errno.None, view.Sync());
                    break;
            }
            int from = Math.Max(0, offset - 3000);
            byte[] found = new byte[Math.Min(expected.Length - from, length + 6000)];
            Assert.Equal(Errno.None, view.ReadAt(from, found));
            // The bitmap shows whole chunks of zeros at once.
            int head = Math.Max(0, (int)Layout.DataOffsetBytes - from);
            Assert.True(found.AsSpan(head).SequenceEqual(expected.AsSpan(from + head, found.Length - head)), $"step {step}");
        }
        MustBeTheData(view, expected);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_bitmap_is_what_was_written_to_it_also_later(int chunkBytes)
    {
        var random = new Random(chunkBytes);
        MemoryFile store = CompactStores.New(BlockCount, chunkBytes);
        CompactFile view = CompactStores.Open(store);
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        byte[] bitmap = new byte[Layout.BitmapBytes];
        for (int round = 0; round < 12; round++)
        {
            for (int change = 0; change < 10; change++)
            {
                int first = random.Next(BlockCount);
                bool isSet = random.Next(3) > 0;
                for (int block = first; block < Math.Min(BlockCount, first + random.Next(200)); block++)
                {
                    bitmap[block / 8] = (byte)(isSet ? bitmap[block / 8] | 1 << block % 8 : bitmap[block / 8] & ~(1 << block % 8));
                }
            }
            if (round % 3 == 0)
            {
                Assert.Equal(Errno.None, view.WriteAt(Layout.DataOffsetBytes + random.Next(BlockCount - 90) * 1024, Fixtures.RandomBytes(random, 90_000)));
            }
            Assert.Equal(Errno.None, view.Sync());
            int part = random.Next((int)Layout.BitmapBytes);
            Assert.Equal(Errno.None, view.WriteAt(1024, bitmap.AsSpan(0, part)));
            Assert.Equal(Errno.None, view.WriteAt(1024 + part, bitmap.AsSpan(part)));
            Assert.Equal(bitmap, BitmapOf(view));
            Assert.Equal(Errno.None, view.Sync());
            byte[] shown = DataOf(view, bitmap);
            view = CompactStores.Open(store, boot: round);
            Assert.Equal(bitmap, BitmapOf(view));
            Assert.Equal(shown, DataOf(view, bitmap));
        }
    }

    [Fact]
    public void What_cannot_be_is_refused_and_changes_nothing()
    {
        CompactFile view = CompactStores.Open(CompactStores.New(BlockCount, 4096));
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));

        Assert.Equal(Errno.EFBIG, view.WriteAt(Layout.FullLengthBytes - 1, new byte[2]));
        Assert.Equal(Errno.EFBIG, view.WriteAt(-1, new byte[2]));
        Assert.Equal(Errno.EIO, view.ReadAt(Layout.FullLengthBytes - 1, new byte[2]));
        Assert.Equal(Errno.EIO, view.ReadAt(-1, new byte[2]));
        Assert.Equal(Errno.EINVAL, view.WriteAt(Layout.EmptyLengthBytes, [1]));
        // A bit of a block that the device does not have.
        Assert.Equal(Errno.EINVAL, view.WriteAt(1024 + BlockCount / 8, [0x10]));
        Assert.Equal(Errno.EOPNOTSUPP, view.Punch(0, 1024));
        Assert.Equal(Errno.EOPNOTSUPP, view.Zero(Layout.DataOffsetBytes + 512, 1024, mayUnmap: true, out _));
        Assert.Equal(new byte[Layout.BitmapBytes], BitmapOf(view));
        Assert.Equal(0, view.UsedChunkCount);
    }

    /// <summary>What is discarded takes no chunk; a full store must not keep it from being taken back.</summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void Bits_of_whole_chunks_of_zeros_are_taken_back_without_space(int chunkBytes)
    {
        MemoryFile store = CompactStores.New(BlockCount, chunkBytes);
        using (CompactFile view = CompactStores.Open(store))
        {
            Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
            Assert.Equal(Errno.None, view.Zero(Layout.DataOffsetBytes, Layout.DeviceBytes, mayUnmap: true, out _));
            Assert.Equal(Errno.None, view.Sync());
        }
        store.SpaceLimitBytes = store.UsedBytes;
        using (CompactFile view = CompactStores.Open(store))
        {
            Assert.True(view.NextData(1024, out long start, out long end) == Errno.None && end > start);

            Assert.Equal(Errno.None, view.WriteAt(CowLayout.BitmapOffsetBytes, new byte[Layout.BitmapBytes]));

            Assert.Equal(Errno.None, view.Sync());
            Assert.Equal(0, view.UsedChunkCount);
        }
        using CompactFile again = CompactStores.Open(store);
        Assert.Equal(new byte[Layout.BitmapBytes], BitmapOf(again));
    }

    [Fact]
    public void Its_length_is_that_of_an_active_cowfile()
    {
        CompactFile view = CompactStores.Open(CompactStores.New(BlockCount, 4096));
        Assert.Equal(0, view.LengthBytes);
        Assert.Equal(Errno.None, view.SetLength(Layout.EmptyLengthBytes));
        Assert.Equal(Layout.FullLengthBytes, view.LengthBytes);
        Assert.Equal(Errno.None, view.SetLength(0));
        Assert.Equal(0, view.LengthBytes);
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        Assert.Equal(Layout.FullLengthBytes, view.LengthBytes);
        Assert.Equal(Errno.EFBIG, view.SetLength(Layout.FullLengthBytes + 1));
        Assert.Equal(Errno.EINVAL, view.SetLength(Layout.EmptyLengthBytes - 1));

        long offsetBytes = Layout.DataOffsetBytes + 10 * 1024;
        Assert.Equal(Errno.None, view.WriteAt(offsetBytes, Fixtures.Filled(2048, 7)));
        Assert.Equal(Errno.None, view.Sync());
        Assert.Equal(Errno.None, view.WriteAt(1025, [4]));
        Assert.Equal(Errno.EINVAL, view.SetLength(offsetBytes));
        // The block behind has no bit: it is cut off.
        Assert.Equal(Errno.None, view.SetLength(offsetBytes + 1024));
        byte[] found = new byte[2048];
        Assert.Equal(Errno.None, view.ReadAt(offsetBytes, found));
        Assert.Equal([.. Fixtures.Filled(1024, 7), .. new byte[1024]], found);
        Assert.Equal(Errno.EINVAL, view.SetLength(0));
    }

    /// <summary>A file that could not be made is emptied; zeros belong to what is in it as well.</summary>
    [Fact]
    public void Only_one_that_holds_nothing_is_emptied()
    {
        CompactFile view = CompactStores.Open(CompactStores.New(BlockCount, 4096));
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        Assert.Equal(Errno.None, view.SetLength(0));
        Assert.Equal(0, view.LengthBytes);

        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        Assert.Equal(Errno.None, view.WriteAt(1024, [15]));
        Assert.Equal(0, view.UsedChunkCount);
        Assert.Equal(Errno.EINVAL, view.SetLength(0));
    }

    [Fact]
    public void A_discarded_disk_takes_no_space()
    {
        MemoryFile store = CompactStores.New(BlockCount, 64 << 10);
        long emptyBytes = store.UsedBytes;
        using Overlay overlay = Disk.Open(new FlatFile(Fixtures.Filled(BlockCount * 1024, 5)), CompactStores.Open(store), Disk.WithRecord);

        Assert.Equal(Errno.None, overlay.Zero(0, BlockCount * 1024, mayUnmap: true, fua: true));

        Assert.Equal(emptyBytes, store.UsedBytes);
        Assert.Equal(new byte[BlockCount * 1024], overlay.GetAll());
        Assert.Equal(Errno.None, overlay.Close());
        Assert.Equal(new byte[BlockCount * 1024], Reopen(store, boot: 2, 5));
    }

    /// <summary>What a service wrote before it was killed is there in the same boot; the header need not have changed for it.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void An_acknowledged_write_over_zeros_outlives_the_service(bool isPlain, bool isFlushed)
    {
        CowfileOptions options = isPlain ? Disk.Plain : Disk.WithRecord;
        byte[] content = Fixtures.Filled(BlockCount * 1024, 5);
        MemoryFile store = CompactStores.New(BlockCount, 4096);
        using (Overlay overlay = Disk.Open(new FlatFile(content), CompactStores.Open(store), options))
        {
            Assert.Equal(Errno.None, overlay.Zero(0, 64 * 1024, mayUnmap: true, fua: false));
            Assert.Equal(Errno.None, overlay.Close());
        }
        using (Overlay overlay = Disk.Open(new FlatFile(content), CompactStores.Open(store, boot: 2), options))
        {
            Assert.Equal(Errno.None, overlay.Fill(4096, 1024, 0x77));
            Assert.Equal(Errno.None, isFlushed ? overlay.Flush() : Errno.None);
        }

        using Overlay found = Disk.Open(new FlatFile(content), CompactStores.Open(store, boot: isFlushed ? 3 : 2), options);
        Assert.Equal(Fixtures.Filled(1024, 0x77), found.Get(4096, 1024));
        Assert.Equal(new byte[4096], found.Get(0, 4096));
        Assert.Equal(new byte[3072], found.Get(5120, 3072));
    }

    /// <summary>No service has promised what lies without a bit in a layer that is just being merged into: where it gets a bit it is zeros.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_merge_that_was_killed_takes_for_zeros_is_zeros(bool isSameBoot)
    {
        MemoryFile store = CompactStores.New(BlockCount, 4096);
        CompactFile view = CompactStores.Open(store);
        byte[] header = new byte[1024];
        (CowHeader.ForNewFile(Layout, 1) with { Flags = CowFlags.Dirty }).Encode(header);
        new ExtensionRecord
        {
            Id = Disk.Id,
            BaseLengthBytes = BlockCount * 1024,
            BaseIdentity = default,
            Merged = new MergedLayer(Disk.Id, 1, 1, IsComplete: false),
        }.Encode(header);
        Assert.Equal(Errno.None, view.WriteAt(0, header));
        Assert.Equal(Errno.None, view.WriteAt(Layout.DataOffsetBytes, Fixtures.Filled(4096, 9)));

        view = CompactStores.Open(store, isSameBoot ? 1 : 2);
        Assert.Equal(Errno.None, view.NextData(Layout.DataOffsetBytes, out long start, out long end));
        Assert.Equal(start, end);
        Assert.Equal(Errno.None, view.WriteAt(Layout.DataOffsetBytes, Fixtures.Filled(1024, 3)));
        Assert.Equal(Errno.None, view.Sync());
        Assert.Equal(Errno.None, view.WriteAt(1024, [0b0011]));
        Assert.Equal(Errno.None, view.Sync());

        byte[] found = new byte[2048];
        Assert.Equal(Errno.None, view.ReadAt(Layout.DataOffsetBytes, found));
        Assert.Equal([.. Fixtures.Filled(1024, 3), .. new byte[1024]], found);
        Assert.Equal(Errno.None, CompactStores.Open(store, 7).ReadAt(Layout.DataOffsetBytes, found));
        Assert.Equal([.. Fixtures.Filled(1024, 3), .. new byte[1024]], found);
    }

    /// <summary>No later sync makes a failed one good, and who opens it later counts on nothing that was only written.</summary>
    [Fact]
    public void A_failed_sync_is_final()
    {
        MemoryFile store = CompactStores.New(BlockCount, 4096);
        var traced = new TracingFile(store);
        CompactFile view = CompactStores.Open(traced);
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        Assert.Equal(Errno.None, view.WriteAt(Layout.DataOffsetBytes, Fixtures.Filled(1024, 2)));
        traced.FailOnce("sync", Errno.EIO);

        Assert.Equal(Errno.EIO, view.Sync());
        Assert.Equal(Errno.EIO, view.Sync());

        byte[] mark = new byte[512];
        Assert.Equal(Errno.None, store.ReadAt(CompactLayout.BootMarkOffsetBytes, mark));
        Assert.Equal(new byte[512], mark);
        Assert.Equal(0, CompactStores.Open(store).UsedChunkCount);
    }

    [Fact]
    public void A_full_disk_is_told_and_nothing_is_lost()
    {
        byte[] content = Fixtures.Filled(BlockCount * 1024, 5);
        MemoryFile store = CompactStores.New(BlockCount, 64 << 10);
        store.SpaceLimitBytes = store.UsedBytes + 300 * 1024;
        using Overlay overlay = Disk.Open(new FlatFile(content), CompactStores.Open(store), Disk.WithRecord);
        byte[] expected = [.. content];
        int fullCount = 0;
        for (int block = 0; block < BlockCount - 3; block += 7)
        {
            Errno errno = overlay.Fill(block * 1024 + 100, 3000, (byte)block);
            Assert.True(errno is Errno.None or Errno.ENOSPC);
            // After an error any part of it may have been written.
            foreach ((int index, byte found) in overlay.Get(block * 1024 + 100, 3000).Index())
            {
                ref byte place = ref expected[block * 1024 + 100 + index];
                Assert.True(found == (byte)block || (errno != Errno.None && found == place));
                place = found;
            }
            fullCount += errno == Errno.None ? 0 : 1;
        }
        Assert.InRange(fullCount, 100, 200);
        Assert.Equal(Errno.None, overlay.Flush());
        Assert.Equal(expected, overlay.GetAll());
        Assert.Equal(expected, Reopen(store.Copy(), boot: 2, 5));
        store.SpaceLimitBytes = long.MaxValue;
        Assert.Equal(Errno.None, overlay.Fill((BlockCount - 8) * 1024, 1024, 1));
        Assert.Equal(Errno.None, overlay.Close());
    }

    [Fact]
    public void What_is_no_store_is_refused()
    {
        Assert.False(CompactFile.IsCompact(new MemoryFile()));
        Assert.False(CompactFile.IsCompact(new MemoryFile(Golden.G2())));
        Assert.Equal(Fault.ReadHeader, Refused(new MemoryFile(Golden.G2())).Fault);
        Assert.Equal(Fault.ReadHeader, Refused(new MemoryFile()).Fault);
        MemoryFile store = CompactStores.New(BlockCount, 4096);
        for (int call = 1; call <= 3; call++)
        {
            CowloopException unread = Refused(new FaultyFile(store, new PlannedFault(call, 1, Errno.EIO, FaultMoment.AfterTheCall)));
            Assert.Equal((Errno.EIO, Fault.ReadHeader), (unread.Errno, unread.Fault));
        }
        Assert.Equal(Errno.None, store.SetLength(store.LengthBytes - 1));
        CowloopException cut = Refused(store);
        Assert.Equal(Fault.Damaged, cut.Fault);
        Assert.Contains("is incomplete: ", cut.Message, StringComparison.Ordinal);

        static CowloopException Refused(IBlockFile file) => Assert.Throws<CowloopException>(() => CompactStores.Open(file));
    }

    /// <summary>Memory is asked for only when the file is long enough for what its first sector says.</summary>
    [Fact]
    public void A_short_file_that_calls_itself_large_takes_no_memory()
    {
        byte[] sector = new byte[4096];
        new CompactHeader(CompactStores.Id, 4096, CowLayout.MaxClassicBlockCount).Encode(sector);

        Assert.Equal(Fault.Damaged, Assert.Throws<CowloopException>(() => CompactFile.Open(
            new MemoryFile(sector),
            "a.cow",
            new CompactOptions { AllocateZeroedWords = _ => throw new InvalidOperationException(), BootId = default })).Fault);
    }

    [Fact]
    public void One_that_cannot_be_made_is_told()
    {
        var file = new MemoryFile { SpaceLimitBytes = 4096 };

        CowloopException refused = Assert.Throws<CowloopException>(() => CompactFile.Format(file, "a.cow", CompactStores.Id, 4096, Layout));

        Assert.Equal((Errno.ENOSPC, "free some space there"), (refused.Errno, refused.Hint));
        Assert.Equal(0, file.LengthBytes);
    }

    private static byte[] Reopen(IBlockFile store, int boot, byte baseFill)
    {
        using Overlay overlay = Disk.Open(new FlatFile(Fixtures.Filled(BlockCount * 1024, baseFill)), CompactStores.Open(store, boot));
        return overlay.GetAll();
    }

    private static byte[] BitmapOf(CompactFile view)
    {
        byte[] bitmap = new byte[Layout.BitmapBytes];
        Assert.Equal(Errno.None, view.ReadAt(1024, bitmap));
        return bitmap;
    }

    /// <summary>What the blocks hold that have a bit.</summary>
    private static byte[] DataOf(CompactFile view, byte[] bitmap)
    {
        byte[] data = new byte[Layout.DeviceBytes];
        Assert.Equal(Errno.None, view.ReadAt(Layout.DataOffsetBytes, data));
        for (int block = 0; block < BlockCount; block++)
        {
            if ((bitmap[block / 8] >> block % 8 & 1) == 0)
            {
                data.AsSpan(block * 1024, 1024).Clear();
            }
        }
        return data;
    }

    /// <summary>All of the data, found stretch by stretch: what is no stretch of data is zeros.</summary>
    private static void MustBeTheData(CompactFile view, byte[] expected)
    {
        byte[] found = new byte[expected.Length];
        for (long offset = Layout.DataOffsetBytes; offset < expected.Length;)
        {
            Assert.Equal(Errno.None, view.NextData(offset, out long start, out long end));
            Assert.InRange(start, offset, expected.Length);
            Assert.Equal(Errno.None, view.ReadAt(start, found.AsSpan((int)start, (int)(end - start))));
            offset = end == start ? expected.Length : end;
        }
        Assert.True(found.AsSpan((int)Layout.DataOffsetBytes).SequenceEqual(expected.AsSpan((int)Layout.DataOffsetBytes)));
    }
}
