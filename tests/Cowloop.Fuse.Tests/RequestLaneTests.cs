using Cowloop.Fuse.Tests.Support;
using Cowloop.Linux;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests;

public class RequestLaneTests
{
    [Fact]
    public void A_full_lane_keeps_requests_and_hands_them_on_in_order()
    {
        var lane = new RequestLane(width: 2, new SharedWorkers(8));
        using var buffer = new NativeBuffer(4096);
        Assert.True(lane.TryEnter(buffer, 1));
        Assert.True(lane.TryEnter(buffer, 2));
        Assert.False(lane.TryEnter(buffer, 3));
        Assert.False(lane.TryEnter(buffer, 4));

        Assert.True(lane.TryExitToNext(out ParkedRequest next));
        Assert.Equal(new ParkedRequest(buffer, 3), next);
        Assert.True(lane.TryExitToNext(out next));
        Assert.Equal(new ParkedRequest(buffer, 4), next);
        Assert.False(lane.TryExitToNext(out _));
    }

    [Fact]
    public void A_place_that_nobody_waited_for_is_free_again()
    {
        var lane = new RequestLane(width: 1, new SharedWorkers(8));
        using var buffer = new NativeBuffer(4096);
        for (int round = 0; round < 3; round++)
        {
            Assert.True(lane.TryEnter(buffer, 1));
            Assert.False(lane.TryExitToNext(out _));
        }
    }

    /// <summary>More hanging requests than the pool may have workers: another device is served all the same, and none is lost.</summary>
    [RootFact("/dev/fuse")]
    public void A_hanging_device_holds_its_share_of_the_workers_and_no_more()
    {
        const int BlockBytes = 4096;
        const int HangingReads = 40;
        const int MaxWorkers = 24;
        using var pool = new SmallPool(minWorkers: 2, MaxWorkers);
        using var hanging = new BlockedDisk(HangingReads * BlockBytes);
        pool.Tree.Add("hanging", new DiskFile(hanging, new SharedWorkers(40)));
        pool.Tree.Add("quick", new DiskFile(new MemoryDisk(BlockBytes), new SharedWorkers(8)));
        using SafeFileHandle hangingFile = pool.Open("hanging");
        using SafeFileHandle quickFile = pool.Open("quick");
        byte[][] buffers = [.. Enumerable.Range(0, HangingReads).Select(_ => new byte[BlockBytes])];
        Task<int>[] reads =
        [
            .. buffers.Select((buffer, index) => Task.Factory.StartNew(
                () => RandomAccess.Read(hangingFile, buffer, (long)index * BlockBytes),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)),
        ];
        // The width of the lane; the pool could do more.
        Poll.Until("the share hangs in the device", () => hanging.WaitingCount == 16);

        Poll.UntilDone("the other device answers", Task.Run(() => RandomAccess.Read(quickFile, new byte[BlockBytes], 0)));

        Assert.Equal(16, hanging.HighestCount);
        hanging.LetGo();
        Assert.All(reads, read => Assert.Equal(BlockBytes, Poll.UntilDone("the device answers again", read)));
        Assert.All(buffers, buffer => Assert.Equal(0xC0, buffer[0]));
    }
}
