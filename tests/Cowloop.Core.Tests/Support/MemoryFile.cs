using System.Collections.Concurrent;
using System.Security.Cryptography;
using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>
/// A sparse file in memory that behaves like one on a filesystem with 4 KiB blocks: holes, space that can run out,
/// partly done writes. It survives <see cref="Dispose"/>, so that a test can open it again.
/// </summary>
internal sealed class MemoryFile : IBlockFile
{
    public const int PageSize = 4096;

    private readonly ConcurrentDictionary<long, byte[]> _pages = new();
    private readonly Lock _lengthLock = new();
    private long _lengthBytes;
    private int _pageCount;

    public MemoryFile()
    {
    }

    public MemoryFile(ReadOnlySpan<byte> content)
    {
        Assert.Equal(Errno.None, WriteAt(0, content));
    }

    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    /// <summary>Space of the filesystem it is on.</summary>
    public long SpaceLimitBytes { get; set; } = long.MaxValue;

    public long UsedBytes => (long)Volatile.Read(ref _pageCount) * PageSize;

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
            int within = (int)(offsetBytes % PageSize);
            int length = Math.Min(target.Length, PageSize - within);
            if (_pages.TryGetValue(offsetBytes / PageSize, out byte[]? page))
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
            int within = (int)(offsetBytes % PageSize);
            int length = Math.Min(source.Length, PageSize - within);
            byte[]? page = TakePage(offsetBytes / PageSize);
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
            long start = index * PageSize;
            if (offsetBytes <= start && start + PageSize <= end)
            {
                DropPage(index);
            }
            else if (_pages.TryGetValue(index, out byte[]? page))
            {
                int from = (int)Math.Max(0, offsetBytes - start);
                int to = (int)Math.Min(PageSize, end - start);
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
                Punch(lengthBytes, (_lengthBytes - lengthBytes + PageSize) / PageSize * PageSize);
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
        for (long index = offsetBytes / PageSize; index * PageSize < offsetBytes + lengthBytes; index++)
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
        long first = offsetBytes / PageSize;
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
        startBytes = Math.Max(offsetBytes, next * PageSize);
        while (_pages.ContainsKey(next))
        {
            next++;
        }
        endBytes = Math.Max(startBytes, Math.Min(LengthBytes, next * PageSize));
        return Errno.None;
    }

    public Errno Sync() => Errno.None;

    public void Dispose() => DisposeCount++;

    public byte[] ToArray()
    {
        byte[] content = new byte[LengthBytes];
        Assert.Equal(Errno.None, ReadAt(0, content));
        return content;
    }

    public string Sha256() => Convert.ToHexStringLower(SHA256.HashData(ToArray()));

    /// <summary>Another file of the same content, with the same holes.</summary>
    public MemoryFile Copy()
    {
        var copy = new MemoryFile { CanPunch = CanPunch, CanAllocate = CanAllocate, _lengthBytes = LengthBytes, _pageCount = _pages.Count };
        foreach ((long index, byte[] page) in _pages)
        {
            copy._pages[index] = [.. page];
        }
        return copy;
    }

    /// <summary>Compares length and content, whatever their holes and however long they are.</summary>
    /// <returns>What is different, or null.</returns>
    public string? DifferenceFrom(MemoryFile expected)
    {
        if (LengthBytes != expected.LengthBytes)
        {
            return $"the length is {LengthBytes}, expected is {expected.LengthBytes}";
        }
        byte[] hole = new byte[PageSize];
        foreach (long index in _pages.Keys.Union(expected._pages.Keys).Order())
        {
            ReadOnlySpan<byte> found = _pages.GetValueOrDefault(index, hole);
            int same = found.CommonPrefixLength(expected._pages.GetValueOrDefault(index, hole));
            if (same < PageSize && index * PageSize + same < LengthBytes)
            {
                return $"byte {index * PageSize + same} is {found[same]}, expected is {expected._pages.GetValueOrDefault(index, hole)[same]}";
            }
        }
        return null;
    }

    private List<long> PagesBetween(long offsetBytes, long endBytes)
    {
        long first = offsetBytes / PageSize;
        long last = (endBytes - 1) / PageSize;
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
        if ((long)Interlocked.Increment(ref _pageCount) * PageSize > SpaceLimitBytes)
        {
            Interlocked.Decrement(ref _pageCount);
            return null;
        }
        byte[] fresh = new byte[PageSize];
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
