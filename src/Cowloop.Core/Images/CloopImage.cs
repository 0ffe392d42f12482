using System.Buffers;
using Cowloop.Core.Files;

namespace Cowloop.Core.Images;

/// <summary>
/// A cloop image seen as the read-only file that was compressed. Blocks are decompressed by the threads that read them and kept in a bounded
/// cache, so one object should serve all who read the same image. A damaged block is <see cref="Errno.EIO"/> for reads that touch it.
/// </summary>
public sealed class CloopImage : ReadOnlyFile
{
    /// <summary>Memory for decompressed blocks; see docs/decisions/0013-cloop-bases.md for its size.</summary>
    public const int CacheBytes = 16 << 20;

    /// <summary>How far read-ahead goes, as far as a quarter of the cache reaches.</summary>
    private const int WindowBytes = 2 << 20;
    private const int MaxHelpers = 4;

    private readonly IBlockFile _file;
    private readonly CloopIndex _index;
    private readonly BlockCache _cache;
    private readonly ReadAhead? _readAhead;

    private CloopImage(IBlockFile file, CloopIndex index, Func<int, IMemoryOwner<ulong>> allocateWords, Action<Action>? schedule)
    {
        _file = file;
        _index = index;
        int capacity = CacheBytes / index.BlockBytes;
        _cache = new BlockCache(index.BlockBytes, Math.Min(capacity, index.BlockCount), allocateWords);
        if (schedule is not null)
        {
            int window = Math.Clamp(WindowBytes / index.BlockBytes, 1, Math.Max(1, _cache.Capacity / 4));
            var limits = new ReadAheadLimits(index.BlockBytes, index.BlockCount, window, Math.Min(Environment.ProcessorCount, MaxHelpers));
            _readAhead = new ReadAhead(limits, LoadAhead, schedule);
        }
    }

    /// <inheritdoc/>
    public override long LengthBytes => _index.LengthBytes;

    /// <summary>Opens a file that is a cloop image, as <see cref="CloopIndex.IsCloop"/> tells.</summary>
    /// <param name="file">The file; owned by the image from then on.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="allocateWords">Gives memory for the cache, ideally such as is not taken before it is touched.</param>
    /// <param name="schedule">Has an action run on another thread soon; null: nothing is read ahead.</param>
    /// <exception cref="CowloopException">It can't be used; it still belongs to the caller.</exception>
    public static CloopImage Open(IBlockFile file, string name, Func<int, IMemoryOwner<ulong>> allocateWords, Action<Action>? schedule)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(allocateWords);
        return new CloopImage(file, CloopIndex.Read(file, name), allocateWords, schedule);
    }

    /// <inheritdoc/>
    public override Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes < 0 || offsetBytes > LengthBytes - target.Length)
        {
            return Errno.EIO;
        }
        if (!target.IsEmpty)
        {
            _readAhead?.Note(offsetBytes, target.Length);
        }
        while (!target.IsEmpty)
        {
            int start = (int)(offsetBytes % _index.BlockBytes);
            Span<byte> part = target[..Math.Min(target.Length, _index.BlockBytes - start)];
            Errno errno = ReadPart((int)(offsetBytes / _index.BlockBytes), start, part);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += part.Length;
            target = target[part.Length..];
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public override Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = offsetBytes;
        endBytes = Math.Max(offsetBytes, LengthBytes);
        return Errno.None;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _readAhead?.Dispose();
        _cache.Dispose();
        _file.Dispose();
    }

    private Errno ReadPart(int number, int start, Span<byte> target)
    {
        CachedBlock block = _cache.Enter(number, out bool mustFill);
        try
        {
            if (mustFill)
            {
                Fill(number, block);
            }
            if (block.Errno == Errno.None)
            {
                _cache.Content(block).Slice(start, target.Length).CopyTo(target);
            }
            return block.Errno;
        }
        finally
        {
            _cache.Leave(block);
        }
    }

    private void LoadAhead(int number)
    {
        if (_cache.TryEnterMissing(number) is not CachedBlock block)
        {
            return;
        }
        try
        {
            Fill(number, block);
        }
        finally
        {
            _cache.Leave(block);
        }
    }

    private void Fill(int number, CachedBlock block)
    {
        Errno errno = Errno.EIO;
        bool isFinal = false;
        try
        {
            (long offsetBytes, int lengthBytes) = _index.Find(number);
            errno = CloopBlock.Read(_file, offsetBytes, lengthBytes, _cache.Content(block), out isFinal);
        }
        finally
        {
            _cache.Complete(block, errno, isKept: isFinal);
        }
    }
}
