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
/// <param name="CowfileId">Which one is the cowfile, or the packed one.</param>
/// <param name="LiveId">Which one has the live bits; or null.</param>
internal sealed record Phase(PhaseKind Kind, int BaseId, int CowfileId, int? LiveId)
{
    public override string ToString() => $"{Kind}, base is file {BaseId}, cowfile is file {CowfileId}{(LiveId is null ? "" : $", live bits are file {LiveId}")}";
}
