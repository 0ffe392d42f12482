using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests;

public class FuseWorkerTests
{
    private const string Fuse = "/dev/fuse";

    [RootFact(Fuse)]
    public void A_bug_in_a_file_costs_that_request_only()
    {
        using var pool = new SmallPool(minWorkers: 1, maxWorkers: 1);
        pool.Tree.Add("broken", new ThrowingFile());
        pool.Tree.Add("sound", new DiskFile(new MemoryDisk(4096), new SharedWorkers(8)));
        using SafeFileHandle broken = pool.Open("broken");
        using SafeFileHandle sound = pool.Open("sound");

        Assert.ThrowsAny<IOException>(() => RandomAccess.Read(broken, new byte[512], 0));

        Assert.Equal(512, RandomAccess.Read(sound, new byte[512], 0));
        string line = Assert.Single(pool.Log);
        Assert.Contains("FUSE_READ", line, StringComparison.Ordinal);
        Assert.Contains(ThrowingFile.Message, line, StringComparison.Ordinal);
    }

    /// <summary>The largest requests fill a worker's buffer to its end, the headers in front of it too.</summary>
    [RootFact(Fuse)]
    public void The_largest_requests_pass_unharmed()
    {
        using var pool = new SmallPool(minWorkers: 1, maxWorkers: 1);
        var disk = new MemoryDisk(2 * FuseDispatcher.MaxTransferBytes);
        pool.Tree.Add("disk", new DiskFile(disk, new SharedWorkers(8)));
        using SafeFileHandle file = pool.Open("disk");
        byte[] written = new byte[disk.Content.Length];
        new Random(1).NextBytes(written);

        RandomAccess.Write(file, written, 0);
        byte[] read = new byte[written.Length];
        for (int done = 0; done < read.Length;)
        {
            done += RandomAccess.Read(file, read.AsSpan(done), done);
        }

        Assert.Equal(written, read);
        string largest = $"+{FuseDispatcher.MaxTransferBytes}";
        Assert.Contains(disk.Calls, call => call.StartsWith("write ", StringComparison.Ordinal) && call.EndsWith(largest, StringComparison.Ordinal));
        Assert.Contains(disk.Calls, call => call.StartsWith("read ", StringComparison.Ordinal) && call.EndsWith(largest, StringComparison.Ordinal));
        Assert.Empty(pool.Log);
    }

    [RootFact(Fuse)]
    public void Data_requests_allocate_nothing()
    {
        const int Rounds = 10_000;
        using var pool = new SmallPool(minWorkers: 2, maxWorkers: 2);
        pool.Tree.Add("disk", new DiskFile(new QuietDisk(1 << 20), new SharedWorkers(8)));
        using SafeFileHandle file = pool.Open("disk");
        byte[] block = new byte[4096];
        Transfer(file, block, 100);

        // Others in this process allocate now and then, the test runner for one; not every time.
        long allocated = Enumerable.Range(0, 5).Min(_ =>
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Transfer(file, block, Rounds);
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        });

        // One object per request would be thirty times as much.
        Assert.True(allocated < 16 * 1024, $"{allocated} bytes allocated by {2 * Rounds} requests");
    }

    [RootFact(Fuse)]
    public void Large_reads_are_answered_with_the_pages_of_the_file()
    {
        using var read = new PagedRead();

        Assert.Equal(read.Content, read.All(PagedRead.LargeBytes));
        Assert.Equal((0, PagedRead.LengthBytes / PagedRead.LargeBytes), read.Disk.Counts);
        // What reaches beyond the end is shorter.
        Assert.Equal(read.Content[^(PagedRead.LargeBytes - 512)..], read.At(PagedRead.LengthBytes - PagedRead.LargeBytes + 512));
        Assert.Equal(0, read.Disk.Counts.Memory);
        Assert.Equal(read.Content, read.All(4096));
        Assert.Equal((PagedRead.LengthBytes / 4096, 1 + PagedRead.LengthBytes / PagedRead.LargeBytes), read.Disk.Counts);
    }

    [RootFact(Fuse)]
    public void Where_there_are_no_pages_a_large_read_is_like_any_other_and_so_is_the_next_one()
    {
        using var read = new PagedRead(Errno.EOPNOTSUPP);

        Assert.Equal(read.Content, read.All(PagedRead.LargeBytes));
        Assert.Equal((PagedRead.LengthBytes / PagedRead.LargeBytes, 1), read.Disk.Counts);
    }

    [RootFact(Fuse)]
    public void What_can_not_be_read_by_pages_is_read_again_and_its_error_told()
    {
        using var read = new PagedRead();
        using (FileStream file = File.OpenWrite(read.Path))
        {
            file.SetLength(PagedRead.LargeBytes + 4096);
        }

        Assert.Equal(read.Content[..PagedRead.LargeBytes], read.At(0));
        Assert.ThrowsAny<IOException>(() => read.At(PagedRead.LargeBytes));
        Assert.Equal((1, 2), read.Disk.Counts);
        // Nothing is left of it in the next answer.
        Assert.Equal(read.Content[..PagedRead.LargeBytes], read.At(0));
    }

    [RootFact(Fuse)]
    public void Large_reads_allocate_nothing()
    {
        const int Rounds = 1000;
        using var read = new PagedRead();
        byte[] target = new byte[PagedRead.LargeBytes];
        read.Into(target, 10);

        long allocated = Enumerable.Range(0, 5).Min(_ =>
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            read.Into(target, Rounds);
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        });

        Assert.True(allocated < 16 * 1024, $"{allocated} bytes allocated by {Rounds} requests");
        Assert.Equal(0, read.Disk.Counts.Memory);
    }

    private static void Transfer(SafeFileHandle file, byte[] block, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            long offsetBytes = round % 256 * 4096;
            RandomAccess.Write(file, block, offsetBytes);
            _ = RandomAccess.Read(file, block, offsetBytes);
        }
    }
}
