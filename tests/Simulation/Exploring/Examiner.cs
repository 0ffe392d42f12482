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
/// Recovers what a crash left and looks at it. The same files always give the same, and crashes often leave the same, so everything is done once only, on
/// copies. Safe for concurrent use.
/// </summary>
internal sealed class Examiner(Geometry geometry)
{
    private readonly ConcurrentDictionary<UInt128, Outcome[]> _known = new();

    /// <summary>Recovers a device, and sees to it that another recovery would change nothing.</summary>
    /// <param name="left">Its files.</param>
    public Outcome Recover(FilesLeft left) => Recover(left.Below, left.Cowfile, left.Kept);

    /// <summary>Unpacks a packed cowfile and looks at the device then.</summary>
    /// <param name="left">The base, and the packed file.</param>
    public Outcome Unpack(FilesLeft left) => Examine(2, left.All, () =>
    {
        MemoryFile cowfile = geometry.NewCowfile();
        Recovery.Unpack(left.Cowfile, cowfile);
        return Recover(left.Below, cowfile, kept: null);
    })[0];

    /// <summary>Finishes a merge and looks at the base then.</summary>
    /// <param name="left">The base, and the cowfile.</param>
    public Outcome Resume(FilesLeft left) => Examine(3, left.All, () =>
    {
        MemoryFile baseFile = left.Below[0].Copy();
        Recovery.Merge(baseFile, left.Cowfile, resume: true);
        return new Outcome(null, false, DeviceView.Of(baseFile.ReadAt, geometry));
    })[0];

    /// <summary>Recovers a device whose cowfile was just being merged into the topmost layer; and finishes the merge.</summary>
    /// <param name="left">Its files.</param>
    /// <returns>What is found when it is recovered, and when the merge is finished: the same with the cowfile as without it.</returns>
    public Outcome[] MergingInto(FilesLeft left) => Examine(4, left.All, () => Recover(left), () =>
    {
        List<MemoryFile> below = Copy(left.Below);
        MemoryFile cowfile = left.Cowfile.Copy();
        _ = Recovery.MergeInto(cowfile, below[^1]);
        Outcome without = Recover(below, geometry.NewCowfile(), kept: null);
        Outcome with = Recover(below, cowfile, kept: null);
        return with.Problem is not null || with.Found.AsSpan().SequenceEqual(without.Found)
            ? with
            : throw new ViolationException($"is merged into a layer, but that {without.Problem ?? "reads as something else"}");
    });

    /// <summary>Recovers a device whose topmost layer was just being merged into the one below it; then does that, and closes it.</summary>
    /// <param name="left">Its files.</param>
    /// <returns>What is found when it is recovered, and when it is activated again on the layers that are left.</returns>
    public Outcome[] MergingLive(FilesLeft left) => Examine(5, left.All, () => Recover(left), () =>
    {
        List<MemoryFile> below = Copy(left.Below);
        MemoryFile cowfile = left.Cowfile.Copy();
        BaseImage image = OpenBelow(below);
        using (var device = new StackDevice(new Overlay(image.File, Recovery.Open(image, cowfile, number: 0, left.Kept), UnsettledFile.SectorBytes)))
        {
            device.Release(Recovery.MergeLive(device, (LayerStack)image.File).Release);
            device.Close().MustBeNone();
        }
        return Recover([.. below.SkipLast(1)], cowfile, kept: null);
    });

    /// <summary>Recovers a device whose cowfile or layers were just being compacted; and compacts them once more.</summary>
    /// <param name="left">Its files.</param>
    /// <returns>What is found when it is recovered, and when it is compacted.</returns>
    public Outcome[] Compacting(FilesLeft left) => Examine(6, left.All, () => Recover(left), () =>
    {
        List<MemoryFile> below = Copy(left.Below);
        MemoryFile cowfile = left.Cowfile.Copy();
        Recovery.Compact(below[0], below[0].Inode, [.. below.Skip(1), cowfile]);
        return Recover(below, cowfile, kept: null);
    });

