using Cowloop.Fuse.Tests.Support;
using Cowloop.Linux;
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
        Poll.Until("all reads hang in the device", () => hanging.WaitingCount == HangingReads);

        Poll.UntilDone("the other device answers", Task.Run(() => ReadBlock(quickFile, 0)));

        Assert.Equal(HangingReads, hanging.WaitingCount);
        hanging.LetGo();
        Assert.All(reads, read => Assert.Equal(0xC0, Poll.UntilDone("the device answers again", read)));
    }

    /// <summary>However many workers there are: the process must never run out of descriptors.</summary>
    [RootFact(Fuse)]
    public void Only_so_many_workers_have_a_pipe()
    {
        using var pool = new SmallPool(minWorkers: 1, maxWorkers: 1);
        List<PagePipe> pipes = [];
        while (pool.Pool.TryTakePipe() is PagePipe pipe)
        {
            pipes.Add(pipe);
        }

        Assert.Equal(32, pipes.Count);
        pool.Pool.Return(pipes[0]);
        pipes[0] = pool.Pool.TryTakePipe()!;
        Assert.NotNull(pipes[0]);
        Assert.Null(pool.Pool.TryTakePipe());
        pipes.ForEach(pool.Pool.Return);
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
        Poll.Until("all reads hang in the device", () => hanging.WaitingCount == 8);
        Assert.True(SmallPool.WorkerCount >= 8);

        hanging.LetGo();
        Poll.UntilDone("the device answers again", Task.WhenAll(reads));
        // Workers leave between two requests.
        Poll.Until(
            "the extra workers have left",
            () =>
            {
                ReadBlock(quickFile, 0);
                return SmallPool.WorkerCount == 2;
            });
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
        Poll.Until("as many reads as there may be workers hang in the device", () => hanging.WaitingCount == 3);
        long rounds = SmallPool.WatcherRounds;
        Poll.Until("the watcher has seen the full pool often", () => SmallPool.WatcherRounds >= rounds + 10);

        Assert.Equal(3, SmallPool.WorkerCount);
        hanging.LetGo();
        Poll.UntilDone("the device answers again", Task.WhenAll(reads));
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
            Poll.Until("all reads hang in the device", () => hanging.WaitingCount == 3);
            hanging.LetGo();
            Poll.UntilDone("the device answers again", Task.WhenAll(reads));
        }
    }

    [RootFact(Fuse)]
    public void All_threads_end_with_the_filesystem()
    {
        using (var pool = new SmallPool(minWorkers: 3, maxWorkers: 5))
        {
            Poll.Until("the workers have started", () => SmallPool.WorkerCount == 3);
        }
        Poll.Until("the workers have ended", () => SmallPool.WorkerCount == 0);
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
