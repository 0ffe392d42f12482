using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A disk that hangs: its reads wait until they are let go, at the latest by the end of the test, and then give the number 0xC0 in every byte.</summary>
internal sealed class BlockedDisk(int lengthBytes) : IBlockDevice, IDisposable
{
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waitingCount;
    private int _highestCount;

    /// <summary>Reads that hang now.</summary>
    public int WaitingCount => Volatile.Read(ref _waitingCount);

    /// <summary>The most reads that ever hung at once.</summary>
    public int HighestCount => Volatile.Read(ref _highestCount);

    public DeviceInfo Info => new(lengthBytes, 512);

    /// <summary>Lets all go, those that come later too.</summary>
    public void LetGo() => _gate.TrySetResult();

    public Errno Read(long offsetBytes, Span<byte> target)
    {
        int waiting = Interlocked.Increment(ref _waitingCount);
        for (int highest = HighestCount; waiting > highest; highest = HighestCount)
        {
            Interlocked.CompareExchange(ref _highestCount, waiting, highest);
        }
        _gate.Task.Wait();
        Interlocked.Decrement(ref _waitingCount);
        target.Fill(0xC0);
        return Errno.None;
    }

    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua) => Errno.EROFS;

    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua) => Errno.EROFS;

    public Errno Flush() => Errno.None;

    public void Dispose() => LetGo();
}
