using System.Buffers;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Finds the blocks in which two views differ: images, or bases seen through layers. Where it is known which layers the two do not have in common, only
/// the blocks of those are looked at.
/// </summary>
public sealed class ViewComparison : IDisposable
{
    private readonly BlockComparer _comparer;
    private readonly LayerMap? _mayDiffer;
    private readonly long _commonBlockCount;
    private readonly long _blockCount;

    private ViewComparison(BlockComparer comparer, long commonBlockCount, long blockCount, LayerMap? mayDiffer)
    {
        _comparer = comparer;
        _commonBlockCount = commonBlockCount;
        _blockCount = blockCount;
        _mayDiffer = mayDiffer;
    }

    /// <summary>Blocks that are going to be compared: what the observer is told adds up to them.</summary>
    public long ComparedBlockCount { get; private init; }

    /// <summary>Prepares a comparison.</summary>
    /// <param name="one">The one view; not owned.</param>
    /// <param name="other">The other view; not owned.</param>
    /// <param name="mayDiffer">
    /// The layers of either that are not the very same file, at the same height, in the other; null when the two have nothing in common that is known.
    /// </param>
    /// <param name="allocateZeroedWords">Memory, as for <see cref="Devices.Bitmap"/>.</param>
    /// <exception cref="CowloopException">A bitmap can't be read.</exception>
    public static ViewComparison Prepare(
        CheckedFile one,
        CheckedFile other,
        IReadOnlyList<Layer>? mayDiffer,
        Func<int, IMemoryOwner<ulong>> allocateZeroedWords)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        long shorterBytes = Math.Min(one.LengthBytes, other.LengthBytes);
        long longerBytes = Math.Max(one.LengthBytes, other.LengthBytes);
        long blockCount = BlocksOf(longerBytes);
        // What lies behind the end of one of them differs, whatever it is.
        long commonBlockCount = shorterBytes == longerBytes ? blockCount : shorterBytes / CowLayout.BlockSize;
        var comparer = new BlockComparer(WholeBlocks(one), 0, WholeBlocks(other), 0);
        if (mayDiffer is null)
        {
            return new ViewComparison(comparer, commonBlockCount, blockCount, null) { ComparedBlockCount = commonBlockCount };
        }
        long mapBlockCount = Math.Max(1, blockCount);
        foreach (Layer layer in mayDiffer)
        {
            mapBlockCount = Math.Max(mapBlockCount, layer.Layout.BlockCount);
        }
        var map = new LayerMap(mapBlockCount, Math.Max(1, mayDiffer.Count), allocateZeroedWords);
        try
        {
            foreach (Layer layer in mayDiffer)
            {
                map.Add(layer.ReadBitmap());
            }
            long comparedBlockCount = 0;
            foreach (BlockRun run in Candidates(map, commonBlockCount))
            {
                comparedBlockCount += run.BlockCount;
            }
            return new ViewComparison(comparer, commonBlockCount, blockCount, map) { ComparedBlockCount = comparedBlockCount };
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Yields the blocks that differ, in ascending order; adjacent ones together. The last block of a view may be there in part.</summary>
    /// <exception cref="CowloopException">A view can't be read.</exception>
    public IEnumerable<BlockRun> Differences(IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("comparing", ComparedBlockCount * CowLayout.BlockSize);
        BlockRun pending = default;
        foreach (BlockRun run in Different(observer))
        {
            if (pending.BlockCount > 0 && pending.EndBlock == run.FirstBlock)
            {
                pending = pending with { BlockCount = pending.BlockCount + run.BlockCount };
                continue;
            }
            if (pending.BlockCount > 0)
            {
                yield return pending;
            }
            pending = run;
        }
        if (pending.BlockCount > 0)
        {
            yield return pending;
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _mayDiffer?.Dispose();

    private static long BlocksOf(long lengthBytes) => (lengthBytes + CowLayout.BlockSize - 1) / CowLayout.BlockSize;

    /// <summary>What is missing of a last block reads as zeros.</summary>
    private static CheckedFile WholeBlocks(CheckedFile view) =>
        new(GrownFile.AtLeast(view.File, BlocksOf(view.LengthBytes) * CowLayout.BlockSize), view.Name);

    private static IEnumerable<BlockRun> Candidates(LayerMap? map, long blockCount)
    {
        if (map is null)
        {
            if (blockCount > 0)
            {
                yield return new BlockRun(0, blockCount);
            }
            yield break;
        }
        for (long block = 0; block < blockCount;)
        {
            if (map.FindOwner(block, blockCount - block, out long count) > 0)
            {
                yield return new BlockRun(block, count);
            }
            block += count;
        }
    }

    private IEnumerable<BlockRun> Different(IWorkObserver observer)
    {
        foreach (BlockRun candidate in Candidates(_mayDiffer, _commonBlockCount))
        {
            foreach (ComparedRun compared in _comparer.Compare(candidate, observer))
            {
                if (!compared.IsEqual)
                {
                    yield return compared.Run;
                }
            }
        }
        if (_commonBlockCount < _blockCount)
        {
            yield return new BlockRun(_commonBlockCount, _blockCount - _commonBlockCount);
        }
    }
}
