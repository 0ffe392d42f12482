namespace Cowloop.Core.Format;

/// <summary>The layer that a cowfile lies on.</summary>
/// <param name="Id">Which cowfile it is; empty for a plain one, which does not say: then only the fingerprint of what lies below tells.</param>
/// <param name="Generation">Its generation: with another one it holds something else.</param>
/// <param name="Path">Where it was: relative to the directory of the upper one, or absolute; empty when that did not fit.</param>
public readonly record struct ParentLink(Guid Id, ulong Generation, string Path)
{
    /// <summary>True when this is the layer that was meant, wherever it lies by now.</summary>
    public bool IsSameAs(ParentLink other) => Id == other.Id && Generation == other.Generation;
}
