using Cowloop.Core;
using Cowloop.Simulation.Disks;
using Cowloop.Simulation.Model;

namespace Cowloop.Simulation.Exploring;

/// <summary>Knows what may be read from one device, and looks whether what a crash left of its files can be recovered and is that.</summary>
/// <param name="geometry">How large everything is.</param>
/// <param name="examiner">Recovers.</param>
/// <param name="model">What may be read.</param>
internal sealed class DeviceCheck(Geometry geometry, Examiner examiner, AllowedContent<ulong> model)
{
    private readonly Dictionary<int, int> _writes = [];
    private readonly Dictionary<int, long> _flushes = [];

    /// <summary>What the files are now.</summary>
    public Phase Phase { get; set; } = new(PhaseKind.AtRest, 0, [], new PhaseTop(1, null));

    /// <summary>Something happens to the device.</summary>
    /// <exception cref="ViolationException">It shows something that it must not.</exception>
    public void Note(DeviceEvent.OfOne what)
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
        }
    }

    /// <summary>Makes ready for the life after this one.</summary>
    public void LosePower() => model.LosePower();

    /// <summary>Looks at what a crash left.</summary>
    /// <param name="replay">Of this life; where the crash is.</param>
    /// <param name="choice">What landed.</param>
    /// <param name="death">Whose death it is.</param>
    /// <returns>How many sectors were compared.</returns>
    /// <exception cref="ViolationException">It is not what it must be.</exception>
    public int Look(DiskReplay replay, ReadOnlySpan<int> choice, Death death)
    {
        var left = new FilesLeft(replay, choice, Phase, death);
        switch (Phase.Kind)
        {
            case PhaseKind.Packed:
                return MustBeRight(examiner.Unpack(left), death);
            case PhaseKind.Merging:
                return MustBeRight(examiner.Resume(left), death);
            case PhaseKind.MergingInto:
                return examiner.MergingInto(left).Sum(outcome => MustBeRight(outcome, death));
            case PhaseKind.MergingLive when left.Below.Count > Phase.LayerIds.Length:
                return examiner.MergingLive(left).Sum(outcome => MustBeRight(outcome, death));
            case PhaseKind.Compacting:
                Outcome[] compacting = examiner.Compacting(left);
                // Below a layer that is dirty nothing is known of it yet.
                return MustBeRightOrRefused(compacting[0], death, Phase.LayerIds.Length > 0 ? [Fault.Dirty] : []) + MustBeRight(compacting[1], death);
            case PhaseKind.Rebasing:
                Outcome[] rebasing = examiner.Rebasing(left);
                return MustBeRightOrOnOtherBase(rebasing[0], death) + MustBeRightOrOnOtherBase(rebasing[1], death) + MustBeRight(rebasing[2], death);
            case PhaseKind.Orphaned:
                return MustBeRefused(examiner.Recover(left));
            default:
                return MustBeRightOrRefused(examiner.Recover(left), death, Phase.IsBeingChangedBelow ? [Fault.Dirty, Fault.OtherParent] : []);
        }
    }

    private int MustBeRight(Outcome outcome, Death death)
    {
        if (outcome.Problem is not null)
        {
            throw new ViolationException($"what is left {outcome.Problem}");
        }
        if (outcome.WasDirty && Phase.Kind == PhaseKind.AtRest)
        {
            throw new ViolationException("the cowfile is dirty, though it was closed");
        }
        MustBeAllowed(outcome.Found, death);
        return outcome.Found.Length;
    }

    private int MustBeRightOrRefused(Outcome outcome, Death death, Fault[] reasons) =>
        outcome.Refusal is Fault reason && reasons.Contains(reason) ? 0 : MustBeRight(outcome, death);

    private int MustBeRightOrOnOtherBase(Outcome outcome, Death death)
    {
        // A plain cowfile has nothing but its fingerprint.
        bool isOtherFingerprint = outcome.Refusal is not null && outcome.Problem!.Contains("not related to rdofile", StringComparison.Ordinal);
        return isOtherFingerprint ? 0 : MustBeRightOrRefused(outcome, death, [Fault.OtherBase, Fault.OtherParent]);
    }

    private static int MustBeRefused(Outcome outcome) => outcome.Refusal == Fault.OtherParent
        ? 0
        : throw new ViolationException($"a cowfile is not refused, though its layer has changed: what is left {outcome.Problem ?? "can be read"}");

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

    /// <summary>
    /// What is found after a loss of power is durable. After the death of the service it may be in the page cache only, as any write before a flush.
    /// </summary>
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
}
