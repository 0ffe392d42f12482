using Cowloop.Linux;

namespace Cowloop.Fuse;

/// <summary>
/// The workers of a connection. When all of them are inside a request and none gets done for a while, one more starts, up
/// to a bound: so a slow base does not stop the others. With enough idle ones again, the extra ones leave.
/// </summary>
internal sealed class FuseWorkerPool : IDisposable
{
    /// <summary>Sizes: a worker costs a thread, and memory as large as the requests it has seen (at most 512 KiB).</summary>
    /// <param name="MinWorkers">Always there.</param>
    /// <param name="MaxWorkers">Never more.</param>
    /// <param name="LockedBuffers">Buffers that are kept in memory as a whole; 0 where no writing waits for the workers.</param>
    public readonly record struct Bounds(int MinWorkers, int MaxWorkers, int LockedBuffers = 0);

    private const int StackBytes = 256 * 1024;

    // Kept for requests that wait without a thread, so that these find one without an allocation. What more of them need comes and goes.
    private const int SpareBuffers = 32;
    // Two descriptors each, which are counted: there must be some left for the program always. Workers beyond these are there for I/O that hangs.
    private const int MaxPipes = 32;
    private const long BusyMask = 0xffff;
    private const long CompletedUnit = BusyMask + 1;

    private static readonly TimeSpan StallTime = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan JoinTime = TimeSpan.FromSeconds(10);

    private readonly FuseDevice _device;
    private readonly FuseDispatcher _dispatcher;
    private readonly Bounds _bounds;
    private readonly Action<string> _log;
    private readonly Lock _threadsLock = new();
    private readonly HashSet<Thread> _threads = [];
    private readonly NativeBufferStock _buffers;
    // Not disposed: a worker that was stuck may still signal it.
    private readonly AutoResetEvent _allBusy = new(false);
    private readonly Thread _watcher;
    private readonly SpacePoll _spacePoll;

    // Busy workers in the low 16 bits, completed requests above: one atomic operation at each end of a request.
    private long _activity;
    private int _workerCount;
    private int _pipeCount;
    private bool _isWatching;
    private bool _isStopping;

    public FuseWorkerPool(FuseDevice device, FuseDispatcher dispatcher, Bounds bounds, Action<string> log)
    {
        _device = device;
        _dispatcher = dispatcher;
        _bounds = bounds;
        _log = log;
        _buffers = new NativeBufferStock(FuseWorker.BufferBytes, bounds.LockedBuffers, SpareBuffers);
        _spacePoll = new SpacePoll(Retry, waiter => FuseWorker.Fail(device, waiter, log));
        for (int worker = 0; worker < bounds.MinWorkers; worker++)
        {
            TryAddWorker();
        }
        _watcher = new Thread(Watch, StackBytes) { Name = "fuse-watch", IsBackground = true };
        _watcher.Start();
    }

    /// <summary>A worker has taken a request.</summary>
    public void Begin()
    {
        long busy = Interlocked.Increment(ref _activity) & BusyMask;
        if (busy >= Volatile.Read(ref _workerCount) && !Volatile.Read(ref _isWatching))
        {
            _allBusy.Set();
        }
    }

    /// <summary>The request is done.</summary>
    public void End() => Interlocked.Add(ref _activity, CompletedUnit - 1);

    /// <summary>A worker has done one request and goes on with another that waited.</summary>
    public void Progress() => Interlocked.Add(ref _activity, CompletedUnit);

    /// <summary>Asks, between two requests, whether the worker is one too many; if so it must leave.</summary>
    public bool TryLeave()
    {
        int count = Volatile.Read(ref _workerCount);
        long busy = Interlocked.Read(ref _activity) & BusyMask;
        if (count <= _bounds.MinWorkers
            || count - busy <= _bounds.MinWorkers
            || Interlocked.CompareExchange(ref _workerCount, count - 1, count) != count)
        {
            return false;
        }
        // Others may have begun since the look: without this worker they may be all there are.
        if (AreAllBusy(out _) && !Volatile.Read(ref _isStopping))
        {
            _allBusy.Set();
        }
        return true;
    }

    /// <summary>A request of the lane has begun to wait for space.</summary>
    public void WatchSpace(RequestLane lane) => _spacePoll.Watch(lane);

