using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class NativeBufferStockTests
{
    private const int LengthBytes = 64 * 1024;

    [Fact]
    public void A_buffer_that_comes_back_is_taken_again()
    {
        using var stock = new NativeBufferStock(LengthBytes, lockedCount: 0, spareCount: 1);
        NativeBuffer buffer = stock.Take();
        Assert.Equal(LengthBytes, buffer.Span.Length);
        NativeBuffer second = stock.Take();
        Assert.NotSame(buffer, second);

        buffer.Dispose();

        Assert.Same(buffer, stock.Take());
        Assert.Equal(LengthBytes, buffer.Span.Length);
        second.Dispose();
        buffer.Dispose();
    }

    [Fact]
    public void A_buffer_that_comes_back_twice_has_one_user()
    {
        using var stock = new NativeBufferStock(LengthBytes, lockedCount: 0, spareCount: 2);
        NativeBuffer buffer = stock.Take();

        buffer.Dispose();
        buffer.Dispose();

        using NativeBuffer first = stock.Take();
        using NativeBuffer second = stock.Take();
        Assert.NotSame(first, second);
    }

    [Fact]
    public void Taking_and_giving_back_allocates_nothing()
    {
        using var stock = new NativeBufferStock(LengthBytes, lockedCount: 0, spareCount: 2);
        TakeTwo();

        Assert.Equal(0, Allocated.By(() =>
        {
            for (int round = 0; round < 10_000; round++)
            {
                TakeTwo();
            }
        }));

        void TakeTwo()
        {
            using NativeBuffer first = stock.Take();
            using NativeBuffer second = stock.Take();
        }
    }

    [Fact]
    public void More_than_enough_are_not_kept()
    {
        using var stock = new NativeBufferStock(LengthBytes, lockedCount: 0, spareCount: 1);
        NativeBuffer kept = stock.Take();
        NativeBuffer tooMany = stock.Take();

        kept.Dispose();
        tooMany.Dispose();

        Assert.False(kept.Span.IsEmpty);
        Assert.True(tooMany.Span.IsEmpty);
    }

    /// <summary>Two of 64 KiB are within any limit on locked memory.</summary>
    [Fact]
    public void The_first_ones_are_locked()
    {
        using var stock = new NativeBufferStock(LengthBytes, lockedCount: 2, spareCount: 1);
        NativeBuffer[] buffers = [stock.Take(), stock.Take(), stock.Take()];

        Assert.Equal([true, true, false], buffers.Select(buffer => buffer.IsLocked));
        Array.ForEach(buffers, buffer => buffer.Dispose());
        Assert.All(buffers, buffer => Assert.False(buffer.Span.IsEmpty));
    }

    [Fact]
    public void With_the_stock_all_memory_goes()
    {
        var stock = new NativeBufferStock(LengthBytes, lockedCount: 1, spareCount: 1);
        NativeBuffer spare = stock.Take();
        NativeBuffer inUse = stock.Take();
        spare.Dispose();

        stock.Dispose();

        Assert.True(spare.Span.IsEmpty);
        Assert.False(inUse.Span.IsEmpty);
        inUse.Dispose();
        Assert.True(inUse.Span.IsEmpty);
    }
}
