namespace Cowloop.Core.Devices;

/// <summary>
/// Tells when all requests have ended that began before a moment, so that what only they can still see may be given back. It costs a request two atomic
/// additions, and it keeps nobody waiting but the one who asks.
/// </summary>
/// <remarks>
/// Requests are counted in one of two phases. Who waits lets new ones begin in the other phase and waits until the first is empty; twice, for a request may
/// have read the number of the phase long ago and be counted in it only now.
/// </remarks>
internal sealed class RequestPhases
{
    private readonly Lock _waiterLock = new();
    private readonly PaddedCount[] _counts = new PaddedCount[2];
    private int _phase;

    /// <summary>A request begins.</summary>
    /// <returns>What <see cref="Exit"/> must be called with.</returns>
    public int Enter()
    {
        int phase = Volatile.Read(ref _phase);
        Interlocked.Increment(ref _counts[phase].Value);
        return phase;
    }

    /// <summary>The request has ended.</summary>
    public void Exit(int phase) => Interlocked.Decrement(ref _counts[phase].Value);

    /// <summary>Waits until all requests have ended that began before the call.</summary>
    public void WaitForEarlier()
    {
        lock (_waiterLock)
        {
            for (int round = 0; round < _counts.Length; round++)
            {
                int former = _phase;
                Interlocked.Exchange(ref _phase, 1 - former);
                for (var spin = default(SpinWait); Interlocked.Read(ref _counts[former].Value) != 0;)
                {
                    spin.SpinOnce();
                }
            }
        }
    }

    /// <summary>A cache line of its own: the two are changed by many processors.</summary>
    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit, Size = 128)]
    private struct PaddedCount
    {
        [System.Runtime.InteropServices.FieldOffset(64)]
        public long Value;
    }
}
