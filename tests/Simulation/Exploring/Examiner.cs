using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>What became of files that a crash left.</summary>
/// <param name="Problem">What is wrong with them, or null.</param>
/// <param name="WasDirty">The cowfile needed recovery.</param>
/// <param name="Found">The stamps of all units; empty if there is a problem.</param>
/// <param name="Refusal">What kind of problem it is when they are refused; else null.</param>
internal sealed record Outcome(string? Problem, bool WasDirty, ulong[] Found, Fault? Refusal = null);

/// <summary>
/// Recovers what a crash left and looks at it. The same files always give the same, and crashes often leave the same, so everything is done once only.
/// Safe for concurrent use.
/// </summary>
internal sealed class Examiner(Geometry geometry)
{
    private readonly ConcurrentDictionary<UInt128, Outcome> _known = new();

    /// <summary>Recovers a device, and sees to it that another recovery would change nothing.</summary>
    /// <param name="below">The base and the layers on it, bottom to top; only read.</param>
    /// <param name="cowfile">The cowfile; changed.</param>
    /// <param name="kept">The live bits of a killed service; or null.</param>
    public Outcome Recover(IReadOnlyList<MemoryFile> below, MemoryFile cowfile, MemoryFile? kept) =>
        Examine(1, WithKept([.. below, cowfile], kept), () => DoRecover(below, cowfile, kept));

    /// <summary>Unpacks a packed cowfile and looks at the device then.</summary>
    public Outcome Unpack(IReadOnlyList<MemoryFile> below, MemoryFile packed) => Examine(2, [.. below, packed], () =>
    {
        MemoryFile cowfile = Geometry.NewFile();
        Recovery.Unpack(packed, cowfile);
        return DoRecover(below, cowfile, null);
    });

    /// <summary>Finishes a merge and looks at the base then.</summary>
    /// <param name="baseFile">The base; changed.</param>
    /// <param name="cowfile">The cowfile; only read.</param>
    public Outcome Resume(MemoryFile baseFile, MemoryFile cowfile) => Examine(3, [baseFile, cowfile], () =>
    {
        Recovery.Merge(baseFile, cowfile, resume: true);
        return new Outcome(null, false, DeviceView.Of(baseFile.ReadAt, geometry));
    });

    /// <summary>Finishes a merge into the topmost layer, and looks at the device then, and also at what it is without the cowfile.</summary>
    /// <param name="below">The base and the layers on it, bottom to top; the last one is changed.</param>
    /// <param name="cowfile">The cowfile; changed.</param>
    public Outcome FinishMergeInto(IReadOnlyList<MemoryFile> below, MemoryFile cowfile) => Examine(4, [.. below, cowfile], () =>
    {
        _ = Recovery.MergeInto(cowfile, below[^1]);
        Outcome without = DoRecover(below, Geometry.NewFile(), null);
        Outcome with = DoRecover(below, cowfile, null);
        return with.Found.AsSpan().SequenceEqual(without.Found) ? with : throw new ViolationException("is merged into a layer, but that reads as something else");
    });

    /// <summary>Recovers a device, merges its topmost layer into the one below it, closes the device and looks at what it is on the layers that are left.</summary>
    /// <param name="below">The base and the layers on it, bottom to top; changed.</param>
    /// <param name="cowfile">The cowfile; changed.</param>
    /// <param name="kept">The live bits of a killed service; or null.</param>
    public Outcome FinishMergeLive(IReadOnlyList<MemoryFile> below, MemoryFile cowfile, MemoryFile? kept) =>
        Examine(5, WithKept([.. below, cowfile], kept), () =>
        {
            BaseImage image = OpenBelow(below);
            using (var device = new StackDevice(new Overlay(image.File, Recovery.Open(image, cowfile, number: 0, kept), UnsettledFile.SectorBytes)))
            {
                device.Release(Recovery.MergeLive(device, (LayerStack)image.File).Release);
                device.Close().MustBeNone();
            }
            return DoRecover([.. below.SkipLast(1)], cowfile, null);
        });

    /// <summary>Compacts layers and cowfile once more and looks at the device then.</summary>
    /// <param name="below">The base and the layers on it, bottom to top; the layers are changed.</param>
    /// <param name="cowfile">The cowfile; changed.</param>
    public Outcome FinishCompact(IReadOnlyList<MemoryFile> below, MemoryFile cowfile) => Examine(6, [.. below, cowfile], () =>
    {
        Recovery.Compact(below[0], below[0].Inode, [.. below.Skip(1), cowfile]);
        return DoRecover(below, cowfile, null);
    });

