using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Exploring;

/// <summary>What became of files that a crash left.</summary>
/// <param name="Problem">What is wrong with them, or null.</param>
/// <param name="WasDirty">The cowfile needed recovery.</param>
/// <param name="Found">The stamps of all units; empty if there is a problem.</param>
internal sealed record Outcome(string? Problem, bool WasDirty, ulong[] Found);

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
        Examine(1, [.. below, cowfile, .. kept is null ? Array.Empty<MemoryFile>() : [kept]], () => DoRecover(below, cowfile, kept));

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

    private Outcome Examine(uint what, IReadOnlyList<MemoryFile> files, Func<Outcome> examine)
    {
        UInt128 key = what;
        foreach (MemoryFile file in files)
        {
            key = key * 31 + file.ContentHash();
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
            return new Outcome($"is refused: {exception.Message}", false, []);
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

    private ulong[] Look(IReadOnlyList<IBlockFile> below, IBlockFile cowfile, IBlockFile? kept)
    {
        BaseImage image = Recovery.OpenBelow(below[0], [.. below.Skip(1)]);
        using var overlay = new Overlay(image.File, Recovery.Open(image, cowfile, number: 0, kept), UnsettledFile.SectorBytes);
        return DeviceView.Of(overlay.Read, geometry);
    }
}
