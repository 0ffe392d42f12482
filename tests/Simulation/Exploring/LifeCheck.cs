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
internal sealed class LifeCheck(Geometry geometry, Examiner examiner, Tally tally)
{
    private const int ShownEvents = 30;

    private readonly List<DeviceCheck> _devices = [new DeviceCheck(geometry, examiner, new AllowedContent<ulong>(geometry.BaseStamps()))];

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
    public void LosePower() => _devices.ForEach(device => device.LosePower());

    /// <summary>Between syncs there is only more that may be found; and more must be found when something has been acknowledged.</summary>
    private static bool MakesADifference(LogEvent happened) => happened is LogEvent.Change
        or LogEvent.Mark { What: DeviceEvent.WriteEnded or DeviceEvent.FlushEnded or DeviceEvent.Recovered or DeviceEvent.PhasesBegan };

    private void Note(DeviceEvent what)
    {
        switch (what)
        {
            case DeviceEvent.OfOne one:
                _devices[one.Device].Note(one);
                break;
            case DeviceEvent.DeviceAdded added:
                _devices.Add(new DeviceCheck(geometry, examiner, new AllowedContent<ulong>(added.Content)));
                break;
            case DeviceEvent.PhasesBegan begun:
                for (int device = 0; device < begun.Phases.Length; device++)
                {
                    _devices[device].Phase = begun.Phases[device];
                }
                break;
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
        int sectorCount = 0;
        for (int device = 0; device < _devices.Count; device++)
        {
            try
            {
                sectorCount += _devices[device].Look(replay, choice, death);
            }
            catch (ViolationException violation)
            {
                throw new ViolationException($"device {device}: {violation.Message}\n  death of the {death}, landed: {string.Join(' ', choice.ToArray())}");
            }
        }
        tally.CountCrash(sectorCount);
    }
}
