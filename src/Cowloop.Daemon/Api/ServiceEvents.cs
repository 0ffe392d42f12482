using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Daemon.Api;

/// <summary>
/// Hands events to those who listen. Nobody waits for a listener: one that is slow loses events that lie between, and is then told how all
/// devices stand, so what it knows in the end is right.
/// </summary>
/// <param name="describe">How all devices stand now.</param>
internal sealed class ServiceEvents(Func<IReadOnlyList<DeviceSpace>> describe)
{
    public const string State = "state";
    public const string Attached = "attached";
    public const string Detached = "detached";
    public const string Low = "low";
    public const string Ok = "ok";
    public const string Full = "full";
    public const string Resumed = "resumed";

    /// <summary>Programs that may listen at a time.</summary>
    public const int MaxListeners = 64;

    private const int MaxPending = 64;

    private readonly Lock _lock = new();
    private readonly HashSet<Listener> _listeners = [];
    private bool _isClosed;

    /// <summary>Tells everybody who listens.</summary>
    public void Publish(ServiceEvent happened)
    {
        lock (_lock)
        {
            foreach (Listener listener in _listeners)
            {
                if (!listener.Pending.Writer.TryWrite(happened))
                {
                    Volatile.Write(ref listener.HasMissed, true);
                    // It may have read all before it could see that: then this wakes it.
                    listener.Pending.Writer.TryWrite(happened);
                }
            }
        }
    }

    /// <summary>What happens from now on, beginning with how all devices stand; ends with the service.</summary>
    /// <exception cref="CowloopException">Too many listen already.</exception>
    public IAsyncEnumerable<ServiceEvent> Listen(CancellationToken aborted)
    {
        var listener = new Listener();
        lock (_lock)
        {
            if (_listeners.Count >= MaxListeners)
            {
                throw new CowloopException(Errno.EAGAIN, $"{MaxListeners} programs listen to events already", "end one of them first");
            }
            if (_isClosed)
            {
                listener.Pending.Writer.Complete();
            }
            _listeners.Add(listener);
        }
        return ReadAsync(listener, aborted);
    }

    /// <summary>Nothing happens any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (Listener listener in _listeners)
            {
                listener.Pending.Writer.TryComplete();
            }
        }
    }

    private async IAsyncEnumerable<ServiceEvent> ReadAsync(Listener listener, [EnumeratorCancellation] CancellationToken aborted)
    {
        try
        {
            // After it has begun to listen: what happens meanwhile it hears twice, not never.
            yield return DescribeAll();
            while (await listener.Pending.Reader.WaitToReadAsync(aborted).ConfigureAwait(false))
            {
                while (listener.Pending.Reader.TryRead(out ServiceEvent? happened))
                {
                    yield return happened;
                }
                if (Interlocked.Exchange(ref listener.HasMissed, false))
                {
                    yield return DescribeAll();
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _listeners.Remove(listener);
            }
        }
    }

    private ServiceEvent DescribeAll() => new(State, DateTime.UtcNow, null, describe());

    private sealed class Listener
    {
        public bool HasMissed;

        public Channel<ServiceEvent> Pending { get; } = Channel.CreateBounded<ServiceEvent>(new BoundedChannelOptions(MaxPending) { SingleReader = true });
    }
}
