using Cowloop.Core.Images;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Images;

public class BlockCacheTests
{
    private const int BlockBytes = 64;
    private const int Capacity = 4;

    [Fact]
    public void Holds_what_was_used_and_lets_go_of_what_was_not()
    {
        using var cache = new BlockCache(BlockBytes, Capacity, HeapWords.Allocate);
        Assert.Equal([true, true, true, true], Use(cache, 0, 1, 2, 3));
        Assert.Equal([false, false, false, false], Use(cache, 0, 1, 2, 3));

        // The hand takes the marks away and then the first one; the one that is used again outlives the others.
        Assert.Equal([true, false], Use(cache, 4, 1));
        Assert.Equal([true, true], Use(cache, 5, 6));
        Assert.Equal([false, false, false, false, true], Use(cache, 1, 4, 5, 6, 0));
    }

    [Fact]
    public void Memory_is_allocated_once_and_for_the_capacity()
    {
        HeapWords? words = null;
        var cache = new BlockCache(BlockBytes, Capacity, count =>
        {
            Assert.Null(words);
            return words = new HeapWords(count);
        });
        Use(cache, [.. Enumerable.Range(0, 100)]);
        Assert.Equal(Capacity * BlockBytes, words!.Memory.Length * sizeof(ulong));
        cache.Dispose();
        Assert.True(words.IsDisposed);
    }

    [Fact]
    public void An_error_is_kept_or_not_as_was_said()
    {
        using var cache = new BlockCache(BlockBytes, Capacity, HeapWords.Allocate);
        foreach (bool isKept in new[] { false, true })
        {
            CachedBlock block = cache.Enter(7, out bool mustFill);
            Assert.True(mustFill);
            cache.Complete(block, Errno.EIO, isKept);
            Assert.Equal(Errno.EIO, block.Errno);
            cache.Leave(block);
        }
        CachedBlock kept = cache.Enter(7, out bool mustFillAgain);
        Assert.Equal((false, Errno.EIO), (mustFillAgain, kept.Errno));
        cache.Leave(kept);
    }

    [Fact]
    public void Who_wants_a_block_that_is_being_filled_waits_and_gets_the_result()
    {
        using var cache = new BlockCache(BlockBytes, Capacity, HeapWords.Allocate);
        foreach (Errno errno in new[] { Errno.None, Errno.EIO })
        {
            CachedBlock block = cache.Enter(9, out _);
            Assert.Null(cache.TryEnterMissing(9));
            var result = Errno.EINVAL;
            Thread waiter = Together.StartWaiter(() =>
            {
                CachedBlock same = cache.Enter(9, out bool mustFill);
                result = mustFill ? Errno.EINVAL : same.Errno;
                cache.Leave(same);
            });
            Assert.True(waiter.IsAlive);
            // Another block is nobody's to wait for.
            Assert.Equal([true], Use(cache, 10 + (int)errno));
            cache.Complete(block, errno, isKept: false);
            cache.Leave(block);
            waiter.Join();
            Assert.Equal(errno, result);
        }
    }

    [Fact]
    public void Who_finds_all_places_in_use_waits_for_one()
    {
        using var cache = new BlockCache(BlockBytes, Capacity, HeapWords.Allocate);
        CachedBlock[] held = [.. Enumerable.Range(0, Capacity).Select(number => Fill(cache, number))];
        Assert.Null(cache.TryEnterMissing(20));
        Thread waiter = Together.StartWaiter(() => Use(cache, 20));
        Assert.True(waiter.IsAlive);
        cache.Leave(held[2]);
        waiter.Join();
        Assert.Equal([false, false], Use(cache, 0, 20));
        Assert.All(held, block => Assert.Equal(held[2] == block ? 20 : block.Index, cache.Content(block)[0]));
    }

    /// <summary>Many threads, few places: every block has its own content at every moment, and no more than fit are ever there.</summary>
    [Fact]
    public void Threads_never_see_another_blocks_content()
    {
        using var cache = new BlockCache(BlockBytes, Capacity, HeapWords.Allocate);
        int filling = 0;
        Together.Run(8, thread =>
        {
            var random = new Random(thread);
            for (int round = 0; round < 20_000; round++)
            {
                int number = random.Next(10);
                CachedBlock block = cache.Enter(number, out bool mustFill);
                if (mustFill)
                {
                    Assert.InRange(Interlocked.Increment(ref filling), 1, Capacity);
                    cache.Content(block).Fill((byte)number);
                    Interlocked.Decrement(ref filling);
                    cache.Complete(block, Errno.None, isKept: random.Next(4) > 0);
                }
                Assert.False(cache.Content(block).ContainsAnyExcept((byte)number));
                cache.Leave(block);
            }
        });
    }

    /// <returns>For each block, whether it had to be filled.</returns>
    private static List<bool> Use(BlockCache cache, params int[] numbers)
    {
        var filled = new List<bool>();
        foreach (int number in numbers)
        {
            CachedBlock block = cache.Enter(number, out bool mustFill);
            if (mustFill)
            {
                cache.Content(block).Fill((byte)number);
                cache.Complete(block, Errno.None, isKept: true);
            }
            Assert.Equal((byte)number, cache.Content(block)[BlockBytes - 1]);
            cache.Leave(block);
            filled.Add(mustFill);
        }
        return filled;
    }

    private static CachedBlock Fill(BlockCache cache, int number)
    {
        CachedBlock block = cache.Enter(number, out bool mustFill);
        Assert.True(mustFill);
        cache.Content(block).Fill((byte)number);
        cache.Complete(block, Errno.None, isKept: true);
        return block;
    }
}
