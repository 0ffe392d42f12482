using Cowloop.Core.Compact;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>Stores in a file with a limit: full, larger and smaller, with everything else going on.</summary>
public class CompactLimitTests
{
    private const int BlockCount = 1500;
    private const byte BaseFill = 5;

    private static readonly CowLayout Device = new(BlockCount);

    public static TheoryData<int> Sizes => new(CompactStores.ChunkSizes);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_limit_that_is_too_small_for_a_chunk_is_refused_and_the_smallest_is_named(int chunkBytes)
    {
        var layout = new CompactLayout(Device, chunkBytes);
        var file = new MemoryFile("left as it is"u8);
        CowloopException refused = Assert.Throws<CowloopException>(() => Format(file, chunkBytes, layout.ChunkEndBytes(0) - 1));
        Assert.Equal(Errno.EINVAL, refused.Errno);
        Assert.Contains($"which needs {layout.ChunkEndBytes(0) / 1024} KiB", refused.Message, StringComparison.Ordinal);
        Assert.Equal("left as it is"u8.ToArray(), file.ToArray());

        Format(file, chunkBytes, layout.ChunkEndBytes(0));
        using CompactFile view = CompactStores.Open(file);
        Assert.Equal((layout.ChunkEndBytes(0), 1L, false), (view.LimitBytes, view.ChunkCount, view.IsOnDevice));
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        Assert.Equal(Errno.None, view.WriteAt(Device.DataOffsetBytes, Fixtures.Filled(1024, 1)));
        Assert.Equal(Errno.ENOSPC, view.WriteAt(Device.DataOffsetBytes + chunkBytes, Fixtures.Filled(1024, 1)));
    }

