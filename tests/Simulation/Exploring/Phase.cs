namespace Cowloop.Simulation.Exploring;

/// <summary>What the files are at a time, and so what must be true of them if everything ended now.</summary>
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
}

/// <param name="Kind">What the files are.</param>
/// <param name="BaseId">Which file is the base.</param>
/// <param name="LayerIds">Which ones are the layers on it, bottom to top.</param>
/// <param name="Top">What takes the changes, or the packed one.</param>
/// <param name="Next">What takes the changes as soon as the other one is sealed; null when that is not just being done.</param>
internal sealed record Phase(PhaseKind Kind, int BaseId, int[] LayerIds, PhaseTop Top, PhaseTop? Next)
{
    public override string ToString() =>
        $"{Kind}, base is file {BaseId}, layers are files [{string.Join(", ", LayerIds)}], on top is {Top}{(Next is null ? "" : $", and next {Next}")}";
}

/// <param name="CowfileId">Which file is the cowfile.</param>
/// <param name="LiveId">Which one has its live bits; or null.</param>
internal sealed record PhaseTop(int CowfileId, int? LiveId)
{
    public override string ToString() => $"file {CowfileId}{(LiveId is null ? "" : $" with live bits in file {LiveId}")}";
}
