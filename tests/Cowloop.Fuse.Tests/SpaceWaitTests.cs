using System.Diagnostics;
using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests;

/// <summary>Changes that find no space, from a user's write to its end, through the kernel.</summary>
public sealed class SpaceWaitTests : IDisposable
{
    private const string Fuse = "/dev/fuse";
    private const int BlockBytes = 4096;
    private const int LargeBytes = FuseDispatcher.MaxTransferBytes;
    private const int MaxWorkers = 4;

    // Longer than any test; but what waits without an end keeps the process of a test that has failed from ending.
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(2);

    private readonly SmallPool? _pool = Environment.IsPrivilegedProcess && File.Exists(Fuse) ? new SmallPool(minWorkers: 1, MaxWorkers) : null;
    private readonly FullDisk _disk = new(64 * LargeBytes);
    private readonly DiskFile _file;

    public SpaceWaitTests() => _file = new DiskFile(_disk, new SharedWorkers(8));

    public void Dispose()
    {
        if (_pool is not null)
        {
            Assert.Empty(_pool.Log);
            _pool.Dispose();
        }
    }

    [RootFact(Fuse)]
    public void A_write_waits_and_is_done_when_there_is_space()
    {
        using SafeFileHandle file = Open(Long);
        byte[] data = Fill(7, LargeBytes);
        Task write = Write(file, data, LargeBytes);
        MustWait(1);
        Assert.Equal(0, _disk.Content[LargeBytes]);
        Poll.Until("it was tried again", () => _disk.TriesAt(LargeBytes) >= 3);

        _disk.Shortage = Errno.None;

        Poll.UntilDone("the write is done", write);
        Assert.Equal(data, _disk.Content.AsSpan(LargeBytes, LargeBytes).ToArray());
        Assert.Equal(0, _disk.Content[LargeBytes - 1]);
        Assert.Equal(0, _disk.Content[2 * LargeBytes]);
        Assert.Equal((0, 1L, 0L), Counts());
    }

    /// <summary>Many more than there are workers: none holds one.</summary>
    [RootFact(Fuse)]
    public void However_many_wait_reads_go_on()
    {
        const int Writers = 40;
        using SafeFileHandle file = Open(Long);
        _disk.Content[63 * LargeBytes] = 42;
        Task[] writes = [.. Enumerable.Range(0, Writers).Select(index => Write(file, Fill((byte)(index + 1), BlockBytes), (long)index * BlockBytes))];
        MustWait(Writers);

        byte[] block = new byte[BlockBytes];
        Poll.UntilDone("a read is answered", Task.Run(() => RandomAccess.Read(file, block, 63 * LargeBytes)));
        Assert.Equal(42, block[0]);
        Assert.True(SmallPool.WorkerCount <= MaxWorkers);
        Assert.DoesNotContain(writes, write => write.IsCompleted);

        _disk.Shortage = Errno.None;
        Poll.UntilDone("the writes are done", Task.WhenAll(writes));
        Assert.All(Enumerable.Range(0, Writers), index => Assert.Equal(index + 1, _disk.Content[((index + 1) * BlockBytes) - 1]));
    }

