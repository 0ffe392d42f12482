using Cowloop.Core;
using Cowloop.Linux;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A file of random bytes as a disk in a mounted tree, and reads of it.</summary>
internal sealed class PagedRead : IDisposable
{
    public const int LengthBytes = 2 << 20;
    public const int LargeBytes = 256 << 10;

    private readonly TempDirectory _directory = new();
    private readonly SmallPool _pool = new(minWorkers: 1, maxWorkers: 1);
    private readonly SafeFileHandle _file;

    public PagedRead(Errno readToResult = Errno.None)
    {
        new Random(1).NextBytes(Content);
        File.WriteAllBytes(Path, Content);
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(Path, out PosixFile? file));
        Disk = new PagedDisk(file!, readToResult);
        _pool.Tree.Add("disk", new DiskFile(Disk, new SharedWorkers(8)));
        _file = _pool.Open("disk");
    }

    public byte[] Content { get; } = new byte[LengthBytes];

    public PagedDisk Disk { get; }

    public string Path => _directory["disk.img"];

    /// <summary>Everything, in requests of a size.</summary>
    public byte[] All(int requestBytes)
    {
        byte[] read = new byte[LengthBytes];
        for (int done = 0; done < read.Length; done += requestBytes)
        {
            Assert.Equal(requestBytes, RandomAccess.Read(_file, read.AsSpan(done, requestBytes), done));
        }
        return read;
    }

    /// <summary>One large request.</summary>
    public byte[] At(int offsetBytes)
    {
        byte[] read = new byte[LargeBytes];
        return read[..RandomAccess.Read(_file, read, offsetBytes)];
    }

    /// <summary>Large requests, one after the other.</summary>
    public void Into(byte[] target, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            _ = RandomAccess.Read(_file, target, round % (LengthBytes / LargeBytes) * LargeBytes);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _pool.Dispose();
        Disk.Dispose();
        _directory.Dispose();
        Assert.Empty(_pool.Log);
    }
}
