using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A disk in memory that keeps a list of the calls it gets.</summary>
internal sealed class MemoryDisk(int lengthBytes, int sectorSize = 512) : IBlockDevice
{
    private readonly ConcurrentQueue<string> _calls = new();

    public byte[] Content { get; } = new byte[lengthBytes];

    public IReadOnlyList<string> Calls => [.. _calls];

    /// <summary>Answer of every call from now on, when it is an error.</summary>
    public Errno Answer { get; set; }

    public DeviceInfo Info => new(Content.Length, sectorSize);

    public Errno Read(long offsetBytes, Span<byte> target)
    {
        _calls.Enqueue($"read {offsetBytes}+{target.Length}");
        if (!IsWithin(offsetBytes, target.Length))
        {
            return Errno.EINVAL;
        }
        Content.AsSpan((int)offsetBytes, target.Length).CopyTo(target);
        return Answer;
    }

    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua)
    {
        _calls.Enqueue($"write {offsetBytes}+{source.Length}{(fua ? " fua" : "")}");
        if (!IsWithin(offsetBytes, source.Length))
        {
            return Errno.EINVAL;
        }
        source.CopyTo(Content.AsSpan((int)offsetBytes));
        return Answer;
    }

    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua)
    {
        _calls.Enqueue($"{(mayUnmap ? "unmap" : "zero")} {offsetBytes}+{lengthBytes}{(fua ? " fua" : "")}");
        if (!IsWithin(offsetBytes, lengthBytes))
        {
            return Errno.EINVAL;
        }
        Content.AsSpan((int)offsetBytes, (int)lengthBytes).Clear();
        return Answer;
    }

    public Errno Flush()
    {
        _calls.Enqueue("flush");
        return Answer;
    }

    private bool IsWithin(long offsetBytes, long lengthBytes) =>
        offsetBytes >= 0 && lengthBytes >= 0 && offsetBytes <= Content.Length - lengthBytes;
}
