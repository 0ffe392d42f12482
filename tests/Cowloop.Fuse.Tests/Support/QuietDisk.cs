using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A disk in memory that keeps no record and allocates nothing.</summary>
internal sealed class QuietDisk(int lengthBytes) : IBlockDevice
{
    private readonly byte[] _content = new byte[lengthBytes];

    public DeviceInfo Info => new(_content.Length, 512);

    public Errno Read(long offsetBytes, Span<byte> target)
    {
        _content.AsSpan((int)offsetBytes, target.Length).CopyTo(target);
        return Errno.None;
    }

    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua)
    {
        source.CopyTo(_content.AsSpan((int)offsetBytes));
        return Errno.None;
    }

    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua)
    {
        _content.AsSpan((int)offsetBytes, (int)lengthBytes).Clear();
        return Errno.None;
    }

    public Errno Flush() => Errno.None;
}
