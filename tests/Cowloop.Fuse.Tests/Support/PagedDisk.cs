using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Linux;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A file as a disk, which counts the ways in which it is read.</summary>
internal sealed class PagedDisk(PosixFile file, Errno readToResult = Errno.None) : IBlockDevice, IDisposable
{
    private int _memoryCount;
    private int _pagesCount;

    public DeviceInfo Info { get; } = new(file.LengthBytes, 512);

    /// <summary>Reads into memory, and reads to somewhere else.</summary>
    public (int Memory, int Pages) Counts => (_memoryCount, _pagesCount);

    public Errno Read(long offsetBytes, Span<byte> target)
    {
        Interlocked.Increment(ref _memoryCount);
        return file.ReadAt(offsetBytes, target);
    }

    public Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        Interlocked.Increment(ref _pagesCount);
        return readToResult == Errno.None ? target.Take(file, offsetBytes, lengthBytes) : readToResult;
    }

    public Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua) => Errno.EROFS;

    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua) => Errno.EROFS;

    public Errno Flush() => Errno.None;

    public void Dispose() => file.Dispose();
}
