using Cowloop.Core.Images;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Images;

public class ReadAheadTests
{
    private static readonly ReadAheadLimits Limits = new(BlockBytes: 1000, BlockCount: 100, MaxWindow: 8, MaxHelpers: 2);

    private readonly List<int> _loaded = [];
    private readonly Queue<Action> _scheduled = new();

    [Fact]
    public void Nothing_behind_a_single_read()
    {
        using ReadAhead ahead = Make();
        ahead.Note(0, 500);
        ahead.Note(50_000, 1000);
        ahead.Note(20_300, 500);
        Assert.Empty(Loaded());
    }

    [Fact]
    public void The_rest_of_a_request_and_nothing_behind_it()
    {
        using ReadAhead ahead = Make();
        ahead.Note(10_500, 3000);
        Assert.Equal([11, 12, 13], Loaded());
    }

    [Fact]
    public void Twice_as_much_with_each_read_that_goes_on_then_half_a_window_at_a_time()
    {
        using ReadAhead ahead = Make();
        ahead.Note(10_000, 1000);
        Assert.Empty(Loaded());
        ahead.Note(11_000, 1000);
        Assert.Equal([12, 13], Loaded());
        ahead.Note(12_000, 1000);
        Assert.Equal([14, 15, 16], Loaded());
        ahead.Note(13_000, 1000);
        Assert.Equal([17, 18, 19, 20, 21], Loaded());
        ahead.Note(14_000, 1000);
        ahead.Note(15_000, 1000);
        ahead.Note(16_000, 1000);
        Assert.Empty(Loaded());
        ahead.Note(17_000, 1000);
        Assert.Equal([22, 23, 24, 25], Loaded());
    }

    [Fact]
    public void Reads_smaller_than_a_block_count_as_well()
    {
        using ReadAhead ahead = Make();
        ahead.Note(10_000, 100);
        ahead.Note(10_100, 100);
        ahead.Note(10_200, 100);
        Assert.Equal([11, 12, 13, 14], Loaded());
    }

    [Fact]
    public void Ends_with_the_image()
    {
        using ReadAhead ahead = Make();
        ahead.Note(97_000, 1000);
        ahead.Note(98_000, 1000);
        ahead.Note(99_000, 1000);
        Assert.Equal([99], Loaded());
    }

    [Fact]
    public void Follows_several_streams_between_random_reads()
    {
        using ReadAhead ahead = Make();
        var loaded = new List<int>();
        for (int step = 0; step < 3; step++)
        {
            foreach (int start in new[] { 10_000, 40_000, 70_000 })
            {
                ahead.Note(start + step * 1000, 1000);
                ahead.Note(7 + start + step * 3000, 10);
                loaded.AddRange(Loaded());
            }
        }
        Assert.Equal([12, 13, 14, 15, 16, 42, 43, 44, 45, 46, 72, 73, 74, 75, 76], loaded.Order());
    }

    [Fact]
    public void A_new_run_begins_small_again()
    {
        using ReadAhead ahead = Make();
        for (int step = 0; step < 5; step++)
        {
            ahead.Note(step * 1000, 1000);
        }
        Loaded();
        ahead.Note(50_000, 1000);
        Assert.Empty(Loaded());
        ahead.Note(51_000, 1000);
        Assert.Equal([52, 53], Loaded());
    }

    [Fact]
    public void What_is_not_begun_is_bounded_and_so_are_helpers()
    {
        using ReadAhead ahead = Make();
        for (int start = 0; start < 80_000; start += 20_000)
        {
            ahead.Note(start, 19_000);
        }
        Assert.Equal(Limits.MaxHelpers, _scheduled.Count);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], Loaded());
    }

    [Fact]
    public void What_found_no_room_comes_with_the_next_read()
    {
        using ReadAhead ahead = Make();
        ahead.Note(0, 5000);
        ahead.Note(5000, 5000);
        Assert.Equal([1, 2, 3, 4, 6, 7, 8, 9], Loaded());
        ahead.Note(10_000, 1000);
        Assert.Equal([11, 12, 13, 14], Loaded());
    }

    [Fact]
    public void A_read_waits_for_no_helper_and_disposing_for_those_that_load()
    {
        using var isLoading = new ManualResetEventSlim();
        using var mayEnd = new ManualResetEventSlim();
        Thread? helper = null;
        var ahead = new ReadAhead(
            Limits,
            number =>
            {
                _loaded.Add(number);
                isLoading.Set();
                mayEnd.Wait();
            },
            action =>
            {
                helper ??= new Thread(() => action());
                if (helper.ThreadState == ThreadState.Unstarted)
                {
                    helper.Start();
                }
                else
                {
                    _scheduled.Enqueue(action);
                }
            });
        ahead.Note(10_000, 4000);
        isLoading.Wait();
        ahead.Note(14_000, 4000);

        Thread disposer = Together.StartWaiter(ahead.Dispose);
        Assert.True(disposer.IsAlive);
        mayEnd.Set();
        disposer.Join();
        helper!.Join();
        Assert.Equal([11], _loaded);

        // One that was scheduled and comes too late, and a read after the end, do nothing.
        Assert.Single(_scheduled);
        _scheduled.Dequeue()();
        ahead.Note(18_000, 4000);
        Assert.Empty(_scheduled);
        Assert.Single(_loaded);
    }

    private ReadAhead Make() => new(Limits, _loaded.Add, _scheduled.Enqueue);

    /// <summary>What was loaded since the last time, when all helpers have run.</summary>
    private List<int> Loaded()
    {
        while (_scheduled.TryDequeue(out Action? action))
        {
            action();
        }
        List<int> loaded = [.. _loaded];
        _loaded.Clear();
        return loaded;
    }
}
