namespace Cowloop.Linux;

/// <summary>
/// Buffers of one length that come back here when they are disposed of, to be taken again: in the long run none is allocated.
/// Safe for any thread.
/// </summary>
/// <param name="lengthBytes">Length of each.</param>
/// <param name="lockedCount">So many are locked in memory, if the limit on such memory allows it.</param>
/// <param name="spareCount">So many others are kept when nobody needs them; each takes as much memory as was ever used of it.</param>
public sealed class NativeBufferStock(int lengthBytes, int lockedCount, int spareCount) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly NativeBuffer[] _spare = new NativeBuffer[lockedCount + spareCount];
    private int _count;
    private int _toLock = lockedCount;
    private bool _isDisposed;

    /// <summary>Takes a buffer, the last one that came back or a new one. It belongs to the caller until it is disposed of.</summary>
    /// <exception cref="OutOfMemoryException">The kernel refuses another one.</exception>
    public NativeBuffer Take()
    {
        lock (_lock)
        {
            if (_count > 0)
            {
                NativeBuffer spare = _spare[--_count];
                spare.IsSpare = false;
                return spare;
            }
        }
        var buffer = new NativeBuffer(lengthBytes, this);
        if (Interlocked.Decrement(ref _toLock) >= 0)
        {
            _ = buffer.TryLock();
        }
        return buffer;
    }

    /// <summary>Gives the memory of all spare buffers back; those that are in use go when they are disposed of.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            while (_count > 0)
            {
                _spare[--_count].Unmap();
            }
        }
    }

    /// <returns>False when there are enough: the buffer is not needed any more.</returns>
    internal bool TryTakeBack(NativeBuffer buffer)
    {
        lock (_lock)
        {
            if (buffer.IsSpare)
            {
                return true;
            }
            if (_isDisposed || _count == _spare.Length)
            {
                // Another one takes its share of what is locked.
                _ = buffer.IsLocked && Interlocked.Increment(ref _toLock) > 0;
                return false;
            }
            buffer.IsSpare = true;
            _spare[_count++] = buffer;
            return true;
        }
    }
}
