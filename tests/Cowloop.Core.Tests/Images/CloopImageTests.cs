using System.Collections.Concurrent;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Images;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Images;

public class CloopImageTests
{
    private const int BlockBytes = 4096;

    private static readonly byte[] Content = [.. Fixtures.R, .. Fixtures.RandomBytes(new Random(1), 300_000)];
    private static readonly byte[] Padded = [.. Content, .. new byte[(BlockBytes - Content.Length % BlockBytes) % BlockBytes]];
    private static readonly byte[] Bytes = CloopBytes.Of(Content, BlockBytes);

    [Theory]
    [InlineData(512)]
    [InlineData(BlockBytes)]
    [InlineData(65536)]
    [InlineData(1 << 20)]
    [InlineData(CloopIndex.MaxBlockBytes)]
    public void Reads_what_was_compressed_at_any_offset(int blockBytes)
    {
        using CloopImage image = Open(new FlatFile(CloopBytes.Of(Content, blockBytes)));
        byte[] expected = new byte[(Content.Length + blockBytes - 1) / blockBytes * blockBytes];
        Content.CopyTo(expected, 0);
        Assert.Equal(expected.Length, image.LengthBytes);
        var random = new Random(blockBytes);
        for (int round = 0; round < 500; round++)
        {
            int length = random.Next(1 << random.Next(16)) + 1;
            int offset = random.Next(expected.Length - length + 1);
            byte[] target = new byte[length];
            Assert.Equal(Errno.None, image.ReadAt(offset, target));
            Assert.True(target.AsSpan().SequenceEqual(expected.AsSpan(offset, length)), $"{offset}+{length}");
        }
        byte[] whole = new byte[expected.Length];
        Assert.Equal(Errno.None, image.ReadAt(0, whole));
        Assert.True(whole.AsSpan().SequenceEqual(expected));
    }

    [Fact]
    public void Is_read_only_and_ends_where_it_ends()
    {
        using CloopImage image = Open(new FlatFile(Bytes));
        Assert.Equal(Errno.EIO, image.ReadAt(-1, new byte[1]));
        Assert.Equal(Errno.EIO, image.ReadAt(image.LengthBytes, new byte[1]));
        Assert.Equal(Errno.EIO, image.ReadAt(image.LengthBytes - 1, new byte[2]));
        Assert.Equal(Errno.EIO, image.ReadAt(long.MaxValue, new byte[2]));
        Assert.Equal(Errno.None, image.ReadAt(image.LengthBytes, []));
        Assert.Equal(Errno.None, image.NextData(12345, out long start, out long end));
        Assert.Equal((12345, image.LengthBytes), (start, end));
        Assert.Equal(Errno.EROFS, image.WriteAt(0, [1]));
        Assert.Equal(Errno.EROFS, image.Punch(0, 1));
        Assert.Equal(Errno.EROFS, image.SetLength(0));
        Assert.Equal(Errno.EROFS, image.Allocate(0, 1));
        Assert.Equal(Errno.None, image.Sync());
    }

    [Fact]
    public void A_file_that_can_not_be_used_stays_the_callers()
    {
        var file = new MemoryFile();
        Assert.Equal(Errno.None, file.WriteAt(0, Bytes.AsSpan(0, 1000)));
        Assert.Throws<CowloopException>(() => Open(file));
        Assert.Equal(0, file.DisposeCount);

        Assert.Equal(Errno.None, file.WriteAt(0, Bytes));
        Open(file).Dispose();
        Assert.Equal(1, file.DisposeCount);
    }

    [Fact]
    public void A_damaged_block_is_an_error_for_its_range_only()
    {
        byte[] damaged = [.. Bytes];
        CloopBytes.DamageBlock(damaged, 70);
        CloopBytes.DamageBlock(damaged, 300);
        using CloopImage image = Open(new FlatFile(damaged));
        for (int number = 0; number < image.LengthBytes / BlockBytes; number++)
        {
            Errno expected = number is 70 or 300 ? Errno.EIO : Errno.None;
            Assert.Equal(expected, image.ReadAt(number * BlockBytes, new byte[512]));
            Assert.Equal(expected, image.ReadAt(number * BlockBytes + 100, new byte[512]));
        }
        Assert.Equal(Errno.EIO, image.ReadAt(69 * BlockBytes, new byte[BlockBytes + 1]));
        byte[] around = new byte[BlockBytes];
        Assert.Equal(Errno.None, image.ReadAt(71 * BlockBytes, around));
        Assert.Equal(Padded[(71 * BlockBytes)..(72 * BlockBytes)], around);
    }

    [Fact]
    public void An_error_of_the_file_passes_and_damage_stays()
    {
        byte[] damaged = [.. Bytes];
        CloopBytes.DamageBlock(damaged, 8);
        var file = new TracingFile(new FlatFile(damaged));
        using CloopImage image = Open(file);
        file.OnCall = _ => Errno.EIO;
        Assert.Equal(Errno.EIO, image.ReadAt(7 * BlockBytes, new byte[1]));
        file.OnCall = null;
        Assert.Equal(Errno.None, image.ReadAt(7 * BlockBytes, new byte[1]));

        Assert.Equal(Errno.EIO, image.ReadAt(8 * BlockBytes, new byte[1]));
        file.Forget();
        Assert.Equal(Errno.EIO, image.ReadAt(8 * BlockBytes, new byte[1]));
        Assert.Empty(file.Calls);
    }

