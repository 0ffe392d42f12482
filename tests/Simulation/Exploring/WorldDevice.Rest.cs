using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

internal sealed partial class WorldDevice
{
    /// <summary><c>cowrepair</c></summary>
    public void Repair()
    {
        if (Stores.View(_cowfile.Memory).LengthBytes == 0)
        {
            return;
        }
        Try("repair", () => Recovery.Repair(_cowfile.File, _live?.File));
        _live = null;
        BeRecovered(() =>
        {
            BaseImage below = Recovery.OpenBelow(_base.Memory, _base.Memory.Inode, [.. _layers.Select(layer => layer.Memory)]);
            Cowfile cowfile = Recovery.Open(below, _cowfile.Memory.Copy(), number: 0, kept: null);
            using var overlay = new Overlay(below.File, cowfile, UnsettledFile.SectorBytes);
            return DeviceView.Of(overlay.Read, _disk.Geometry);
        });
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>Packs the cowfile and unpacks it again.</summary>
    public void Pack()
    {
        if (!CloseFor() || _layers.Count > 0)
        {
            return;
        }
        WorldFile packed = NewFile(FileRole.Packed, Geometry.NewFile());
        Try("pack", () => Recovery.Pack(_cowfile.File, packed.File));
        // The tools give a finished file its name; until then nobody knows of it.
        EnterPhase(PhaseOf(PhaseKind.Packed) with { Top = new PhaseTop(packed.Id, LiveId: null) });
        WorldFile unpacked = NewFile(FileRole.Cowfile, _disk.Geometry.NewCowfile());
        Try("unpack", () => Recovery.Unpack(packed.File, unpacked.File));
        _cowfile = unpacked;
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>Merges the cowfile into the base; then a new cowfile is used.</summary>
    public void Merge()
    {
        if (!CloseFor() || _layers.Count > 0)
        {
            return;
        }
        EnterPhase(PhaseKind.Merging);
        Try("merge", () => Recovery.Merge(_base.File, _cowfile.File, resume: false));
        _cowfile = NewFile(FileRole.Cowfile, _disk.Geometry.NewCowfile());
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>Merges the cowfile into the topmost layer.</summary>
    public void MergeInto()
    {
        if (!CloseFor() || _layers.Count == 0)
        {
            return;
        }
        MergeLayers(PhaseKind.MergingInto, _cowfile, _layers[^1], () => Recovery.MergeInto(_cowfile.File, _layers[^1].File));
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>Compacts the layers, and then the cowfile.</summary>
    public void Compact()
    {
        if (!CloseFor() || IsPlain())
        {
            return;
        }
        List<WorldDevice> others = CloseOthersOn(_layers);
        SetChanging(others, isChanging: true);
        EnterPhase(PhaseKind.Compacting);
        Try("compact", () => Recovery.Compact(_base.File, _base.Memory.Inode, [.. _layers.Select(layer => layer.File), _cowfile.File]));
        SetChanging(others, isChanging: false);
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>Puts the cowfile on a new base.</summary>
    public void Rebase()
    {
        if (!CloseFor() || IsPlain())
        {
            return;
        }
        WorldFile next = _disk.NewBase();
        EnterPhase(PhaseOf(PhaseKind.Rebasing) with { NextBaseId = next.Id });
        IBlockFile[] layers = [.. _layers.Select(layer => layer.File)];
        Try("rebase", () => Recovery.Rebase(
            _cowfile.File,
            Recovery.OpenBelow(_base.File, _base.Memory.Inode, layers),
            Recovery.OpenBelow(next.File, next.Memory.Inode, [])));
        _base = next;
        _layers.Clear();
        EnterPhase(PhaseKind.AtRest);
    }

    /// <summary>True for one that has been packed: afterwards it would be of the original's kind, of which nothing is promised after a crash.</summary>
    private bool IsPlain() => Recovery.RecordOf(_cowfile.Memory) is null;

    /// <summary>Closes or recovers the cowfile.</summary>
    /// <returns>False when there is none.</returns>
    private bool CloseFor()
    {
        if (_death is not null)
        {
            Repair();
        }
        Deactivate();
        return Stores.View(_cowfile.Memory).LengthBytes > 0;
    }
}
