using BenchmarkDotNet.Attributes;
using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Simulation.Disks;

namespace Cowloop.Benchmarks;

#pragma warning disable CA1001 // The harness calls Close.
/// <summary>What a request goes through between the transport and the files. The files are in memory, so that nothing but our own code is measured.</summary>
public class HotPaths
#pragma warning restore CA1001
{
    private const int RequestBytes = 4096;
    private const int DeviceBytes = 64 << 20;
    private const int ChunkBytes = 64 << 10;

    private readonly byte[] _buffer = new byte[RequestBytes];
    private readonly StackDevice _classic = new(Open(new MemoryFile()));
    private readonly CompactFile _store = NewStore();

    // Where the data of a device starts in what a store shows.
    private readonly long _dataOffsetBytes = new CowLayout(DeviceBytes / CowLayout.BlockSize).DataOffsetBytes;

    private long _offsetBytes;

    /// <summary>Half of each device is written: what lies behind comes from the base.</summary>
    [GlobalSetup]
    public void Fill()
    {
        Check(_store.SetLength(_dataOffsetBytes + DeviceBytes));
        for (long offset = 0; offset < DeviceBytes / 2; offset += RequestBytes)
        {
            Check(_classic.Write(offset, _buffer, fua: false));
            Check(_store.WriteAt(_dataOffsetBytes + offset, _buffer));
        }
        // What fails is fast.
        Func<Errno>[] paths = [ReadBase, ReadCowfile, Rewrite, Discard, FlushClean, ReadCompact, RewriteCompact];
        Array.ForEach(paths, path => Check(path()));
    }

    [GlobalCleanup]
    public void Close()
    {
        _classic.Dispose();
        _store.Dispose();
    }

    [Benchmark]
    public Errno ReadBase() => _classic.Read((DeviceBytes / 2) + Next(), _buffer);

    [Benchmark]
    public Errno ReadCowfile() => _classic.Read(Next(), _buffer);

    [Benchmark]
    public Errno Rewrite() => _classic.Write(Next(), _buffer, fua: false);

    [Benchmark]
    public Errno Discard() => _classic.Zero(Next(), RequestBytes, mayUnmap: true, fua: false);

    [Benchmark]
    public Errno FlushClean() => _classic.Flush();

    [Benchmark]
    public Errno ReadCompact() => _store.ReadAt(_dataOffsetBytes + Next(), _buffer);

    [Benchmark]
    public Errno RewriteCompact() => _store.WriteAt(_dataOffsetBytes + Next(), _buffer);

    private static Overlay Open(MemoryFile cowfile)
    {
        var baseFile = new MemoryFile();
        Check(baseFile.SetLength(DeviceBytes));
        var image = new BaseImage(baseFile, "base");
        var options = new CowfileOptions { AllocateZeroedWords = HeapWords.Allocate, NewId = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) };
        return new Overlay(baseFile, Cowfile.Open(cowfile, "cowfile", image, options), 512);
    }

    private static CompactFile NewStore()
    {
        var store = new MemoryFile();
        var id = new Guid(11, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1);
        CompactFile.Format(store, "store", id, ChunkBytes, new CowLayout(DeviceBytes / CowLayout.BlockSize));
        return CompactFile.Open(store, "store", new CompactOptions { AllocateZeroedWords = HeapWords.Allocate, BootId = id });
    }

    private static void Check(Errno errno)
    {
        if (errno != Errno.None)
        {
            throw new InvalidOperationException(errno.Text());
        }
    }

    private long Next() => _offsetBytes = (_offsetBytes + RequestBytes) % (DeviceBytes / 2);
}
