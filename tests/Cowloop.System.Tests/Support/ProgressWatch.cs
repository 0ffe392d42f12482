using System.Diagnostics;
using Xunit.Sdk;

namespace Cowloop.SystemTests.Support;

/// <summary>Does something again and again on a thread of its own until it is stopped, and keeps the longest time that it ever took.</summary>
internal sealed class ProgressWatch
{
    // It only ends a test that has failed: what takes long by its nature may.
    private static readonly TimeSpan LastStepTime = TimeSpan.FromMinutes(3);

    private readonly string _what;
    private readonly Action<int> _step;
    private readonly Task _task;
    private volatile bool _isStopping;
    private long _startedAt = Stopwatch.GetTimestamp();
    private long _longestTicks;
    private int _count;

    /// <param name="what">What it does, for messages.</param>
    /// <param name="step">Does it once; gets the number of times before.</param>
    public ProgressWatch(string what, Action<int> step)
    {
        _what = what;
        _step = step;
        _task = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>How often it was done.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The longest time so far, that of the one under way included.</summary>
    public TimeSpan Longest
    {
        get
        {
            TimeSpan current = _task.IsCompleted ? default : Stopwatch.GetElapsedTime(Interlocked.Read(ref _startedAt));
            var longest = TimeSpan.FromTicks(Interlocked.Read(ref _longestTicks));
            return current > longest ? current : longest;
        }
    }

    /// <summary>True when it has failed.</summary>
    public bool HasFailed => _task.IsFaulted;

    /// <summary>Lets the one under way end, and throws what any of them threw.</summary>
    public void Stop()
    {
        _isStopping = true;
        if (!_task.Wait(LastStepTime))
        {
            throw new XunitException($"{this}, and the last time does not end");
        }
    }

    public override string ToString() => $"{_what}: {Count} times, {Longest.TotalSeconds:0.00} s at most";

    private void Run()
    {
        while (!_isStopping)
        {
            Interlocked.Exchange(ref _startedAt, Stopwatch.GetTimestamp());
            _step(Count);
            long ticks = Stopwatch.GetElapsedTime(Interlocked.Read(ref _startedAt)).Ticks;
            Interlocked.Exchange(ref _longestTicks, Math.Max(ticks, Interlocked.Read(ref _longestTicks)));
            Interlocked.Increment(ref _count);
        }
    }
}
