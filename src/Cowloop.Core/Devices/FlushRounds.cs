namespace Cowloop.Core.Devices;

/// <summary>
/// Lets one flush run at a time and everybody who waits share the next one (group commit). A caller is served by a
/// round that began after its call, never by one that was already under way: that one may have looked too early.
/// The lock guards the counters only; it is not held while a round does its I/O.
/// </summary>
/// <remarks>
/// All syncs of a file run inside rounds or between <see cref="Pause"/> and <see cref="Resume"/>, one at a time: the kernel
/// reports a failed writeback to one sync only, and another one beside it would take itself for a success.
/// </remarks>
internal sealed class FlushRounds
{
    private readonly object _gate = new();
    private long _begunCount;
    private long _completedCount;
    private bool _isRunning;
    private Errno _lastResult;

    /// <summary>Waits until the caller may lead a round, or until a round that began after the call has served it.</summary>
    /// <param name="result">The result of the round that served the caller.</param>
    /// <returns>True: the caller leads, and must call <see cref="Complete"/>. False: it has been served.</returns>
    public bool TryLead(out Errno result)
    {
        lock (_gate)
        {
            long needed = _begunCount + 1;
            while (_isRunning && _completedCount < needed)
            {
                Monitor.Wait(_gate);
            }
            if (_completedCount >= needed)
            {
                result = _lastResult;
                return false;
            }
            _isRunning = true;
            _begunCount++;
            result = Errno.None;
            return true;
        }
    }

    /// <summary>Waits until no round runs and keeps others from beginning. Serves nobody. The caller must call <see cref="Resume"/>.</summary>
    public void Pause()
    {
        lock (_gate)
        {
            while (_isRunning)
            {
                Monitor.Wait(_gate);
            }
            _isRunning = true;
        }
    }

    /// <summary>Lets rounds begin again.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            _isRunning = false;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Ends the round that the caller leads.</summary>
    public void Complete(Errno result)
    {
        lock (_gate)
        {
            _isRunning = false;
            _completedCount = _begunCount;
            _lastResult = result;
            Monitor.PulseAll(_gate);
        }
    }
}