    [Fact]
    public void A_block_is_decompressed_once_however_many_threads_want_it()
    {
        var file = new TracingFile(new YieldingFile(new FlatFile(Bytes)));
        using CloopImage image = Open(file);
        file.Forget();
        Together.Run(8, thread =>
        {
            var random = new Random(thread);
            byte[] target = new byte[3000];
            for (int round = 0; round < 2000; round++)
            {
                int offset = random.Next(Padded.Length - target.Length);
                Assert.Equal(Errno.None, image.ReadAt(offset, target));
                Assert.True(target.AsSpan().SequenceEqual(Padded.AsSpan(offset, target.Length)));
            }
        });
        // All of it fits into the cache.
        Assert.Equal(file.Calls.Distinct().Count(), file.Calls.Count());
    }

    [Fact]
    public void Different_blocks_are_decompressed_at_the_same_time()
    {
        using var both = new Barrier(2);
        var file = new TracingFile(new FlatFile(Bytes));
        using CloopImage image = Open(file);
        file.OnCall = _ => both.SignalAndWait(TimeSpan.FromSeconds(30)) ? Errno.None : Errno.EIO;
        Together.Run(2, thread => Assert.Equal(Errno.None, image.ReadAt(thread * BlockBytes, new byte[10])));
    }

    [Fact]
    public void The_cache_is_bounded()
    {
        int words = 0;
        byte[] large = CloopBytes.Of(new byte[CloopImage.CacheBytes * 2], 1 << 20);
        var file = new TracingFile(new FlatFile(large));
        using (CloopImage image = CloopImage.Open(file, "x", Allocate, schedule: null))
        {
            byte[] target = new byte[1 << 20];
            for (int pass = 0; pass < 2; pass++)
            {
                file.Forget();
                for (long offset = 0; offset < image.LengthBytes; offset += target.Length)
                {
                    Assert.Equal(Errno.None, image.ReadAt(offset, target));
                }
                // Twice what fits, in turn: none is there again.
                Assert.Equal(CloopImage.CacheBytes * 2 >> 20, file.Calls.Count());
            }
        }
        Assert.Equal(CloopImage.CacheBytes, words * sizeof(ulong));

        // A small image takes no more than it needs.
        words = 0;
        CloopImage.Open(new FlatFile(Bytes), "x", Allocate, schedule: null).Dispose();
        Assert.Equal(Padded.Length, words * sizeof(ulong));

        HeapWords Allocate(int count)
        {
            words += count;
            return new HeapWords(count);
        }
    }

    [Fact]
    public void Sequential_reads_find_their_blocks_decompressed()
    {
        var scheduled = new Queue<Action>();
        var file = new TracingFile(new FlatFile(Bytes));
        using var image = CloopImage.Open(file, "x", HeapWords.Allocate, scheduled.Enqueue);
        byte[] target = new byte[BlockBytes];
        int missed = 0;
        for (int offset = 0; offset < Padded.Length; offset += BlockBytes)
        {
            file.Forget();
            Assert.Equal(Errno.None, image.ReadAt(offset, target));
            Assert.True(target.AsSpan().SequenceEqual(Padded.AsSpan(offset, BlockBytes)));
            missed += file.Calls.Count();
            while (scheduled.TryDequeue(out Action? action))
            {
                action();
            }
        }
        Assert.Equal(2, missed);
    }

    /// <summary>Readers, helpers on the thread pool, and an end in the middle: content is right, and after Dispose the file is left alone.</summary>
    [Fact]
    public void Read_ahead_on_other_threads_ends_with_the_image()
    {
        for (int round = 0; round < 20; round++)
        {
            var file = new TracingFile(new YieldingFile(new FlatFile(Bytes)));
            var helpers = new ConcurrentBag<Thread>();
            var image = CloopImage.Open(file, "x", HeapWords.Allocate, action =>
            {
                var helper = new Thread(() => action());
                helpers.Add(helper);
                helper.Start();
            });
            Together.Run(3, thread =>
            {
                byte[] target = new byte[20_000];
                for (int offset = thread * 1000; offset + target.Length <= Padded.Length / 2; offset += target.Length)
                {
                    Assert.Equal(Errno.None, image.ReadAt(offset, target));
                    Assert.True(target.AsSpan().SequenceEqual(Padded.AsSpan(offset, target.Length)));
                }
            });
            image.Dispose();
            file.Forget();
            Assert.All(helpers, helper => helper.Join());
            Assert.Empty(file.Calls);
        }
    }

    [Fact]
    public void Is_a_base_like_any_other()
    {
        var store = new MemoryFile();
        using (Overlay device = Disk.Open(Open(new FlatFile(Bytes)), store, Disk.WithRecord))
        {
            Assert.Equal(Padded.Length, device.Info.LengthBytes);
            Assert.Equal(Errno.None, device.Fill(5000, 2000, 0xAB));
            Assert.Equal(Errno.None, device.Close());
        }
        // The same content in another form is the same base.
        using Overlay again = Disk.Open(new FlatFile([.. Padded]), store, Disk.WithRecord);
        byte[] expected = [.. Padded];
        expected.AsSpan(5000, 2000).Fill(0xAB);
        Assert.True(again.GetAll().AsSpan().SequenceEqual(expected));
    }

    private static CloopImage Open(IBlockFile file) => CloopImage.Open(file, "my.cloop", HeapWords.Allocate, schedule: null);
}
