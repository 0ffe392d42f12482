using Cowloop.Core.Format;

namespace Cowloop.Core.Layers;

/// <summary>Decides whether a cowfile lies on the layer that it was made on, as it was then.</summary>
public static class Parentage
{
    /// <summary>Verifies what is said of the parent in the record of a cowfile. A plain one says nothing: its fingerprint must do.</summary>
    /// <param name="upper">The record, or null.</param>
    /// <param name="upperName">The cowfile, for messages.</param>
    /// <param name="lower">The layer that it is to lie on; null for the base.</param>
    /// <exception cref="CowloopException">It was made on something else, or that has changed.</exception>
    public static void Require(ExtensionRecord? upper, string upperName, Layer? lower)
    {
        if (lower?.Record?.Merged is { IsComplete: false } merging && !IsSource(upper, merging))
        {
            throw Interrupted(lower.Name);
        }
        if (upper is null)
        {
            return;
        }
        if (upper.Parent is not ParentLink parent)
        {
            if (lower is not null)
            {
                throw Refused(
                    $"cowfile {upperName} lies on its base directly, not on layer {lower.Name}",
                    "name the layers from bottom to top, each behind the one that it was made on");
            }
            return;
        }
        if (lower is null)
        {
            throw Refused(
                $"cowfile {upperName} lies on layer {Describe(parent)}, which is not there",
                "name its layers, from bottom to top, before it");
        }
        ParentLink found = lower.ToLink(parent.Path);
        if (found.Id != parent.Id)
        {
            throw Refused(
                $"cowfile {upperName} lies on layer {Describe(parent)}, not on {lower.Name}",
                "name the layers from bottom to top, each behind the one that it was made on");
        }
        if (found.Generation != parent.Generation && !IsMerged(upper, parent, lower))
        {
            throw Refused(
                $"layer {lower.Name} has changed since {upperName} was made on it: it has generation {found.Generation} instead of {parent.Generation}",
                "bring the unchanged layer back from a copy");
        }
    }

    /// <summary>Refuses to make a new cowfile on a layer, or to show one, that is neither old nor new.</summary>
    /// <exception cref="CowloopException">A merge into it was interrupted.</exception>
    public static void RequireWhole(Layer? lower)
    {
        if (lower?.Record?.Merged is { IsComplete: false })
        {
            throw Interrupted(lower.Name);
        }
    }

    /// <summary>How a user can recognise a parent.</summary>
    public static string Describe(ParentLink parent) => parent.Path.Length > 0 ? $"{parent.Path} ({parent.Id})" : $"{parent.Id}";

    private static bool IsMerged(ExtensionRecord upper, ParentLink parent, Layer lower) =>
        lower.Record?.Merged is MergedLayer merged && merged.FormerGeneration == parent.Generation && IsSource(upper, merged);

    private static bool IsSource(ExtensionRecord? upper, MergedLayer merged) =>
        upper is not null && merged.IsSource(upper);

    private static CowloopException Interrupted(string name) => Refused(
        $"a merge into layer {name} was interrupted: it holds only a part of what was merged",
        "finish it: run the same cowloop merge again; until then use it only below the layer that is merged");

    private static CowloopException Refused(string reason, string hint) => new(Errno.EINVAL, reason, hint) { Fault = Fault.OtherParent };
}
