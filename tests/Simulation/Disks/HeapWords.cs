using System.Buffers;

namespace Cowloop.Simulation.Disks;

/// <summary>Bitmap memory on the managed heap.</summary>
public sealed class HeapWords(int count) : IMemoryOwner<ulong>
{
    public Memory<ulong> Memory { get; } = new ulong[count];

    public bool IsDisposed { get; private set; }

    public static IMemoryOwner<ulong> Allocate(int count) => new HeapWords(count);

    public void Dispose() => IsDisposed = true;
}