    /// <summary>A buffer for a request; it is given back by disposing of it.</summary>
    public NativeBuffer TakeBuffer() => _buffers.Take();

    /// <summary>A pipe for large reads, to be returned.</summary>
    /// <returns>Null when enough workers have one, or there can't be another.</returns>
    public PagePipe? TryTakePipe()
    {
        PagePipe? pipe = Interlocked.Increment(ref _pipeCount) <= MaxPipes ? PagePipe.TryCreate() : null;
        if (pipe is null)
        {
            Interlocked.Decrement(ref _pipeCount);
        }
        return pipe;
    }

    /// <summary>Ends a pipe.</summary>
    public void Return(PagePipe pipe)
    {
        pipe.Dispose();
        Interlocked.Decrement(ref _pipeCount);
    }

    /// <summary>Waits until all workers have left; the filesystem must be gone already.</summary>
    public void Dispose()
    {
        _spacePoll.Dispose();
        Volatile.Write(ref _isStopping, true);
        _allBusy.Set();
        _watcher.Join();
        Thread[] threads;
        lock (_threadsLock)
        {
            threads = [.. _threads];
        }
        long deadline = Environment.TickCount64 + (long)JoinTime.TotalMilliseconds;
        foreach (Thread thread in threads)
        {
            if (!thread.Join((int)Math.Max(0, deadline - Environment.TickCount64)))
            {
                _log($"worker {thread.Name} does not end: it waits for I/O");
            }
        }
        _buffers.Dispose();
    }

    /// <summary>Starts a worker that first of all tries the requests of a lane again that wait for space.</summary>
    private void Retry(RequestLane lane)
    {
        if (!lane.Space.TryBeginRetry())
        {
            return;
        }
        if (Volatile.Read(ref _workerCount) >= _bounds.MaxWorkers || !TryAddWorker(lane))
        {
            lane.Space.EndRetry();
        }
    }

    /// <param name="retried">As for <see cref="FuseWorker.Run"/>.</param>
    private bool TryAddWorker(RequestLane? retried = null)
    {
        int number = Interlocked.Increment(ref _workerCount);
        var thread = new Thread(() => RunWorker(retried), StackBytes) { Name = $"fuse-{number}", IsBackground = true };
        lock (_threadsLock)
        {
            _threads.Add(thread);
        }
        try
        {
            thread.Start();
            return true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            // The limit of threads or of memory: those that are there must do.
            Forget(thread, hasLeft: false);
            _log($"cannot start another worker: {exception.Message}");
            return false;
        }
    }

    private void RunWorker(RequestLane? retried)
    {
        bool hasLeft = false;
        try
        {
            using var worker = new FuseWorker(_device, _dispatcher, this, _log);
            hasLeft = worker.Run(retried);
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ObjectDisposedException)
        {
            // No memory for its buffer; or it was stuck in I/O for so long that the connection has ended meanwhile.
            _log($"a worker ends: {exception.Message}");
        }
        Forget(Thread.CurrentThread, hasLeft);
    }

    private void Forget(Thread thread, bool hasLeft)
    {
        if (!hasLeft)
        {
            Interlocked.Decrement(ref _workerCount);
        }
        lock (_threadsLock)
        {
            _threads.Remove(thread);
        }
    }

    /// <summary>Sleeps until all workers are busy, and then looks now and then whether they get anywhere.</summary>
    private void Watch()
    {
        while (!Volatile.Read(ref _isStopping))
        {
            _allBusy.WaitOne();
            do
            {
                Volatile.Write(ref _isWatching, true);
                while (!Volatile.Read(ref _isStopping) && AreAllBusy(out long completed))
                {
                    Thread.Sleep(StallTime);
                    if (AreAllBusy(out long later) && later == completed && Volatile.Read(ref _workerCount) < _bounds.MaxWorkers)
                    {
                        TryAddWorker();
                    }
                }
                Interlocked.Exchange(ref _isWatching, false);
            }
            // A request that made the pool full between the last look and the line above has woken nobody.
            while (!Volatile.Read(ref _isStopping) && AreAllBusy(out _));
        }
    }

    private bool AreAllBusy(out long completed)
    {
        long activity = Interlocked.Read(ref _activity);
        completed = activity / CompletedUnit;
        return (activity & BusyMask) >= Volatile.Read(ref _workerCount);
    }
}
