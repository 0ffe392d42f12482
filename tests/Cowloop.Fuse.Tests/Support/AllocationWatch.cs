using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>
/// Hands every call on, and sees what the threads that call have allocated between two of their calls: what the way to here and back has cost.
/// </summary>
internal sealed class AllocationWatch(IBlockDevice device, int expectedCalls) : IBlockDevice, IDisposable
{
    // Before that the code is compiled, and what is needed once is made.
    private readonly int _warmUpCalls = expectedCalls / 2;
    private readonly ThreadLocal<long> _last = new(() => -1);
    private int _callCount;
    private long _allocatedBytes;

    public int CallCount => Volatile.Read(ref _callCount);

    public long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    public DeviceInfo Info => device.Info;

    public Errno Read(long offsetBytes, Span<byte> target)
    {
        Watch();
        return device.Read(offsetBytes, target);
    }

    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua)
    {
        Watch();
        return device.Write(offsetBytes, source, fua);
    }

    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua)
    {
        Watch();
        return device.Zero(offsetBytes, lengthBytes, mayUnmap, fua);
    }

    public Errno Flush()
    {
        Watch();
        return device.Flush();
    }

    public void Dispose() => _last.Dispose();

    private void Watch()
    {
        long now = GC.GetAllocatedBytesForCurrentThread();
        if (Interlocked.Increment(ref _callCount) > _warmUpCalls && _last.Value >= 0)
        {
            Interlocked.Add(ref _allocatedBytes, now - _last.Value);
        }
        // Not from before: the first look of a thread costs memory itself.
        _last.Value = GC.GetAllocatedBytesForCurrentThread();
    }
}
