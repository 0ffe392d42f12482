namespace Cowloop.Core.Images;

/// <summary>
/// Has blocks loaded on other threads before they are asked for: the later ones of a request, and, behind a read that begins where an earlier one
/// ended, the next ones, twice as many with each such read. It is never waited for: who needs a block that no other thread has begun loads it.
/// </summary>
/// <remarks>Several streams of reads are told apart, so that the devices on one image, and readers of several files on one device, all are followed.</remarks>
internal sealed class ReadAhead : IDisposable
{
    private const int StreamCount = 16;

    // Two to the power of this exceeds every window.
    private const int MaxRunLength = 30;

    private readonly object _gate = new();
    private readonly ReadStream[] _streams = new ReadStream[StreamCount];
    private readonly Queue<int> _wanted = new();
    private readonly ReadAheadLimits _limits;
    private readonly Action<int> _load;
    private readonly Action<Action> _schedule;
    private readonly Action _help;
    private long _now;
    private int _helperCount;
    private int _loadingCount;
    private bool _isDisposed;

    /// <summary>Has nothing loaded yet.</summary>
    /// <param name="limits">How much of it.</param>
    /// <param name="load">Loads a block if it is not there; for any thread, and never throws.</param>
    /// <param name="schedule">Has an action run on another thread soon, or never.</param>
    public ReadAhead(ReadAheadLimits limits, Action<int> load, Action<Action> schedule)
    {
        _limits = limits;
        _load = load;
        _schedule = schedule;
        _help = Help;
    }

    /// <summary>Hears of a read before it is served.</summary>
    /// <param name="offsetBytes">Where it begins.</param>
    /// <param name="lengthBytes">Its length, more than 0.</param>
    public void Note(long offsetBytes, int lengthBytes)
    {
        long endBytes = offsetBytes + lengthBytes;
        int newHelpers;
        lock (_gate)
        {
            ref ReadStream stream = ref Find(offsetBytes);
            stream.RunLength = stream.EndBytes == offsetBytes && offsetBytes > 0 ? Math.Min(stream.RunLength + 1, MaxRunLength) : 0;
            long first = offsetBytes / _limits.BlockBytes;
            long last = (endBytes - 1) / _limits.BlockBytes;
            long from = Math.Max(first, stream.RunLength == 0 ? first : stream.LastWanted) + 1;
            long window = stream.RunLength == 0 ? 0 : Math.Min(_limits.MaxWindow, 1 << stream.RunLength);
            // Half a window at a time: to wake a thread for each block would cost more than it gains.
            bool isEnough = stream.RunLength > 0 && stream.LastWanted - last > window / 2;
            long to = isEnough ? stream.LastWanted : Math.Min(last + window, _limits.BlockCount - 1);
            while (from <= to && !_isDisposed && _wanted.Count < _limits.MaxWindow)
            {
                _wanted.Enqueue((int)from++);
            }
            stream.LastWanted = from - 1;
            stream.EndBytes = endBytes;
            stream.LastUse = ++_now;
            newHelpers = Math.Min(_limits.MaxHelpers - _helperCount, _wanted.Count);
            _helperCount += newHelpers;
        }
        for (int helper = 0; helper < newHelpers; helper++)
        {
            _schedule(_help);
        }
    }

    /// <summary>Waits for the blocks that are being loaded; no other will be.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _wanted.Clear();
            while (_loadingCount > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>The stream that ended where a read begins, else the one that was not used for longest.</summary>
    private ref ReadStream Find(long offsetBytes)
    {
        int oldest = 0;
        for (int index = 0; index < StreamCount; index++)
        {
            if (_streams[index].EndBytes == offsetBytes)
            {
                return ref _streams[index];
            }
            if (_streams[index].LastUse < _streams[oldest].LastUse)
            {
                oldest = index;
            }
        }
        return ref _streams[oldest];
    }

    private void Help()
    {
        while (TryTake(out int number))
        {
            _load(number);
            lock (_gate)
            {
                if (--_loadingCount == 0 && _isDisposed)
                {
                    Monitor.PulseAll(_gate);
                }
            }
        }
    }

    private bool TryTake(out int number)
    {
        lock (_gate)
        {
            if (!_wanted.TryDequeue(out number))
            {
                _helperCount--;
                return false;
            }
            _loadingCount++;
            return true;
        }
    }

    private struct ReadStream
    {
        /// <summary>Where its last read ended.</summary>
        public long EndBytes;

        /// <summary>How many reads have continued others without a gap.</summary>
        public int RunLength;

        /// <summary>The last block that was asked to be loaded.</summary>
        public long LastWanted;

        public long LastUse;
    }
}

/// <summary>How much is loaded ahead.</summary>
/// <param name="BlockBytes">Length of a block.</param>
/// <param name="BlockCount">Number of blocks of the image.</param>
/// <param name="MaxWindow">So many blocks behind a read at most, and so many asked for and not begun.</param>
/// <param name="MaxHelpers">So many threads at a time at most.</param>
internal readonly record struct ReadAheadLimits(int BlockBytes, int BlockCount, int MaxWindow, int MaxHelpers);