    [Fact]
    public void A_block_device_has_no_limit_of_its_own()
    {
        var device = new SizedDevice(4 << 20);
        Assert.Throws<CowloopException>(() => CompactFile.Format(device, "dev", CompactStores.Id, 4096, Device, isOnDevice: true, 2 << 20));
        CompactFile.Format(device, "dev", CompactStores.Id, 4096, Device, isOnDevice: true);
        using CompactFile view = CompactStores.Open(device);

        Assert.Equal((null, true), (view.LimitBytes, view.IsOnDevice));
        Assert.Contains("has no limit of its own", Assert.Throws<CowloopException>(() => view.SetLimit(8 << 20, "dev")).Message, StringComparison.Ordinal);
        long? before = view.ChunkCount;
        device.Size = 5 << 20;
        Assert.Equal(before, view.ChunkCount);
        Assert.Equal(Errno.None, view.AskSize());
        Assert.InRange(view.ChunkCount!.Value, before!.Value + 250, before.Value + 256);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_full_one_goes_on_with_a_higher_limit_and_nothing_is_lost(int chunkBytes)
    {
        var layout = new CompactLayout(Device, chunkBytes);
        int firstCount = Math.Max(1, (int)layout.DeviceChunkCount / 3);
        MemoryFile file = New(chunkBytes, layout.ChunkEndBytes(firstCount - 1));
        CompactFile view = CompactStores.Open(file);
        Overlay overlay = OpenOn(view);
        byte[] expected = Fixtures.Filled(BlockCount * 1024, BaseFill);

        int written = FillUp(overlay, expected, chunkBytes, value: 1);
        Assert.Equal(firstCount, written);
        // Of the last chunk a block was written.
        Assert.Equal(layout.ChunkOffsetBytes(firstCount - 1) + 1024, file.LengthBytes);
        Assert.Equal(Errno.None, overlay.Flush());
        Assert.Equal(expected, overlay.GetAll());
        // What has its place can be changed.
        Assert.Equal(Errno.None, Fill(overlay, expected, 0, 3));

        // After a crash it is full as before.
        MemoryFile crashed = file.Copy();
        using (Overlay again = OpenOn(CompactStores.Open(crashed, boot: 1)))
        {
            Assert.Equal(Errno.ENOSPC, again.Fill((long)written * chunkBytes, 1024, 9));
            Assert.Equal(expected, again.GetAll());
        }

        view.SetLimit(layout.ChunkEndBytes(firstCount), CompactStores.Name);
        Assert.Equal(firstCount + 1, view.ChunkCount);
        if (written < layout.DeviceChunkCount)
        {
            Assert.Equal(Errno.None, Fill(overlay, expected, (long)written * chunkBytes, 4));
        }
        view.SetLimit(null, CompactStores.Name);
        Assert.Equal((null, null), (view.LimitBytes, view.ChunkCount));
        FillUp(overlay, expected, chunkBytes, value: 6);
        Assert.Equal(expected, overlay.GetAll());
        Assert.Equal(Errno.None, overlay.Close());

        using Overlay later = OpenOn(CompactStores.Open(file, boot: 2));
        Assert.Equal(expected, later.GetAll());
    }

    /// <summary>Who discards need not flush: a filesystem would wait with that for the change that finds no space.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_discarded_makes_room_below_the_limit(bool isFlushed)
    {
        const int ChunkBytes = 4096;
        var layout = new CompactLayout(Device, ChunkBytes);
        CompactFile view = CompactStores.Open(New(ChunkBytes, layout.ChunkEndBytes(9)));
        using Overlay overlay = OpenOn(view);
        byte[] expected = Fixtures.Filled(BlockCount * 1024, BaseFill);
        Assert.Equal(10, FillUp(overlay, expected, ChunkBytes, value: 1));
        Assert.Equal((10L, 10L), (view.UsedChunkCount, view.ChunkCount));

        Assert.Equal(Errno.None, overlay.Zero(ChunkBytes, 3 * ChunkBytes, mayUnmap: true, fua: false));
        expected.AsSpan(ChunkBytes, 3 * ChunkBytes).Clear();
        if (isFlushed)
        {
            Assert.Equal(Errno.None, overlay.Flush());
            Assert.Equal((7L, 10L), (view.UsedChunkCount, view.ChunkCount));
        }
        for (int more = 0; more < 3; more++)
        {
            Assert.Equal(Errno.None, Fill(overlay, expected, (100 + more) * ChunkBytes, 2));
        }
        Assert.Equal(Errno.ENOSPC, overlay.Fill(200 * ChunkBytes, ChunkBytes, 2));
        Assert.Equal(expected, overlay.GetAll());
    }

    [Fact]
    public void A_lower_limit_is_taken_down_to_what_is_in_use()
    {
        const int ChunkBytes = 64 << 10;
        var layout = new CompactLayout(Device, ChunkBytes);
        MemoryFile file = New(ChunkBytes, layout.ChunkEndBytes(15));
        CompactFile view = CompactStores.Open(file);
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        // Nothing is in use, and one chunk is the least.
        Assert.Contains($"needs {layout.ChunkEndBytes(0) / 1024} KiB", Refuse(layout.ChunkEndBytes(0) - 1), StringComparison.Ordinal);
        for (int chunk = 0; chunk < 5; chunk++)
        {
            Assert.Equal(Errno.None, view.WriteAt(Device.DataOffsetBytes + chunk * ChunkBytes, Fixtures.Filled(1024, 2)));
        }
        Assert.True(file.LengthBytes < layout.ChunkEndBytes(4));

        // All of the last chunk can still be written to.
        Assert.Contains($"needs {layout.ChunkEndBytes(4) / 1024} KiB", Refuse(layout.ChunkEndBytes(4) - 1), StringComparison.Ordinal);
        Assert.Equal("a limit of 0 KiB", Refuse(0)[..16]);
        Refuse(-1);
        Assert.Equal(layout.ChunkEndBytes(15), view.LimitBytes);

        view.SetLimit(layout.ChunkEndBytes(4), CompactStores.Name);
        Assert.Equal(Errno.None, view.WriteAt(Device.DataOffsetBytes + 5 * ChunkBytes - 1024, Fixtures.Filled(1024, 2)));
        Assert.Equal(Errno.ENOSPC, view.WriteAt(Device.DataOffsetBytes + 5 * ChunkBytes, Fixtures.Filled(1024, 2)));
        Assert.Equal(layout.ChunkEndBytes(4), CompactStores.Open(file).LimitBytes);

        string Refuse(long limitBytes) => Assert.Throws<CowloopException>(() => view.SetLimit(limitBytes, CompactStores.Name)).Message;
    }

    [Fact]
    public void A_sync_that_fails_leaves_the_former_limit_and_is_final()
    {
        const int ChunkBytes = 4096;
        var layout = new CompactLayout(Device, ChunkBytes);
        var traced = new TracingFile(New(ChunkBytes, layout.ChunkEndBytes(0)));
        CompactFile view = CompactStores.Open(traced);
        Assert.Equal(Errno.None, view.WriteAt(0, Fixtures.Filled(1024, 1)));
        traced.FailOnce("sync", Errno.EIO);

        CowloopException failed = Assert.Throws<CowloopException>(() => view.SetLimit(layout.ChunkEndBytes(7), CompactStores.Name));

        Assert.Equal((Errno.EIO, Fault.WriteHeader), (failed.Errno, failed.Fault));
        Assert.Equal((layout.ChunkEndBytes(0), 1L), (view.LimitBytes, view.ChunkCount));
        // What was written before may be gone, too.
        Assert.Equal(Errno.EIO, view.Sync());
    }

    /// <summary>
    /// Power may fail anywhere while a full store gets a higher limit and goes on: it is found with the one limit or the other, never longer than that, and what
    /// was flushed is there.
    /// </summary>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_loss_of_power_leaves_one_limit_or_the_other(int chunkBytes)
    {
        var layout = new CompactLayout(Device, chunkBytes);
        MemoryFile file = New(chunkBytes, layout.ChunkEndBytes(0));
        byte[] expected = Fixtures.Filled(BlockCount * 1024, BaseFill);
        using (Overlay overlay = OpenOn(CompactStores.Open(file)))
        {
            FillUp(overlay, expected, chunkBytes, value: 1);
            Assert.Equal(Errno.None, overlay.Flush());
        }
        long[] limits = [layout.ChunkEndBytes(0), layout.ChunkEndBytes(1)];
        Recording recording = Recording.Of(file, recorded =>
        {
            CompactFile view = CompactStores.Open(recorded);
            Overlay overlay = OpenOn(view);
            Assert.Equal(Errno.ENOSPC, overlay.Fill(chunkBytes, 1024, 2));
            view.SetLimit(limits[1], CompactStores.Name);
            Assert.Equal(Errno.None, overlay.Fill(chunkBytes, 1024, 2));
            Assert.Equal(Errno.None, overlay.Flush());
        });
        var found = new HashSet<long>();
        foreach (MemoryFile left in recording.Leftovers(new Random(1), 8))
        {
            CompactFile view = CompactStores.Open(left, boot: 2);
            Assert.Contains(view.LimitBytes!.Value, limits);
            Assert.InRange(left.LengthBytes, 0, view.LimitBytes.Value);
            found.Add(view.LimitBytes.Value);
            using Overlay overlay = OpenOn(view);
            Assert.Equal(expected[..chunkBytes], overlay.Get(0, chunkBytes));
            byte[] behind = overlay.Get(chunkBytes, 1024);
            Assert.True(behind.AsSpan().SequenceEqual(Fixtures.Filled(1024, 2)) || behind.AsSpan().SequenceEqual(expected.AsSpan(chunkBytes, 1024)));
            bool isRaised = view.LimitBytes == limits[1];
            Assert.Equal(isRaised ? Errno.None : Errno.ENOSPC, overlay.Fill(chunkBytes, 1024, 3));
        }
        Assert.Equal(limits, found.Order());
    }

    private static void Format(MemoryFile file, int chunkBytes, long limitBytes) =>
        CompactFile.Format(file, CompactStores.Name, CompactStores.Id, chunkBytes, Device, limitBytes: limitBytes);

    private static MemoryFile New(int chunkBytes, long limitBytes)
    {
        var file = new MemoryFile();
        Format(file, chunkBytes, limitBytes);
        return file;
    }

    private static Overlay OpenOn(IBlockFile view) => Disk.Open(new FlatFile(Fixtures.Filled(BlockCount * 1024, BaseFill)), view, Disk.WithRecord);

    private static Errno Fill(Overlay overlay, byte[] expected, long offsetBytes, byte value)
    {
        Errno errno = overlay.Fill(offsetBytes, 1024, value);
        if (errno == Errno.None)
        {
            expected.AsSpan((int)offsetBytes, 1024).Fill(value);
        }
        return errno;
    }

    /// <summary>Changes a block of each chunk of the device, until there is no space.</summary>
    /// <returns>Of how many.</returns>
    private static int FillUp(Overlay overlay, byte[] expected, int chunkBytes, byte value)
    {
        int count = 0;
        for (; (long)count * chunkBytes < expected.Length; count++)
        {
            Errno errno = Fill(overlay, expected, (long)count * chunkBytes, value);
            if (errno != Errno.None)
            {
                Assert.Equal(Errno.ENOSPC, errno);
                break;
            }
        }
        return count;
    }
}
