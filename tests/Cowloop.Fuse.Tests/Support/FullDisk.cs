using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A disk in memory that is full until it is made empty: changes find no space, everything else works.</summary>
internal sealed class FullDisk(int lengthBytes) : IBlockDevice
{
    private readonly ConcurrentDictionary<long, int> _tries = new();
    private volatile Errno _shortage = Errno.ENOSPC;
    private volatile int _room;
    private int _flushCount;

    public byte[] Content { get; } = new byte[lengthBytes];

    /// <summary>What changes meet; none when there is space.</summary>
    public Errno Shortage
    {
        get => _shortage;
        set => _shortage = value;
    }

    /// <summary>A change that is not longer than this has space.</summary>
    public int RoomBytes
    {
        get => _room;
        set => _room = value;
    }

    public int FlushCount => Volatile.Read(ref _flushCount);

    public DeviceInfo Info => new(lengthBytes, 512);

    /// <summary>How often a change at this place has been tried.</summary>
    public int TriesAt(long offsetBytes) => _tries.GetValueOrDefault(offsetBytes);

    public Errno Read(long offsetBytes, Span<byte> target)
    {
        Content.AsSpan((int)offsetBytes, target.Length).CopyTo(target);
        return Errno.None;
    }

    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua)
    {
        Errno errno = Try(offsetBytes, source.Length);
        if (errno == Errno.None)
        {
            source.CopyTo(Content.AsSpan((int)offsetBytes));
        }
        return errno;
    }

    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua)
    {
        // As with a file in which holes can be punched.
        Errno errno = mayUnmap ? Errno.None : Try(offsetBytes, (int)lengthBytes);
        if (errno == Errno.None)
        {
            Content.AsSpan((int)offsetBytes, (int)lengthBytes).Clear();
        }
        return errno;
    }

    public Errno Flush()
    {
        Interlocked.Increment(ref _flushCount);
        return Errno.None;
    }

    private Errno Try(long offsetBytes, int lengthBytes)
    {
        _tries.AddOrUpdate(offsetBytes, 1, (_, count) => count + 1);
        return lengthBytes <= RoomBytes ? Errno.None : Shortage;
    }
}