    /// <summary>Recovers a device that was on its way to another base, on the one and on the other; and finishes that.</summary>
    /// <param name="left">Its files.</param>
    /// <returns>What is found on the old base and its layers, on the new base, and on the new base when it is finished.</returns>
    public Outcome[] Rebasing(FilesLeft left)
    {
        MemoryFile[] onNew = [left.NextBase!];
        return Examine(7, left.All, () => Recover(left), () => Recover(onNew, left.Cowfile, kept: null), () =>
        {
            MemoryFile cowfile = left.Cowfile.Copy();
            Recovery.Rebase(cowfile, OpenBelow(left.Below), OpenBelow(onNew));
            return Recover(onNew, cowfile, kept: null);
        });
    }

    private static BaseImage OpenBelow(IReadOnlyList<MemoryFile> below) => Recovery.OpenBelow(below[0], below[0].Inode, [.. below.Skip(1)]);

    private static List<MemoryFile> Copy(IReadOnlyList<MemoryFile> files) => [.. files.Select(file => file.Copy())];

    /// <param name="below">The base and the layers on it, bottom to top; only read.</param>
    /// <param name="cowfile">The cowfile; only read.</param>
    /// <param name="kept">The live bits of a killed service; or null.</param>
    private Outcome Recover(IReadOnlyList<MemoryFile> below, MemoryFile cowfile, MemoryFile? kept)
    {
        IEnumerable<MemoryFile> files = [.. below, cowfile];
        return Examine(1, kept is null ? files : files.Append(kept), () => DoRecover(below, cowfile.Copy(), kept?.Copy()))[0];
    }

    private Outcome[] Examine(uint what, IEnumerable<MemoryFile> files, params ReadOnlySpan<Func<Outcome>> examinations)
    {
        UInt128 key = what;
        foreach (MemoryFile file in files)
        {
            key = key * 31 + file.ContentHash() + (uint)file.Inode;
        }
        if (!_known.TryGetValue(key, out Outcome[]? outcomes))
        {
            outcomes = new Outcome[examinations.Length];
            for (int index = 0; index < outcomes.Length; index++)
            {
                outcomes[index] = Guarded(examinations[index]);
            }
            _known.TryAdd(key, outcomes);
        }
        return outcomes;
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
        bool isSameBoot = kept is not null;
        bool wasDirty = IsDirty(cowfile);
        MemoryFile repaired = cowfile.Copy();
        ulong[] found = Look(below, cowfile, kept);
        if (wasDirty)
        {
            Recovery.Repair(repaired, kept);
            if (Difference(repaired, cowfile, isSameBoot) is not null)
            {
                // An activation may have put right, too, what the header says of what lies below.
                _ = Look(below, repaired, null);
            }
            if (Difference(repaired, cowfile, isSameBoot) is string difference)
            {
                throw new ViolationException($"is recovered by cowrepair in another way than by an activation: {difference}");
            }
        }

        IReadOnlyList<Problem> problems = Checker.Run(
            new CheckedFile(Stores.View(cowfile, isSameBoot), Recovery.CowfileName),
            below.Count == 1 ? new CheckedFile(below[0], Recovery.BaseName) : null,
            NobodyWatches.Instance);
        if (problems.Count > 0)
        {
            throw new ViolationException($"is recovered, but the checker says: {problems[0].Text}");
        }
        UInt128 recovered = Stores.PlainCopy(cowfile, isSameBoot).ContentHash();
        Recovery.Repair(cowfile, kept);
        if (Stores.PlainCopy(cowfile, isSameBoot).ContentHash() != recovered)
        {
            throw new ViolationException("is changed by a second repair");
        }
        return Look(below, cowfile, kept).AsSpan().SequenceEqual(found)
            ? new Outcome(null, wasDirty, found)
            : throw new ViolationException("is something else when it is opened again");
    }

    private static string? Difference(MemoryFile found, MemoryFile expected, bool isSameBoot) =>
        Stores.PlainCopy(found, isSameBoot).DifferenceFrom(Stores.PlainCopy(expected, isSameBoot));

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
