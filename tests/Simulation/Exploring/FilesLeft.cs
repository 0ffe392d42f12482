using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>The files of a device as a crash leaves them; only read.</summary>
internal sealed class FilesLeft
{
    /// <summary>Makes them.</summary>
    /// <param name="replay">Of a life; where the crash is.</param>
    /// <param name="choice">What landed.</param>
    /// <param name="phase">What the files are.</param>
    /// <param name="death">Whose death it is.</param>
    public FilesLeft(DiskReplay replay, ReadOnlySpan<int> choice, Phase phase, Death death)
    {
        var layers = new List<MemoryFile>();
        foreach (int id in phase.LayerIds)
        {
            layers.Add(Life.Found(replay, id, choice));
        }
        PhaseTop top = phase.Top;
        Cowfile = Life.Found(replay, top.CowfileId, choice);
        if (phase.Next is PhaseTop next)
        {
            MemoryFile nextCowfile = Life.Found(replay, next.CowfileId, choice);
            // The new cowfile may have taken changes before the old one was sealed. They survive the service, and the next one completes the snapshot; power
            // they do not survive.
            if (Recovery.IsSealed(Cowfile) || (death == Death.Service && Recovery.IsLayerOf(Cowfile, nextCowfile)))
            {
                Recovery.SealFormer(Cowfile, top.LiveId is int formerLiveId ? Life.Found(replay, formerLiveId, choice) : null);
                layers.Add(Cowfile);
                top = next;
                Cowfile = nextCowfile;
            }
        }
        // Only a merge changes the base.
        MemoryFile baseFile = phase.Kind == PhaseKind.Merging
            ? Life.Found(replay, phase.BaseId, choice)
            : (MemoryFile)replay.File(phase.BaseId).Settled;
        Below = [baseFile, .. phase.Kind == PhaseKind.MergingLive ? Recovery.LayersOf(Cowfile, layers) : layers];
        Kept = death == Death.Service && top.LiveId is int liveId ? Life.Found(replay, liveId, choice) : null;
        NextBase = phase.NextBaseId is int nextBaseId ? (MemoryFile)replay.File(nextBaseId).Settled : null;
    }

    /// <summary>The base and the layers on it, bottom to top.</summary>
    public IReadOnlyList<MemoryFile> Below { get; }

    /// <summary>The cowfile on them, or the packed file.</summary>
    public MemoryFile Cowfile { get; }

    /// <summary>Its live bits; null when there are none any more.</summary>
    public MemoryFile? Kept { get; }

    /// <summary>The base that a rebase goes to; else null.</summary>
    public MemoryFile? NextBase { get; }

    /// <summary>All of them.</summary>
    public IEnumerable<MemoryFile> All => new[] { Cowfile, Kept, NextBase }.OfType<MemoryFile>().Concat(Below);
}
