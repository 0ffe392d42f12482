using Cowloop.Fuse.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests;

public class FuseWorkerPoolTests
{
    private const string Fuse = "/dev/fuse";
    private const int BlockBytes = 4096;

    [RootFact(Fuse)]
    public void A_hanging_device_does_not_stop_another_one()
    {
        const int HangingReads = 6;
        using var pool = new SmallPool(minWorkers: 2, maxWorkers: 12);
        using var hanging = new BlockedDisk(HangingReads * BlockBytes);
        pool.Tree.Add("hanging", new DiskFile(hanging, new SharedWorkers(8)));
        pool.Tree.Add("quick", new DiskFile(new MemoryDisk(BlockBytes), new SharedWorkers(8)));
        using SafeFileHandle hangingFile = pool.Open("hanging");
        using SafeFileHandle quickFile = pool.Open("quick");
        Task<int>[] reads = StartReads(hangingFile, HangingReads);
        Until.True(() => hanging.WaitingCount == HangingReads, "all reads hang in the device");

        Until.Done(Task.Run(() => ReadBlock(quickFile, 0)), "the other device answers");

        Assert.Equal(HangingReads, hanging.WaitingCount);
        hanging.LetGo();
        Assert.All(reads, read => Assert.Equal(0xC0, Until.Done(read, "the device answers again")));
    }

    [RootFact(Fuse)]
    public void With_the_rush_over_the_pool_is_small_again()
    {
        using var pool = new SmallPool(minWorkers: 2, maxWorkers: 12);
        using var hanging = new BlockedDisk(8 * BlockBytes);
        pool.Tree.Add("hanging", new DiskFile(hanging, new SharedWorkers(8)));
        pool.Tree.Add("quick", new DiskFile(new MemoryDisk(BlockBytes), new SharedWorkers(8)));
        using SafeFileHandle hangingFile = pool.Open("hanging");
        using SafeFileHandle quickFile = pool.Open("quick");
        Task<int>[] reads = StartReads(hangingFile, 8);
        Until.True(() => hanging.WaitingCount == 8, "all reads hang in the device");
        Assert.True(SmallPool.WorkerCount >= 8);

        hanging.LetGo();
        Until.Done(Task.WhenAll(reads), "the device answers again");
        // Workers leave between two requests.
        Until.True(
            () =>
            {
                ReadBlock(quickFile, 0);
                return SmallPool.WorkerCount == 2;
            },
            "the extra workers have left");
        Assert.Equal(0, ReadBlock(quickFile, 0));
    }

    [RootFact(Fuse)]
    public void The_pool_has_a_bound()
    {
        using var pool = new SmallPool(minWorkers: 1, maxWorkers: 3);
        using var hanging = new BlockedDisk(8 * BlockBytes);
        pool.Tree.Add("hanging", new DiskFile(hanging, new SharedWorkers(8)));
        using SafeFileHandle file = pool.Open("hanging");
        Task<int>[] reads = StartReads(file, 8);
        Until.True(() => hanging.WaitingCount == 3, "as many reads as there may be workers hang in the device");
        long rounds = SmallPool.WatcherRounds;
        Until.True(() => SmallPool.WatcherRounds >= rounds + 10, "the watcher has seen the full pool often");

        Assert.Equal(3, SmallPool.WorkerCount);
        hanging.LetGo();
        Until.Done(Task.WhenAll(reads), "the device answers again");
        Assert.Equal(3, hanging.HighestCount);
    }

    /// <summary>Growing must not be lost when the pool becomes full just while the watcher goes to sleep.</summary>
    [RootFact(Fuse)]
    public void The_pool_grows_every_time()
    {
        using var pool = new SmallPool(minWorkers: 1, maxWorkers: 4);
        for (int round = 0; round < 100; round++)
        {
            using var hanging = new BlockedDisk(3 * BlockBytes);
            pool.Tree.Add($"hanging-{round}", new DiskFile(hanging, new SharedWorkers(8)));
            using SafeFileHandle file = pool.Open($"hanging-{round}");
            Task<int>[] reads = StartReads(file, 3);
            Until.True(() => hanging.WaitingCount == 3, "all reads hang in the device");
            hanging.LetGo();
            Until.Done(Task.WhenAll(reads), "the device answers again");
        }
    }

    [RootFact(Fuse)]
    public void All_threads_end_with_the_filesystem()
    {
        using (var pool = new SmallPool(minWorkers: 3, maxWorkers: 5))
        {
            Until.True(() => SmallPool.WorkerCount == 3, "the workers have started");
        }
        Until.True(() => SmallPool.WorkerCount == 0, "the workers have ended");
    }

    /// <summary>Each on a thread of its own: a hanging read holds its thread.</summary>
    private static Task<int>[] StartReads(SafeFileHandle file, int count) =>
    [
        .. Enumerable.Range(0, count).Select(index => Task.Factory.StartNew(
            () => ReadBlock(file, index * BlockBytes),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)),
    ];

    /// <summary>Reads a block.</summary>
    /// <returns>Its last byte.</returns>
    private static int ReadBlock(SafeFileHandle file, long offsetBytes)
    {
        byte[] block = new byte[BlockBytes];
        Assert.Equal(BlockBytes, RandomAccess.Read(file, block, offsetBytes));
        return block[^1];
    }
}