    /// <summary>Finishes a rebase and looks at the device then.</summary>
    /// <param name="below">The old base and the layers on it, bottom to top; only read.</param>
    /// <param name="newBase">The new base; only read.</param>
    /// <param name="cowfile">The cowfile; changed.</param>
    public Outcome FinishRebase(IReadOnlyList<MemoryFile> below, MemoryFile newBase, MemoryFile cowfile) => Examine(7, [.. below, newBase, cowfile], () =>
    {
        Recovery.Rebase(cowfile, OpenBelow(below), OpenBelow([newBase]));
        return DoRecover([newBase], cowfile, null);
    });

    private static BaseImage OpenBelow(IReadOnlyList<MemoryFile> below) => Recovery.OpenBelow(below[0], below[0].Inode, [.. below.Skip(1)]);

    private static IReadOnlyList<MemoryFile> WithKept(IReadOnlyList<MemoryFile> files, MemoryFile? kept) => kept is null ? files : [.. files, kept];

    private Outcome Examine(uint what, IReadOnlyList<MemoryFile> files, Func<Outcome> examine)
    {
        UInt128 key = what;
        foreach (MemoryFile file in files)
        {
            key = key * 31 + file.ContentHash() + (uint)file.Inode;
        }
        if (!_known.TryGetValue(key, out Outcome? outcome))
        {
            outcome = Guarded(examine);
            _known.TryAdd(key, outcome);
        }
        return outcome;
    }

    /// <summary>Whatever goes wrong is an outcome.</summary>
    private static Outcome Guarded(Func<Outcome> examine)
    {
        try
        {
            return examine();
        }
        catch (CowloopException exception)
        {
            return new Outcome($"is refused: {exception.Message}", false, [], exception.Fault);
        }
        catch (ViolationException exception)
        {
            return new Outcome(exception.Message, false, []);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return new Outcome($"makes the program crash: {exception}", false, []);
        }
    }

    private Outcome DoRecover(IReadOnlyList<MemoryFile> below, MemoryFile cowfile, MemoryFile? kept)
    {
        bool wasDirty = IsDirty(cowfile);
        MemoryFile repaired = cowfile.Copy();
        ulong[] found = Look(below, cowfile, kept);
        if (wasDirty)
        {
            Recovery.Repair(repaired, kept);
            if (repaired.DifferenceFrom(cowfile) is not null)
            {
                // An activation may have put right, too, what the header says of what lies below.
                _ = Look(below, repaired, null);
            }
            if (repaired.DifferenceFrom(cowfile) is string difference)
            {
                throw new ViolationException($"is recovered by cowrepair in another way than by an activation: {difference}");
            }
        }

        IReadOnlyList<Problem> problems = Checker.Run(
            new CheckedFile(cowfile, Recovery.CowfileName),
            below.Count == 1 ? new CheckedFile(below[0], Recovery.BaseName) : null,
            NobodyWatches.Instance);
        if (problems.Count > 0)
        {
            throw new ViolationException($"is recovered, but the checker says: {problems[0].Text}");
        }
        UInt128 recovered = cowfile.ContentHash();
        Recovery.Repair(cowfile, kept);
        if (cowfile.ContentHash() != recovered)
        {
            throw new ViolationException("is changed by a second repair");
        }
        return Look(below, cowfile, kept).AsSpan().SequenceEqual(found)
            ? new Outcome(null, wasDirty, found)
            : throw new ViolationException("is something else when it is opened again");
    }

    /// <summary>A new file that is not finished has no header yet.</summary>
    private static bool IsDirty(MemoryFile cowfile)
    {
        try
        {
            return Recovery.IsDirty(cowfile);
        }
        catch (CowloopException)
        {
            return false;
        }
    }

    private ulong[] Look(IReadOnlyList<MemoryFile> below, MemoryFile cowfile, MemoryFile? kept)
    {
        BaseImage image = OpenBelow(below);
        using var overlay = new Overlay(image.File, Recovery.Open(image, cowfile, number: 0, kept), UnsettledFile.SectorBytes);
        return DeviceView.Of(overlay.Read, geometry);
    }
}
