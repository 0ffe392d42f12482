using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>The files of a device as a crash leaves them. Each call makes new ones, which the caller may change.</summary>
/// <param name="replay">Of a life; where the crash is.</param>
/// <param name="choice">What landed.</param>
/// <param name="phase">What the files are.</param>
/// <param name="death">Whose death it is.</param>
internal readonly ref struct FilesLeft(DiskReplay replay, ReadOnlySpan<int> choice, Phase phase, Death death)
{
    private readonly DiskReplay _replay = replay;
    private readonly ReadOnlySpan<int> _choice = choice;
    private readonly Phase _phase = phase;
    private readonly Death _death = death;

    /// <summary>The base and the layers on it, bottom to top.</summary>
    public List<MemoryFile> Below()
    {
        var layers = new List<MemoryFile>();
        foreach (int id in _phase.LayerIds)
        {
            layers.Add(Find(id));
        }
        if (IsExchanged())
        {
            layers.Add(Find(_phase.Top.CowfileId));
        }
        // Only a merge changes the base.
        MemoryFile baseFile = _phase.Kind == PhaseKind.Merging ? Find(_phase.BaseId) : Settled(_phase.BaseId);
        return [baseFile, .. _phase.Kind == PhaseKind.MergingLive ? Recovery.LayersOf(Cowfile(), layers) : layers];
    }

    /// <summary>The cowfile on them.</summary>
    public MemoryFile Cowfile() => Find(Top().CowfileId);

    /// <summary>Its live bits; null when there are none any more.</summary>
    public MemoryFile? Kept() => _death == Death.Service && Top().LiveId is int id ? Find(id) : null;

    /// <summary>The base that a rebase goes to; nothing changes that.</summary>
    public MemoryFile NextBase() => Settled(_phase.NextBaseId!.Value);

    private PhaseTop Top() => IsExchanged() ? _phase.Next! : _phase.Top;

    /// <summary>What decides whether there is a new cowfile on top.</summary>
    private bool IsExchanged() => _phase.Next is not null && Recovery.IsSealed(Find(_phase.Top.CowfileId));

    private MemoryFile Settled(int id) => (MemoryFile)_replay.File(id).Settled;

    private MemoryFile Find(int id) => Life.Found(_replay, id, _choice);
}
