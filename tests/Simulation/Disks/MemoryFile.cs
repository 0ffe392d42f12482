using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>
/// A sparse file in memory that behaves like one on a filesystem: holes, space that can run out, partly done writes. It survives
/// <see cref="Dispose"/>, so that a test can open it again.
/// </summary>
public sealed class MemoryFile : IBlockFile
{
    /// <summary>Block size of the filesystem, unless another one is asked for.</summary>
    public const int PageSize = 4096;

    // Calls of a test seldom meet; a dictionary with one lock is cheap to make.
    private readonly ConcurrentDictionary<long, byte[]> _pages = new(concurrencyLevel: 1, capacity: 16);
    private readonly int _pageBytes;
    private readonly Lock _lengthLock = new();
    private long _lengthBytes;
    private int _pageCount;

    /// <summary>Makes an empty file.</summary>
    /// <param name="pageBytes">Block size of its filesystem: the unit of holes.</param>
    public MemoryFile(int pageBytes = PageSize) => _pageBytes = pageBytes;

    public MemoryFile(ReadOnlySpan<byte> content)
        : this() => WriteAt(0, content).MustBeNone();

    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <summary>Which file it is, whatever it holds; what a crash leaves of it is the same file.</summary>
    public int Inode { get; init; }

    /// <summary>Space of the filesystem it is on.</summary>
    public long SpaceLimitBytes { get; set; } = long.MaxValue;

    public long UsedBytes => (long)Volatile.Read(ref _pageCount) * _pageBytes;

    public bool CanPunch { get; set; } = true;

    public bool CanAllocate { get; set; } = true;

    public int DisposeCount { get; private set; }

