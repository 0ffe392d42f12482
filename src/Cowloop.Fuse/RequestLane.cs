using System.Diagnostics.CodeAnalysis;
using Cowloop.Linux;

namespace Cowloop.Fuse;

/// <summary>A request that waits in its buffer.</summary>
/// <param name="Buffer">The buffer; goes to whoever serves it.</param>
/// <param name="LengthBytes">Length of the request.</param>
internal readonly record struct ParkedRequest(NativeBuffer Buffer, int LengthBytes);

/// <summary>
/// Keeps one device from taking all workers: so many of its requests are served at a time, the rest wait here without a thread.
/// A hanging base then holds its share and nothing else, and a device whose files lie on another device leaves workers for that one.
/// </summary>
/// <remarks>
/// Each lane has one worker for certain, the others come out of what all lanes share. So however many devices have their files on
/// another device, and whatever those wait for, that one gets on.
/// </remarks>
/// <param name="width">Most requests at a time.</param>
/// <param name="shared">Workers for all lanes beyond the first of each.</param>
internal sealed class RequestLane(int width, SharedWorkers shared)
{
    private readonly Lock _lock = new();
    private readonly Queue<ParkedRequest> _parked = new();
    private int _activeCount;

    /// <summary>The requests of the device that have been served and found no space.</summary>
    public SpaceQueue Space { get; } = new();

    /// <summary>Begins a request.</summary>
    /// <returns>False: the lane is full, the request waits, and its buffer belongs to the lane.</returns>
    public bool TryEnter(NativeBuffer buffer, int lengthBytes)
    {
        lock (_lock)
        {
            if (TryTakePlace())
            {
                return true;
            }
            _parked.Enqueue(new ParkedRequest(buffer, lengthBytes));
            return false;
        }
    }

    /// <summary>Takes a place to try requests again that wait for space.</summary>
    /// <returns>False: the lane is full.</returns>
    public bool TryEnter()
    {
        lock (_lock)
        {
            return TryTakePlace();
        }
    }

    /// <summary>Ends a request.</summary>
    /// <param name="next">A request that waited: the caller serves it in the place of the ended one, and owns its buffer.</param>
    /// <returns>False when none waits.</returns>
    public bool TryExitToNext([MaybeNullWhen(false)] out ParkedRequest next)
    {
        lock (_lock)
        {
            if (_parked.TryDequeue(out next))
            {
                return true;
            }
            if (--_activeCount > 0)
            {
                shared.Return();
            }
            return false;
        }
    }

    private bool TryTakePlace()
    {
        if (_activeCount > 0 && (_activeCount >= width || !shared.TryTake()))
        {
            return false;
        }
        _activeCount++;
        return true;
    }
}
