using System.Buffers;
using System.Numerics;
using Cowloop.Core.Devices;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Layers;

/// <summary>
/// Which layer a block comes from, for all layers of a stack at once. One look finds the owner of a block and how far it goes, whether there is one
/// layer or the most there can be.
/// </summary>
/// <remarks>
/// The owner of a block is a number: 0 is what lies below all layers, n the n-th layer from the bottom. It is stored in bit planes: plane p holds bit p of
/// the owners of 64 blocks in one word, and the words of all planes for the same 64 blocks lie side by side. So a block costs as many bits as the number of
/// layers has digits: 1 bit with one layer, 2 up to 3, 3 up to 7, 6 bits with 32, where 32 bitmaps would cost 32. For 1 TiB that is 128 MiB times the digits
/// when every page of the device is in some layer, and nothing for pages without: words that were never written cost no memory.
/// </remarks>
internal sealed class LayerMap : IDisposable
{
    private const int BitsPerWord = Bitmap.BitsPerWord;

    private readonly IMemoryOwner<ulong>? _memory;
    private readonly Memory<ulong> _words;
    private readonly int _planeCount;
    private int _layerCount;

    /// <summary>Makes a map without layers.</summary>
    /// <param name="blockCount">Blocks of the device.</param>
    /// <param name="maxLayerCount">How many layers it has room for; at least 1.</param>
    /// <param name="allocateZeroedWords">Gives zeroed memory, as for <see cref="Bitmap"/>.</param>
    public LayerMap(long blockCount, int maxLayerCount, Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        _planeCount = BitOperations.Log2((uint)maxLayerCount) + 1;
        int wordCount = checked((int)((blockCount + BitsPerWord - 1) / BitsPerWord) * _planeCount);
        _memory = allocateZeroedWords(wordCount);
        _words = _memory.Memory[..wordCount];
    }

    /// <summary>Makes the map of one layer of its bitmap as it is, without a copy.</summary>
    /// <param name="bitmap">The bitmap; must live, and not change, as long as the map is used.</param>
    public LayerMap(Bitmap bitmap)
    {
        _words = bitmap.LiveWords;
        _planeCount = 1;
        _layerCount = 1;
    }

    /// <summary>Puts a layer on top: what it holds it takes away from those below. Nobody uses the map meanwhile.</summary>
    /// <param name="bitmap">The layer's bitmap in pieces; it does not reach beyond the device.</param>
    public void Add(IEnumerable<BitmapWords> bitmap)
    {
        _layerCount++;
        foreach ((long firstBlock, ReadOnlyMemory<ulong> words) in bitmap)
        {
            Add((int)(firstBlock / BitsPerWord), words.Span);
        }
    }

    /// <summary>Finds the owner of a block, and how many blocks from there on it owns.</summary>
    /// <param name="block">First block.</param>
    /// <param name="maxCount">The answer is at most this; at least 1.</param>
    /// <param name="count">Number of blocks in the run, 1..<paramref name="maxCount"/>.</param>
    /// <returns>0 for what lies below all layers, n for the n-th layer from the bottom.</returns>
    public int FindOwner(long block, long maxCount, out long count)
    {
        ReadOnlySpan<ulong> words = _words.Span;
        int index = (int)(block / BitsPerWord) * _planeCount;
        int bit = (int)(block % BitsPerWord);
        int owner = 0;
        for (int plane = 0; plane < _planeCount; plane++)
        {
            owner |= (int)(words[index + plane] >> bit & 1) << plane;
        }
        ulong others = OthersThan(owner, words.Slice(index, _planeCount)) >> bit;
        count = others == 0 ? BitsPerWord - bit : BitOperations.TrailingZeroCount(others);
        while (others == 0 && count < maxCount)
        {
            index += _planeCount;
            others = OthersThan(owner, words.Slice(index, _planeCount));
            count += others == 0 ? BitsPerWord : BitOperations.TrailingZeroCount(others);
        }
        count = Math.Min(count, maxCount);
        return owner;
    }

    /// <summary>Gives the memory back, unless it is a bitmap's. No other call may be running or follow.</summary>
    public void Dispose() => _memory?.Dispose();

    /// <summary>The blocks of a word that have another owner, a bit each.</summary>
    private static ulong OthersThan(int owner, ReadOnlySpan<ulong> planes)
    {
        ulong others = 0;
        for (int plane = 0; plane < planes.Length; plane++)
        {
            others |= planes[plane] ^ (ulong)-(owner >> plane & 1);
        }
        return others;
    }

    private void Add(int firstWord, ReadOnlySpan<ulong> bitmap)
    {
        for (int word = 0; word < bitmap.Length; word++)
        {
            ulong taken = bitmap[word];
            if (taken == 0)
            {
                continue;
            }
            Span<ulong> group = _words.Span.Slice((firstWord + word) * _planeCount, _planeCount);
            for (int plane = 0; plane < _planeCount; plane++)
            {
                ulong value = (_layerCount >> plane & 1) != 0 ? group[plane] | taken : group[plane] & ~taken;
                // What stays zero costs no memory.
                if (value != group[plane])
                {
                    group[plane] = value;
                }
            }
        }
    }
}
