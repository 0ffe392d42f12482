using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

public class BitmapTests
{
    private const int BlocksPerPage = CowLayout.BlocksPerBitmapBlock;

    [Fact]
    public void Starts_empty()
    {
        Bitmap bitmap = Empty(100);

        Assert.Equal((0, -1), (bitmap.SetCount, bitmap.HighestBlock));
        Assert.Equal(100, bitmap.RunLength(0, 100, out bool isSet));
        Assert.False(isSet);
        Assert.False(bitmap.HasUnpublishedBits);
        Assert.False(bitmap.CopyChanged());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Agrees_with_a_plain_array(int seed)
    {
        var random = new Random(seed);
        const int Count = 3 * BlocksPerPage + 77;
        Bitmap bitmap = Empty(Count);
        bool[] model = new bool[Count];
        for (int round = 0; round < 2000; round++)
        {
            int block = random.Next(Count);
            int length = Math.Min(Count - block, random.Next(8) == 0 ? random.Next(1, Count) : random.Next(1, 200));
            if (random.Next(40) == 0 || length < 200)
            {
                bitmap.Set(block, length);
                model.AsSpan(block, length).Fill(true);
            }

            block = random.Next(Count);
            length = random.Next(1, Count - block + 1);
            int run = model.AsSpan(block, length).IndexOf(!model[block]);
            Assert.Equal(run < 0 ? length : run, bitmap.RunLength(block, length, out bool isSet));
            Assert.Equal(model[block], isSet);
            Assert.Equal(run < 0 && model[block], bitmap.AreAllSet(block, length));
        }
        Assert.Equal(model.Count(bit => bit), bitmap.SetCount);
        Assert.Equal(Array.LastIndexOf(model, true), bitmap.HighestBlock);
    }

    [Fact]
    public void Setting_again_changes_nothing()
    {
        Bitmap bitmap = Empty(100);
        bitmap.Set(10, 5);
        bitmap.CopyChanged();
        bitmap.WriteCopied(new MemoryFile());

        bitmap.Set(11, 3);

        Assert.Equal((5, 14), (bitmap.SetCount, bitmap.HighestBlock));
        Assert.False(bitmap.HasUnpublishedBits);
    }

    [Fact]
    public void Lies_on_disk_least_significant_bit_first()
    {
        Bitmap bitmap = Empty(1024);
        var file = new MemoryFile(new byte[2048]);
        bitmap.Set(0, 1);
        bitmap.Set(4, 1);
        bitmap.Set(100, 2);

        bitmap.CopyChanged();
        bitmap.WriteCopied(file);

        Assert.Equal("11000000000000000000000030000000", Convert.ToHexStringLower(file.ToArray().AsSpan(1024, 16)));
    }

    [Fact]
    public void Loads_what_it_wrote()
    {
        Bitmap written = Empty(200_000);
        var file = new MemoryFile();
        file.SetLength(new CowLayout(200_000).EmptyLengthBytes);
        written.Set(5, 1);
        written.Set(70_000, 3);
        written.Set(199_999, 1);
        written.CopyChanged();
        written.WriteCopied(file);
        Bitmap loaded = Empty(200_000);

        Assert.Equal(Errno.None, loaded.Load(file));

        Assert.Equal((5, 199_999), (loaded.SetCount, loaded.HighestBlock));
        Assert.True(loaded.AreAllSet(5, 1) && loaded.AreAllSet(70_000, 3) && loaded.AreAllSet(199_999, 1));
        Assert.False(loaded.AreAllSet(6, 1) || loaded.AreAllSet(69_999, 1) || loaded.AreAllSet(70_003, 1));
        Assert.False(loaded.HasUnpublishedBits);
    }

    /// <summary>As on ext4 with space that is reserved and was never written: what has been read is in the page cache, and no hole any more.</summary>
    [Fact]
    public void Reads_no_more_than_there_is_even_if_reading_makes_data_of_holes()
    {
        var layout = new CowLayout(CowLayout.MaxClassicBlockCount);
        var content = new MemoryFile();
        content.SetLength(layout.EmptyLengthBytes);
        content.WriteAt(0, new byte[CowLayout.BlockSize]);
        content.WriteAt(CowLayout.BitmapOffsetBytes + 10_000_000, [0x81]);
        content.WriteAt(CowLayout.BitmapOffsetBytes + 99_999_999, [0x80]);
        var file = new PageCache(content);
        using var bitmap = new Bitmap(layout, HeapWords.Allocate);

        Assert.Equal(Errno.None, bitmap.Load(file));

        Assert.Equal((3, 799_999_999), (bitmap.SetCount, bitmap.HighestBlock));
        Assert.True(bitmap.AreAllSet(80_000_000, 1) && bitmap.AreAllSet(80_000_007, 1) && bitmap.AreAllSet(799_999_999, 1));
        Assert.InRange(file.ReadPageCount, 3, 5);
    }

    [Fact]
    public void Published_bits_keep_those_loaded()
    {
        byte[] content = new byte[2048];
        content[1024] = 0x80;
        var file = new MemoryFile(content);
        Bitmap bitmap = Empty(1024);
        bitmap.Load(file);

        bitmap.Set(0, 1);
        bitmap.CopyChanged();
        bitmap.WriteCopied(file);

        Assert.Equal(0x81, file.ToArray()[1024]);
    }

    [Fact]
    public void Loading_skips_holes()
    {
        var layout = new CowLayout(1L << 28);
        var sparse = new MemoryFile();
        sparse.SetLength(layout.EmptyLengthBytes);
        sparse.WriteAt(1024 + 20_000_001, [0x10]);
        var file = new TracingFile(sparse);
        var bitmap = new Bitmap(layout, HeapWords.Allocate);

        Assert.Equal(Errno.None, bitmap.Load(file));

        Assert.Equal((1, 20_000_001L * 8 + 4), (bitmap.SetCount, bitmap.HighestBlock));
        Assert.InRange(file.Calls.Count(), 1, 10);
    }

    [Theory]
    [InlineData("nextdata 1024")]
    [InlineData("read 1024+1024")]
    public void Loading_reports_what_it_cannot_read(string call)
    {
        var file = new TracingFile(new FlatFile(new byte[2048]));
        file.FailOnce(call, Errno.EIO);

        Assert.Equal(Errno.EIO, Empty(1024).Load(file));
    }

    [Fact]
    public void Writes_changed_pages_only_and_neighbours_in_one_piece()
    {
        Bitmap bitmap = Empty(200 * BlocksPerPage);
        var file = new TracingFile(new MemoryFile());
        bitmap.Set(3 * BlocksPerPage - 1, 2);
        bitmap.Set(63 * BlocksPerPage, 2 * BlocksPerPage);
        bitmap.Set(199L * BlocksPerPage, 1);

        Assert.True(bitmap.CopyChanged());
        Assert.Equal(Errno.None, bitmap.WriteCopied(file));

        Assert.Equal([$"write {1024 * 3}+2048", $"write {1024 * 64}+2048", $"write {1024 * 200}+1024"], file.Calls);
        Assert.False(bitmap.CopyChanged());
    }

    [Fact]
    public void A_bit_set_after_the_copy_waits_for_the_next_one()
    {
        Bitmap bitmap = Empty(1024);
        var file = new MemoryFile(new byte[2048]);
        bitmap.Set(0, 1);
        bitmap.CopyChanged();
        bitmap.Set(1, 1);

        bitmap.WriteCopied(file);
        Assert.Equal(0x01, file.ToArray()[1024]);
        Assert.True(bitmap.HasUnpublishedBits);

        Assert.True(bitmap.CopyChanged());
        bitmap.WriteCopied(file);
        Assert.Equal(0x03, file.ToArray()[1024]);
        Assert.False(bitmap.HasUnpublishedBits);
    }

    [Fact]
    public void What_could_not_be_written_is_written_next_time()
    {
        Bitmap bitmap = Empty(10 * BlocksPerPage);
        var file = new TracingFile(new MemoryFile());
        bitmap.Set(0, 1);
        bitmap.Set(5 * BlocksPerPage, 1);
        bitmap.CopyChanged();
        file.FailOnce("write 6144+1024", Errno.ENOSPC);

        Assert.Equal(Errno.ENOSPC, bitmap.WriteCopied(file));
        file.Forget();

        Assert.True(bitmap.CopyChanged());
        Assert.Equal(Errno.None, bitmap.WriteCopied(file));
        Assert.Equal(["write 6144+1024"], file.Calls);
        Assert.False(bitmap.HasUnpublishedBits);
    }

    /// <summary>The threads meet before each pair of words, else they drift apart and never count at the same time.</summary>
    [Fact]
    public void Threads_that_set_neighbouring_words_lose_no_count()
    {
        const int ThreadCount = 2;
        const int WordCount = 20_000;
        const int BlockCount = WordCount * ThreadCount * 64;
        Bitmap bitmap = Empty(BlockCount);
        int arrivedCount = 0;
        int tooLowCount = 0;
        Together.Run(ThreadCount, thread =>
        {
            for (int word = 0; word < WordCount; word++)
            {
                Interlocked.Increment(ref arrivedCount);
                var wait = new SpinWait();
                while (Volatile.Read(ref arrivedCount) < (word + 1) * ThreadCount)
                {
                    wait.SpinOnce(sleep1Threshold: -1);
                }
                tooLowCount += bitmap.HighestBlock < word * ThreadCount * 64 - 1 ? 1 : 0;
                for (int bit = 0; bit < 64; bit += 8)
                {
                    bitmap.Set((word * ThreadCount + thread) * 64 + bit, 8);
                }
            }
        });

        Assert.Equal(0, tooLowCount);
        Assert.Equal((BlockCount, BlockCount - 1), (bitmap.SetCount, bitmap.HighestBlock));
        Assert.True(bitmap.AreAllSet(0, BlockCount));
    }

    /// <summary>One bit per bitmap block, so that a lost mark is not made good by the next bit.</summary>
    [Fact]
    public void Bits_set_while_a_flush_copies_are_copied_by_this_or_a_later_one()
    {
        const int PageCount = 128;
        for (int round = 0; round < 500; round++)
        {
            Bitmap bitmap = Empty((long)PageCount * BlocksPerPage);
            var file = new FlatFile(new byte[(PageCount + 1) * 1024]);
            bool isDone = false;
            Together.Run(2, thread =>
            {
                if (thread == 0)
                {
                    for (long page = 0; page < PageCount; page++)
                    {
                        bitmap.Set(page * BlocksPerPage + 77, 1);
                    }
                    Volatile.Write(ref isDone, true);
                    return;
                }
                while (!Volatile.Read(ref isDone))
                {
                    bitmap.CopyChanged();
                }
            });
            bitmap.CopyChanged();
            bitmap.WriteCopied(file);
            Bitmap loaded = Empty((long)PageCount * BlocksPerPage);
            loaded.Load(file);

            Assert.Equal(PageCount, loaded.SetCount);
        }
    }

    [Fact]
    public void Owns_its_memory()
    {
        HeapWords? words = null;
        var bitmap = new Bitmap(new CowLayout(8), count => words = new HeapWords(count));

        bitmap.Dispose();

        Assert.True(words?.IsDisposed);
    }

    private static Bitmap Empty(long blockCount) => new(new CowLayout(blockCount), HeapWords.Allocate);

    /// <summary>A page that was read is data.</summary>
    private sealed class PageCache(IBlockFile inner) : FileDecorator(inner)
    {
        private readonly HashSet<long> _pages = [];

        public int ReadPageCount => _pages.Count;

        public override Errno ReadAt(long offsetBytes, Span<byte> target)
        {
            for (long page = offsetBytes / MemoryFile.PageSize; page <= (offsetBytes + target.Length - 1) / MemoryFile.PageSize; page++)
            {
                _pages.Add(page);
            }
            return base.ReadAt(offsetBytes, target);
        }

        public override Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
        {
            long page = offsetBytes / MemoryFile.PageSize;
            if (!_pages.Contains(page))
            {
                return base.NextData(offsetBytes, out startBytes, out endBytes);
            }
            startBytes = offsetBytes;
            while (_pages.Contains(page))
            {
                page++;
            }
            endBytes = Math.Min(page * MemoryFile.PageSize, LengthBytes);
            return Errno.None;
        }

        protected override Errno Before(FileCall call) => Errno.None;
    }
}
