using System.Diagnostics.CodeAnalysis;
using Cowloop.Core;

namespace Cowloop.Fuse;

/// <summary>What a device's requests have met of full disks.</summary>
/// <param name="WaitingCount">Requests that wait for space now.</param>
/// <param name="WaitingSince">Since when there has always been one, or null.</param>
/// <param name="WaitedCount">Requests that have ever begun to wait.</param>
/// <param name="FailedCount">Requests that have failed for want of space, at once or after they had waited.</param>
/// <param name="Cause">The latest error of them.</param>
public readonly record struct SpaceShortage(int WaitingCount, DateTime? WaitingSince, long WaitedCount, long FailedCount, Errno Cause);

/// <summary>A request that waits for space.</summary>
/// <param name="Request">The request, in memory of its own.</param>
/// <param name="Cause">Why it could not be done.</param>
/// <param name="SinceMs">When it began to wait.</param>
internal readonly record struct SpaceWaiter(ParkedRequest Request, Errno Cause, long SinceMs);

/// <summary>
/// The requests of one device that found no space and wait for it, without a thread. They have not been answered, so they may be done in any
/// order, and nothing that comes later waits for them. Times are milliseconds of one clock, given by the caller. Safe for any thread.
/// </summary>
/// <remarks>
/// One worker at a time tries them again (<see cref="TryBeginRetry"/>). A request that it has taken counts as waiting until it is done, answered
/// with an error, or back.
/// </remarks>
internal sealed class SpaceQueue
{
    private readonly Lock _lock = new();
    private readonly Queue<SpaceWaiter> _waiters = new();
    private long _waitMs;
    private long _progressMs = long.MinValue;
    private DateTime? _waitingSince;
    private int _takenCount;
    private bool _isRetrying;
    private long _waitedCount;
    private long _failedCount;
    private Errno _cause;

    /// <summary>
    /// How long a request waits at most: counted from when it began to, or from the last waiting request of the device that could be done.
    /// <see cref="TimeSpan.Zero"/>: none waits. <see cref="Timeout.InfiniteTimeSpan"/>: without an end. Applies to those that wait already.
    /// </summary>
    public TimeSpan WaitTime
    {
        get
        {
            long waitMs = Volatile.Read(ref _waitMs);
            return waitMs == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(waitMs);
        }
        set => Volatile.Write(ref _waitMs, value == Timeout.InfiniteTimeSpan ? long.MaxValue : (long)value.TotalMilliseconds);
    }

    /// <summary>True when a request that finds no space may wait.</summary>
    public bool MayWait => Volatile.Read(ref _waitMs) > 0;

    /// <summary>True when no request waits.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return Waiting == 0;
            }
        }
    }

    /// <summary>What is to be told of it.</summary>
    public SpaceShortage Shortage
    {
        get
        {
            lock (_lock)
            {
                return new SpaceShortage(Waiting, _waitingSince, _waitedCount, _failedCount, _cause);
            }
        }
    }

    private int Waiting => _waiters.Count + _takenCount;

    /// <summary>Lets a request wait; its buffer belongs to the queue then.</summary>
    /// <returns>False when none may: the request is the caller's still.</returns>
    public bool TryAdd(ParkedRequest request, Errno cause, long nowMs)
    {
        lock (_lock)
        {
            if (!MayWait)
            {
                return false;
            }
            _waitingSince ??= DateTime.UtcNow;
            _waitedCount++;
            _cause = cause;
            _waiters.Enqueue(new SpaceWaiter(request, cause, nowMs));
            return true;
        }
    }

    /// <summary>Notes that a request has failed for want of space and does not wait.</summary>
    public void AddFailed(Errno cause)
    {
        lock (_lock)
        {
            _failedCount++;
            _cause = cause;
        }
    }

    /// <summary>Asks to be the one who tries the waiting requests again.</summary>
    /// <returns>False when another one does, or none waits. Else <see cref="EndRetry"/> must follow.</returns>
    public bool TryBeginRetry()
    {
        lock (_lock)
        {
            if (_isRetrying || _waiters.Count == 0)
            {
                return false;
            }
            _isRetrying = true;
            return true;
        }
    }

    /// <summary>Ends what <see cref="TryBeginRetry"/> began.</summary>
    public void EndRetry()
    {
        lock (_lock)
        {
            _isRetrying = false;
        }
    }

    /// <summary>Takes the next request to try it again; <see cref="Complete"/> or <see cref="TryReturn"/> must follow.</summary>
    public bool TryTake([MaybeNullWhen(false)] out SpaceWaiter waiter)
    {
        lock (_lock)
        {
            if (!_waiters.TryDequeue(out waiter))
            {
                return false;
            }
            _takenCount++;
            return true;
        }
    }

    /// <summary>The taken request has been done: there is space, and the others may expect their turn.</summary>
    public void Complete(long nowMs)
    {
        lock (_lock)
        {
            _progressMs = nowMs;
            _takenCount--;
            NoteEnd();
        }
    }

    /// <summary>Still no space for the taken request: it waits on, behind the others, for there may be enough for a smaller one.</summary>
    /// <returns>False when its time is over: the request is the caller's, to be answered with its error.</returns>
    public bool TryReturn(SpaceWaiter waiter, long nowMs)
    {
        lock (_lock)
        {
            _takenCount--;
            if (!IsOver(waiter, nowMs))
            {
                _waiters.Enqueue(waiter);
                return true;
            }
            _failedCount++;
            NoteEnd();
            return false;
        }
    }

    /// <summary>Takes out the requests whose time is over; they belong to the caller, to be answered with their error.</summary>
    public void TakeOver(long nowMs, List<SpaceWaiter> over)
    {
        lock (_lock)
        {
            for (int left = _waiters.Count; left > 0; left--)
            {
                SpaceWaiter waiter = _waiters.Dequeue();
                if (IsOver(waiter, nowMs))
                {
                    _failedCount++;
                    over.Add(waiter);
                }
                else
                {
                    _waiters.Enqueue(waiter);
                }
            }
            NoteEnd();
        }
    }

    private bool IsOver(SpaceWaiter waiter, long nowMs) => nowMs - Math.Max(waiter.SinceMs, _progressMs) >= _waitMs;

    private void NoteEnd()
    {
        if (Waiting == 0)
        {
            _waitingSince = null;
        }
    }
}
