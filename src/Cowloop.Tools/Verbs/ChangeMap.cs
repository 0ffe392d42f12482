using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Tools.Verbs;

/// <summary>A device cut into cells, and how much of each has been changed.</summary>
internal sealed class ChangeMap
{
    private const int MaxCells = 8 * 64;

    private readonly long[] _usedBlocks;

    public ChangeMap(CowLayout layout)
    {
        BlockCount = layout.BlockCount;
        BlocksPerCell = Math.Max(1, (layout.BlockCount + MaxCells - 1) / MaxCells);
        _usedBlocks = new long[(layout.BlockCount + BlocksPerCell - 1) / BlocksPerCell];
    }

    /// <summary>Blocks of the device.</summary>
    public long BlockCount { get; }

    /// <summary>Blocks of a cell; the last one may have fewer.</summary>
    public long BlocksPerCell { get; }

    /// <summary>Number of cells.</summary>
    public int CellCount => _usedBlocks.Length;

    /// <summary>Changed blocks.</summary>
    public long UsedBlocks { get; private set; }

    /// <summary>Runs of changed blocks.</summary>
    public long RunCount { get; private set; }

    /// <summary>Adds a run; what lies behind the device's end is counted in no cell.</summary>
    public void Add(BlockRun run)
    {
        UsedBlocks += run.BlockCount;
        RunCount++;
        for (long block = run.FirstBlock; block < Math.Min(run.EndBlock, BlockCount);)
        {
            long cell = block / BlocksPerCell;
            long end = Math.Min(Math.Min(run.EndBlock, BlockCount), (cell + 1) * BlocksPerCell);
            _usedBlocks[cell] += end - block;
            block = end;
        }
    }

    /// <summary>How much of a cell has been changed: 0 to 1.</summary>
    public double Fill(int cell) => (double)_usedBlocks[cell] / Math.Min(BlocksPerCell, BlockCount - cell * BlocksPerCell);
}
