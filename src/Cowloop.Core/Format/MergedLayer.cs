namespace Cowloop.Core.Format;

/// <summary>
/// The layer whose blocks have been written into this one, or are just being: as long as it lies on top, what is read is the same before, during and
/// after that, so it alone may go on naming the former generation.
/// </summary>
/// <param name="Id">Which cowfile it is.</param>
/// <param name="Generation">Its generation then.</param>
/// <param name="FormerGeneration">The generation of this layer before; it is the parent that the other one names.</param>
/// <param name="IsComplete">False: only a part of the blocks is there yet, so without the other layer on top this one is neither old nor new.</param>
public readonly record struct MergedLayer(Guid Id, ulong Generation, ulong FormerGeneration, bool IsComplete)
{
    /// <summary>
    /// True for the other layer: as it was, or with more in it. What it held then it holds still, or it is the same here.
    /// </summary>
    /// <param name="record">The record of a cowfile.</param>
    public bool IsSource(ExtensionRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record.Id == Id && record.Generation >= Generation;
    }
}
