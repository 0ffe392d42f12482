namespace Cowloop.Simulation.Exploring;

/// <summary>What the files of a device are at a time, and so what must be true of them if everything ended now.</summary>
internal enum PhaseKind
{
    /// <summary>The device is active, or was and died, or is being recovered.</summary>
    InUse,
    /// <summary>The cowfile is at rest: clean without any repair.</summary>
    AtRest,
    /// <summary>The packed file is all there is.</summary>
    Packed,
    /// <summary>The cowfile is on its way into the base.</summary>
    Merging,
    /// <summary>The cowfile is on its way into the topmost layer.</summary>
    MergingInto,
    /// <summary>The topmost layer is on its way into the one below it, while the device is in use.</summary>
    MergingLive,
    /// <summary>The cowfile, or a layer, is being compacted.</summary>
    Compacting,
    /// <summary>The cowfile is on its way to another base.</summary>
    Rebasing,
    /// <summary>Something else was merged into one of its layers: it must be refused.</summary>
    Orphaned,
}

/// <param name="Kind">What the files are.</param>
/// <param name="BaseId">Which file is the base.</param>
/// <param name="LayerIds">Which ones are the layers on it, bottom to top.</param>
/// <param name="Top">What takes the changes, or the packed one.</param>
internal sealed record Phase(PhaseKind Kind, int BaseId, int[] LayerIds, PhaseTop Top)
{
    /// <summary>What takes the changes as soon as the other one is sealed; null when that is not just being done.</summary>
    public PhaseTop? Next { get; init; }

    /// <summary>The base that a rebase goes to.</summary>
    public int? NextBaseId { get; init; }

    /// <summary>True while a layer is being changed on behalf of somebody else: the device may be refused for that, but not misread.</summary>
    public bool IsBeingChangedBelow { get; init; }

    public override string ToString() =>
        $"{Kind}, base is file {BaseId}{(NextBaseId is null ? "" : $" and will be file {NextBaseId}")}, layers are files [{string.Join(", ", LayerIds)}]"
        + $"{(IsBeingChangedBelow ? ", which change" : "")}, on top is {Top}{(Next is null ? "" : $", and next {Next}")}";
}

/// <param name="CowfileId">Which file is the cowfile.</param>
/// <param name="LiveId">Which one has its live bits; or null.</param>
internal sealed record PhaseTop(int CowfileId, int? LiveId)
{
    public override string ToString() => $"file {CowfileId}{(LiveId is null ? "" : $" with live bits in file {LiveId}")}";
}