    /// <summary>What the kernel's loop driver makes of it: the users of a block device wait, and nobody else does.</summary>
    [RootFact(Fuse, AttachedDisk.LoopControl, "dd")]
    public void A_block_device_is_read_and_flushed_while_changes_of_it_wait()
    {
        const int Writers = 20;
        _disk.Content.AsSpan().Fill(0xAA);
        using var transport = new LoopTransport(line => Assert.Fail(line));
        LoopAttachment attachment = transport.Attach("full-disk", "label", _disk, Long);
        string node = $"/dev/{attachment.Loop.KernelName}";
        Process[] writes = [.. Enumerable.Range(0, Writers).Select(index => Shell.Start(
            new ShellOptions(), "dd", "if=/dev/zero", $"of={node}", "bs=4096", "count=1", $"seek={index}", "oflag=direct"))];
        Poll.Until("all wait", () => attachment.Shortage.WaitingCount == Writers);

        Shell.Run("dd", $"if={node}", "of=/dev/null", "bs=4096", "count=8", "skip=2048", "iflag=direct");
        int flushes = _disk.FlushCount;
        using (SafeFileHandle device = File.OpenHandle(node, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            Poll.UntilDone("a flush is answered", Task.Run(() => RandomAccess.FlushToDisk(device)));
        }
        Assert.True(_disk.FlushCount > flushes);
        Assert.DoesNotContain(writes, write => write.HasExited);
        Assert.Equal(Errno.EBUSY, attachment.TryDetach());

        _disk.Shortage = Errno.None;
        Poll.Until("the writers have ended", () => writes.All(write => write.HasExited));
        Assert.All(writes, write => Assert.Equal(0, write.ExitCode));
        Assert.Equal(-1, _disk.Content.AsSpan(0, Writers * BlockBytes).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, _disk.Content.AsSpan(Writers * BlockBytes).IndexOfAnyExcept((byte)0xAA));
        Poll.Until("it is free", () => attachment.Released.IsCompleted || attachment.TryDetach() == Errno.None);
        Array.ForEach(writes, write => write.Dispose());
    }

    [RootFact(Fuse)]
    public void A_device_with_space_is_not_disturbed()
    {
        var other = new MemoryDisk(BlockBytes);
        using SafeFileHandle file = Open(Long);
        _pool!.Tree.Add("other", new DiskFile(other, new SharedWorkers(8)));
        using SafeFileHandle otherFile = _pool.Open("other");
        Task[] writes = [.. Enumerable.Range(0, 20).Select(index => Write(file, Fill(1, BlockBytes), (long)index * BlockBytes))];
        MustWait(20);

        Poll.UntilDone("the other device is written", Write(otherFile, Fill(9, BlockBytes), 0));

        Assert.Equal(9, other.Content[BlockBytes - 1]);
        _disk.Shortage = Errno.None;
        Poll.UntilDone("the writes are done", Task.WhenAll(writes));
    }

    [RootTheory(Fuse)]
    [InlineData(Errno.ENOSPC)]
    [InlineData(Errno.EDQUOT)]
    [InlineData(Errno.EFBIG)]
    public void Without_waiting_it_fails_at_once_and_means_no_space(Errno shortage)
    {
        _disk.Shortage = shortage;
        using SafeFileHandle file = Open(TimeSpan.Zero);

        MustFail(Write(file, Fill(1, BlockBytes), 0));

        Assert.Equal((0, 0L, 1L), Counts());
        Assert.Equal(shortage, _file.Lane.Space.Shortage.Cause);
        Assert.Equal(1, _disk.TriesAt(0));
        _disk.Shortage = Errno.None;
        Poll.UntilDone("the next one is done", Write(file, Fill(2, BlockBytes), 0));
    }

    [RootFact(Fuse)]
    public void When_the_time_is_over_it_fails_and_the_next_one_has_its_own_time()
    {
        using SafeFileHandle file = Open(TimeSpan.FromMilliseconds(1));

        MustFail(Write(file, Fill(1, BlockBytes), 0));

        Assert.Equal((0, 1L, 1L), Counts());
        _file.Lane.Space.WaitTime = Long;
        Task write = Write(file, Fill(2, BlockBytes), 0);
        MustWait(1);
        _disk.Shortage = Errno.None;
        Poll.UntilDone("the next one is done", write);
        Assert.Equal(2, _disk.Content[0]);
    }

    [RootFact(Fuse)]
    public void What_waits_can_be_made_to_fail()
    {
        using SafeFileHandle file = Open(Long);
        Task[] writes = [Write(file, Fill(1, BlockBytes), 0), Write(file, Fill(1, BlockBytes), BlockBytes)];
        MustWait(2);

        _file.Lane.Space.WaitTime = TimeSpan.Zero;

        Array.ForEach(writes, MustFail);
        Assert.Equal((0, 2L, 2L), Counts());
    }

    [RootFact(Fuse)]
    public void A_small_one_need_not_wait_for_a_large_one()
    {
        using SafeFileHandle file = Open(Long);
        Task large = Write(file, Fill(1, LargeBytes), 0);
        MustWait(1);
        Task small = Write(file, Fill(2, BlockBytes), 2 * LargeBytes);
        MustWait(2);

        _disk.RoomBytes = BlockBytes;

        Poll.UntilDone("the small one is done", small);
        Assert.False(large.IsCompleted);
        MustWait(1);
        _disk.RoomBytes = LargeBytes;
        Poll.UntilDone("the large one is done", large);
    }

    /// <summary>The change is refused for good meanwhile, as after cowctl -r.</summary>
    [RootFact(Fuse)]
    public void Another_error_ends_the_waiting()
    {
        using SafeFileHandle file = Open(Long);
        Task write = Write(file, Fill(1, BlockBytes), 0);
        MustWait(1);

        _disk.Shortage = Errno.EIO;

        Assert.ThrowsAny<IOException>(() => Poll.UntilDone("the write has failed", write));
        Assert.Equal((0, 1L, 0L), Counts());
    }

    /// <summary>To reserve space for zeros is worth no waiting: the loop device could not even hand on a read meanwhile.</summary>
    [Theory]
    [InlineData(0, Errno.ENOSPC)]
    [InlineData(1000, Errno.None)]
    public void Zeros_do_without_their_reserve_where_changes_wait(int waitMs, Errno expected)
    {
        _disk.Content[0] = 1;
        _file.Lane.Space.WaitTime = TimeSpan.FromMilliseconds(waitMs);

        Assert.Equal(expected, _file.Zero(0, BlockBytes, mayUnmap: false));

        Assert.Equal(expected == Errno.None ? 0 : 1, _disk.Content[0]);
    }

    private SafeFileHandle Open(TimeSpan waitTime)
    {
        _file.Lane.Space.WaitTime = waitTime;
        _pool!.Tree.Add("disk", _file);
        return _pool.Open("disk");
    }

    private void MustWait(int count) => Poll.Until($"{count} wait", () => _file.Lane.Space.Shortage.WaitingCount == count);

    private static void MustFail(Task write)
    {
        IOException exception = Assert.ThrowsAny<IOException>(() => Poll.UntilDone("the write has failed", write));
        Assert.Contains("No space left on device", exception.Message, StringComparison.Ordinal);
    }

    private (int Waiting, long Waited, long Failed) Counts()
    {
        SpaceShortage shortage = _file.Lane.Space.Shortage;
        return (shortage.WaitingCount, shortage.WaitedCount, shortage.FailedCount);
    }

    private static byte[] Fill(byte value, int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    /// <summary>On a thread of its own, which it may hold for long.</summary>
    private static Task Write(SafeFileHandle file, byte[] bytes, long offsetBytes) => Task.Factory.StartNew(
        () => RandomAccess.Write(file, bytes, offsetBytes),
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