    public Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes + target.Length > LengthBytes)
        {
            return Errno.EIO;
        }
        while (!target.IsEmpty)
        {
            int within = (int)(offsetBytes % _pageBytes);
            int length = Math.Min(target.Length, _pageBytes - within);
            if (_pages.TryGetValue(offsetBytes / _pageBytes, out byte[]? page))
            {
                page.AsSpan(within, length).CopyTo(target);
            }
            else
            {
                target[..length].Clear();
            }
            offsetBytes += length;
            target = target[length..];
        }
        return Errno.None;
    }

    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            int within = (int)(offsetBytes % _pageBytes);
            int length = Math.Min(source.Length, _pageBytes - within);
            byte[]? page = TakePage(offsetBytes / _pageBytes);
            if (page is null)
            {
                return Errno.ENOSPC;
            }
            source[..length].CopyTo(page.AsSpan(within));
            offsetBytes += length;
            source = source[length..];
            RaiseLength(offsetBytes);
        }
        return Errno.None;
    }

    public Errno Punch(long offsetBytes, long lengthBytes)
    {
        if (!CanPunch)
        {
            return Errno.EOPNOTSUPP;
        }
        long end = offsetBytes + lengthBytes;
        foreach (long index in PagesBetween(offsetBytes, end))
        {
            long start = index * _pageBytes;
            if (offsetBytes <= start && start + _pageBytes <= end)
            {
                DropPage(index);
            }
            else if (_pages.TryGetValue(index, out byte[]? page))
            {
                int from = (int)Math.Max(0, offsetBytes - start);
                int to = (int)Math.Min(_pageBytes, end - start);
                page.AsSpan(from, to - from).Clear();
            }
        }
        return Errno.None;
    }

    public Errno SetLength(long lengthBytes)
    {
        lock (_lengthLock)
        {
            if (lengthBytes < _lengthBytes)
            {
                bool canPunch = CanPunch;
                CanPunch = true;
                Punch(lengthBytes, (_lengthBytes - lengthBytes + _pageBytes) / _pageBytes * _pageBytes);
                CanPunch = canPunch;
            }
            Volatile.Write(ref _lengthBytes, lengthBytes);
        }
        return Errno.None;
    }

    public Errno Allocate(long offsetBytes, long lengthBytes)
    {
        if (!CanAllocate)
        {
            return Errno.EOPNOTSUPP;
        }
        for (long index = offsetBytes / _pageBytes; index * _pageBytes < offsetBytes + lengthBytes; index++)
        {
            if (TakePage(index) is null)
            {
                return Errno.ENOSPC;
            }
        }
        return Errno.None;
    }

    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        long first = offsetBytes / _pageBytes;
        long next = long.MaxValue;
        if (_pages.ContainsKey(first))
        {
            next = first;
        }
        else
        {
            foreach (KeyValuePair<long, byte[]> page in _pages)
            {
                next = page.Key > first ? Math.Min(next, page.Key) : next;
            }
        }
        if (next == long.MaxValue)
        {
            startBytes = endBytes = Math.Max(offsetBytes, LengthBytes);
            return Errno.None;
        }
        startBytes = Math.Max(offsetBytes, next * _pageBytes);
        while (_pages.ContainsKey(next))
        {
            next++;
        }
        endBytes = Math.Max(startBytes, Math.Min(LengthBytes, next * _pageBytes));
        return Errno.None;
    }

    public Errno Sync() => Errno.None;

    public void Dispose() => DisposeCount++;

    public byte[] ToArray()
    {
        byte[] content = new byte[LengthBytes];
        ReadAt(0, content).MustBeNone();
        return content;
    }

    public string Sha256() => Convert.ToHexStringLower(SHA256.HashData(ToArray()));

    /// <summary>The file with the same content and the same holes once more.</summary>
    public MemoryFile Copy()
    {
        var copy = new MemoryFile(_pageBytes)
        {
            Inode = Inode,
            CanPunch = CanPunch,
            CanAllocate = CanAllocate,
            _lengthBytes = LengthBytes,
            _pageCount = _pages.Count,
        };
        foreach ((long index, byte[] page) in _pages)
        {
            copy._pages[index] = [.. page];
        }
        return copy;
    }

    /// <summary>
    /// Identifies length, content and holes: two files with the same answer are the same for every practical purpose. Not meant against
    /// an adversary.
    /// </summary>
    public UInt128 ContentHash()
    {
        UInt128 sum = Mix((ulong)LengthBytes, []);
        foreach ((long index, byte[] page) in _pages)
        {
            // Pages come in no order, hence the sum.
            sum += Mix((ulong)index, page);
        }
        return sum;
    }

    /// <summary>Compares length and content, whatever their holes and however long they are.</summary>
    /// <returns>What is different, or null.</returns>
    public string? DifferenceFrom(MemoryFile expected)
    {
        if (LengthBytes != expected.LengthBytes)
        {
            return $"the length is {LengthBytes}, expected is {expected.LengthBytes}";
        }
        byte[] hole = new byte[_pageBytes];
        foreach (long index in _pages.Keys.Union(expected._pages.Keys).Order())
        {
            ReadOnlySpan<byte> found = _pages.GetValueOrDefault(index, hole);
            int same = found.CommonPrefixLength(expected._pages.GetValueOrDefault(index, hole));
            if (same < _pageBytes && index * _pageBytes + same < LengthBytes)
            {
                return $"byte {index * _pageBytes + same} is {found[same]}, expected is {expected._pages.GetValueOrDefault(index, hole)[same]}";
            }
        }
        return null;
    }

    private static UInt128 Mix(ulong seed, ReadOnlySpan<byte> content)
    {
        const ulong First = 0x9E3779B97F4A7C15;
        const ulong Second = 0xC2B2AE3D27D4EB4F;
        ulong low = (seed + 1) * First;
        ulong high = (seed + 1) * Second;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(content))
        {
            low = BitOperations.RotateLeft((low ^ word) * First, 29);
            high = BitOperations.RotateLeft((high ^ word) * Second, 37);
        }
        return new UInt128((high ^ high >> 32) * First, (low ^ low >> 29) * Second);
    }

    private List<long> PagesBetween(long offsetBytes, long endBytes)
    {
        long first = offsetBytes / _pageBytes;
        long last = (endBytes - 1) / _pageBytes;
        var indexes = new List<long>();
        if (last - first > _pages.Count)
        {
            indexes.AddRange(_pages.Keys.Where(index => index >= first && index <= last));
        }
        else
        {
            for (long index = first; index <= last; index++)
            {
                indexes.Add(index);
            }
        }
        return indexes;
    }

    private byte[]? TakePage(long index)
    {
        if (_pages.TryGetValue(index, out byte[]? page))
        {
            return page;
        }
        if ((long)Interlocked.Increment(ref _pageCount) * _pageBytes > SpaceLimitBytes)
        {
            Interlocked.Decrement(ref _pageCount);
            return null;
        }
        byte[] fresh = new byte[_pageBytes];
        page = _pages.GetOrAdd(index, fresh);
        if (!ReferenceEquals(page, fresh))
        {
            Interlocked.Decrement(ref _pageCount);
        }
        return page;
    }

    private void DropPage(long index)
    {
        if (_pages.TryRemove(index, out _))
        {
            Interlocked.Decrement(ref _pageCount);
        }
    }

    private void RaiseLength(long lengthBytes)
    {
        lock (_lengthLock)
        {
            Volatile.Write(ref _lengthBytes, Math.Max(_lengthBytes, lengthBytes));
        }
    }
}
