using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>
/// Lets a recorded life end at each of its positions, by the death of the service and by losses of power, and looks whether what is left can be
/// recovered and is what it may be.
/// </summary>
/// <param name="geometry">How large everything is.</param>
/// <param name="examiner">Recovers.</param>
/// <param name="tally">Counts.</param>
/// <param name="model">What may be read; at the end of this life what may be read at the start of the next.</param>
internal sealed class LifeCheck(Geometry geometry, Examiner examiner, Tally tally, AllowedContent<ulong> model)
{
    private const int ShownEvents = 30;

    private readonly Dictionary<int, int> _writes = [];
    private readonly Dictionary<int, long> _flushes = [];
    private Phase _phase = new(PhaseKind.AtRest, 0, [], new PhaseTop(1, null), null);

    /// <summary>Goes through a life.</summary>
    /// <param name="life">The life.</param>
    /// <param name="sampling">Which crashes are looked at.</param>
    /// <param name="random">Chooses among them.</param>
    /// <exception cref="ViolationException">Something is found that must not be.</exception>
    public void Run(Life life, Sampling sampling, Random random)
    {
        DiskReplay replay = life.Replay();
        while (replay.Step() is { } happened)
        {
            try
            {
                if (happened is LogEvent.Mark { What: DeviceEvent what })
                {
                    Note(what);
                }
                if (replay.Position > sampling.FirstPosition && MakesADifference(happened) && sampling.Takes(random))
                {
                    Crash(replay, sampling, random);
                }
            }
            catch (ViolationException violation)
            {
                throw new ViolationException($"{violation.Message}\n{EventsBefore(life, replay.Position)}");
            }
        }
    }

    private static string EventsBefore(Life life, int position)
    {
        var lines = new List<string>();
        for (int index = Math.Max(0, position - ShownEvents); index < position; index++)
        {
            lines.Add($"    {index} {life.Log[index]}");
        }
        return string.Join('\n', lines);
    }

    /// <summary>Makes ready for the life after this one.</summary>
    public void LosePower() => model.LosePower();

    /// <summary>Between syncs there is only more that may be found; and more must be found when something has been acknowledged.</summary>
    private static bool MakesADifference(LogEvent happened) => happened is LogEvent.Change
        or LogEvent.Mark { What: DeviceEvent.WriteEnded or DeviceEvent.FlushEnded or DeviceEvent.Recovered or DeviceEvent.PhaseBegan };

    private void Note(DeviceEvent what)
    {
        switch (what)
        {
            case DeviceEvent.WriteBegan write:
                _writes.Add(write.Id, model.BeginWrite(write.FirstUnit, write.Stamps));
                break;
            case DeviceEvent.WriteEnded write:
                model.EndWrite(_writes[write.Id], isAcknowledged: true, write.IsDurable);
                break;
            case DeviceEvent.FlushBegan flush:
                _flushes.Add(flush.Id, model.BeginFlush());
                break;
            case DeviceEvent.FlushEnded flush:
                model.EndFlush(_flushes[flush.Id]);
                break;
            case DeviceEvent.Seen seen:
                MustBeAllowed(seen.Found, Death.Service);
                break;
            case DeviceEvent.Recovered recovered:
                MustBeAllowed(recovered.Found, recovered.Death);
                TakeOver(recovered);
                break;
            case DeviceEvent.PhaseBegan begun:
                _phase = begun.Phase;
                break;
        }
    }

    /// <summary>What is found after a loss of power is durable. After the death of the service it may be in the page cache only, as any write before a flush.</summary>
    private void TakeOver(DeviceEvent.Recovered recovered)
    {
        if (recovered.Death == Death.Power)
        {
            model.Settle(recovered.Found);
        }
        else
        {
            model.Write(0, recovered.Found, isAcknowledged: true);
        }
    }

    private void Crash(DiskReplay replay, Sampling sampling, Random random)
    {
        int[] options = replay.Options();
        tally.CountPosition();
        foreach (int[] choice in CrashChoices.Of(options, sampling.MaxChoices, random))
        {
            Look(replay, choice, Death.Power);
        }
        int[] everything = [.. options.Select(count => count - 1)];
        Look(replay, everything, Death.Service);
    }

    private void Look(DiskReplay replay, ReadOnlySpan<int> choice, Death death)
    {
        // Only a merge changes the base, and nothing a layer.
        MemoryFile baseFile = _phase.Kind == PhaseKind.Merging
            ? Life.Found(replay, _phase.BaseId, choice)
            : (MemoryFile)replay.File(_phase.BaseId).Settled;
        List<MemoryFile> below = [baseFile];
        foreach (int layerId in _phase.LayerIds)
        {
            below.Add(Life.Found(replay, layerId, choice));
        }
        PhaseTop top = _phase.Top;
        MemoryFile cowfile = Life.Found(replay, top.CowfileId, choice);
        if (_phase.Next is PhaseTop next && Recovery.IsSealed(cowfile))
        {
            below.Add(cowfile);
            top = next;
            cowfile = Life.Found(replay, top.CowfileId, choice);
        }
        MemoryFile? kept = death == Death.Service && top.LiveId is int liveId ? Life.Found(replay, liveId, choice) : null;
        Outcome outcome = _phase.Kind switch
        {
            PhaseKind.Packed => examiner.Unpack(below, cowfile),
            PhaseKind.Merging => examiner.Resume(baseFile, cowfile),
            _ => examiner.Recover(below, cowfile, kept),
        };
        tally.CountCrash(outcome.Found.Length);
        try
        {
            Judge(outcome, death);
        }
        catch (ViolationException violation)
        {
            throw new ViolationException($"{violation.Message}\n  death of the {death}, landed: {string.Join(' ', choice.ToArray())}");
        }
    }

    private void Judge(Outcome outcome, Death death)
    {
        if (outcome.Problem is not null)
        {
            throw new ViolationException($"what is left {outcome.Problem}");
        }
        if (outcome.WasDirty && _phase.Kind == PhaseKind.AtRest)
        {
            throw new ViolationException("the cowfile is dirty, though it was closed");
        }
        MustBeAllowed(outcome.Found, death);
    }

    private void MustBeAllowed(ulong[] found, Death death)
    {
        int unit = model.FirstForbidden(found, death);
        if (unit >= 0)
        {
            IEnumerable<string> allowed = model.AllowedValues(unit, death).Select(Geometry.Describe);
            throw new ViolationException(
                $"sector {geometry.SectorOf(unit)} (unit {unit}) reads as {Geometry.Describe(found[unit])}; allowed is {string.Join(", or ", allowed)}");
        }
    }
}
