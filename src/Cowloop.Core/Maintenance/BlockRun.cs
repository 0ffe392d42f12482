namespace Cowloop.Core.Maintenance;

/// <summary>Adjacent blocks.</summary>
/// <param name="FirstBlock">Number of the first one.</param>
/// <param name="BlockCount">How many; at least 1.</param>
public readonly record struct BlockRun(long FirstBlock, long BlockCount)
{
    /// <summary>Number of the block behind the last one.</summary>
    public long EndBlock => FirstBlock + BlockCount;
}
