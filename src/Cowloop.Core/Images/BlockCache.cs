using System.Buffers;
using System.Runtime.InteropServices;

namespace Cowloop.Core.Images;

/// <summary>A place in a <see cref="BlockCache"/>. All but <see cref="Errno"/> is the cache's own.</summary>
/// <param name="index">Which place.</param>
internal sealed class CachedBlock(int index)
{
    internal int Index => index;

    /// <summary>The block that it holds; negative when none.</summary>
    internal int Number { get; set; } = -1;

    /// <summary>Threads that have it in use: it keeps its block.</summary>
    internal int UserCount { get; set; }

    internal bool IsFilling { get; set; }

    /// <summary>Used since the cache last looked for a place.</summary>
    internal bool IsRecent { get; set; }

    /// <summary>What came of filling it.</summary>
    public Errno Errno { get; set; }
}

/// <summary>
/// The blocks of an image that were used last, decompressed: as many as fit into a fixed length of memory. A block is filled by one thread, the first that
/// wants it, and others that want it wait for that one; different blocks are filled at the same time. The lock guards the table alone: no thread holds
/// it while it reads, decompresses or copies.
/// </summary>
/// <remarks>Which block goes is decided by a clock: the first one behind the hand that nobody has used since the hand was there last.</remarks>
internal sealed class BlockCache : IDisposable
{
    private readonly object _gate = new();
    private readonly Dictionary<int, CachedBlock> _blocks = [];
    private readonly CachedBlock?[] _places;
    private readonly IMemoryOwner<ulong> _memory;
    private readonly int _blockBytes;
    private int _hand;
    private int _waiterCount;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="blockBytes">Length of a block, a multiple of 8.</param>
    /// <param name="blockCount">So many are cached at most.</param>
    /// <param name="allocateWords">Gives the memory, of which nothing is touched before it is needed.</param>
    public BlockCache(int blockBytes, int blockCount, Func<int, IMemoryOwner<ulong>> allocateWords)
    {
        _blockBytes = blockBytes;
        _places = new CachedBlock?[blockCount];
        _memory = allocateWords(blockBytes / sizeof(ulong) * blockCount);
    }

    /// <summary>So many blocks are cached at most.</summary>
    public int Capacity => _places.Length;

    /// <summary>The content of a block in use.</summary>
    public Span<byte> Content(CachedBlock block) =>
        MemoryMarshal.AsBytes(_memory.Memory.Span).Slice(block.Index * _blockBytes, _blockBytes);

    /// <summary>Takes a block in use, which ends with <see cref="Leave"/>. Waits while another thread fills it, or while all places are in use.</summary>
    /// <param name="number">Which block.</param>
    /// <param name="mustFill">True: the caller must fill it, whatever happens, and say so with <see cref="Complete"/>.</param>
    public CachedBlock Enter(int number, out bool mustFill)
    {
        lock (_gate)
        {
            while (true)
            {
                if (_blocks.TryGetValue(number, out CachedBlock? found))
                {
                    found.UserCount++;
                    found.IsRecent = true;
                    while (found.IsFilling)
                    {
                        Wait();
                    }
                    mustFill = false;
                    return found;
                }
                if (TryPlace(number) is CachedBlock placed)
                {
                    mustFill = true;
                    return placed;
                }
                Wait();
            }
        }
    }

    /// <summary>Takes a block in use to fill it, as <see cref="Enter"/> does, but only one that is not there, and without waiting.</summary>
    public CachedBlock? TryEnterMissing(int number)
    {
        lock (_gate)
        {
            return _blocks.ContainsKey(number) ? null : TryPlace(number);
        }
    }

    /// <summary>Says what came of filling a block.</summary>
    /// <param name="block">The block, still in use by the caller.</param>
    /// <param name="errno">The result, which all who wait for it get.</param>
    /// <param name="isKept">False: who comes later tries again.</param>
    public void Complete(CachedBlock block, Errno errno, bool isKept)
    {
        lock (_gate)
        {
            block.Errno = errno;
            block.IsFilling = false;
            if (!isKept)
            {
                _blocks.Remove(block.Number);
                block.Number = -1;
            }
            WakeWaiters();
        }
    }

    /// <summary>Ends the caller's use of a block.</summary>
    public void Leave(CachedBlock block)
    {
        lock (_gate)
        {
            if (--block.UserCount == 0)
            {
                WakeWaiters();
            }
        }
    }

    /// <summary>Gives the memory back; nobody may use a block any more.</summary>
    public void Dispose() => _memory.Dispose();

    /// <summary>Finds a place for a block that is not there, marked as being filled by the caller; null when all are in use.</summary>
    private CachedBlock? TryPlace(int number)
    {
        // One round takes the marks of recent use away, the next finds what nobody uses now.
        for (int step = 0; step < 2 * _places.Length; step++)
        {
            CachedBlock place = _places[_hand] ??= new CachedBlock(_hand);
            _hand = (_hand + 1) % _places.Length;
            if (place.UserCount > 0)
            {
                continue;
            }
            if (place.Number >= 0)
            {
                if (place.IsRecent)
                {
                    place.IsRecent = false;
                    continue;
                }
                _blocks.Remove(place.Number);
            }
            place.Number = number;
            place.UserCount = 1;
            place.IsFilling = true;
            place.IsRecent = true;
            _blocks.Add(number, place);
            return place;
        }
        return null;
    }

    private void Wait()
    {
        _waiterCount++;
        Monitor.Wait(_gate);
        _waiterCount--;
    }

    private void WakeWaiters()
    {
        if (_waiterCount > 0)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
