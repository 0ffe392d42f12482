namespace Cowloop.Fuse;

/// <summary>
/// Looks after the requests that wait for space, of all devices of a connection: answers those whose time is over, and has the others tried
/// again. One timer, which runs only while requests wait; it does no I/O itself, so a disk that hangs delays nobody else.
/// </summary>
/// <param name="retry">Has the waiting requests of a lane tried again, by a thread of its own.</param>
/// <param name="fail">Answers a request with its error.</param>
internal sealed class SpacePoll(Action<RequestLane> retry, Action<SpaceWaiter> fail) : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(200);

    // Each costs a thread for a moment, and a write that may fail again: hundreds of devices on one full disk take turns.
    private const int MaxRetriesPerTick = 32;

    private readonly Lock _lock = new();
    // Those whose turn comes next are in front.
    private List<RequestLane> _lanes = [];
    private Timer? _timer;
    private bool _isDisposed;

    /// <summary>A request has begun to wait.</summary>
    public void Watch(RequestLane lane)
    {
        lock (_lock)
        {
            if (_isDisposed || _lanes.Contains(lane))
            {
                return;
            }
            _lanes.Add(lane);
            if (_lanes.Count == 1)
            {
                _timer ??= new Timer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _timer.Change(Period, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Ends the timer; nothing is called any more on return. What waits is not answered: its connection is gone.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
    }

    private void Tick()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }
            long nowMs = Environment.TickCount64;
            var over = new List<SpaceWaiter>();
            foreach (RequestLane lane in _lanes)
            {
                lane.Space.TakeOver(nowMs, over);
            }
            over.ForEach(fail);
            _lanes.RemoveAll(lane => lane.Space.IsEmpty);
            int retryCount = Math.Min(_lanes.Count, MaxRetriesPerTick);
            _lanes.GetRange(0, retryCount).ForEach(retry);
            _lanes = [.. _lanes.Skip(retryCount), .. _lanes.Take(retryCount)];
            if (_lanes.Count > 0)
            {
                _timer!.Change(Period, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
