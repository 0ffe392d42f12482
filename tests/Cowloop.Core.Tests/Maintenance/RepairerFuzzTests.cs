using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>A hostile cowfile is beyond repair and stays as it is; or it is sound afterwards, and all that had a bit before is unchanged.</summary>
public class RepairerFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 2_000;
    private const int SoakCaseCount = 200_000;
    private const long MaxBytes = 3 << 20;

    [Fact]
    public void Any_cowfile_is_refused_or_repaired() => HostileMemory.ForEach(new FuzzRun(output), CaseCount, SoakCaseCount, Check);

    /// <summary>Once its length, made whole KiB, was beyond every number.</summary>
    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue - 1)]
    [InlineData(long.MaxValue - 1023)]
    public void The_longest_file_there_can_be_is_repaired(long lengthBytes)
    {
        HostileOriginal original = HostileOriginal.All(HostileForm.Cowfile).Single(original => original.Name == "G5 Little64");

        Assert.Equal("corrected", Check(new HostileFile("longest", original, original.Content, lengthBytes)));
    }

    private static string Check(HostileFile file)
    {
        var memory = new HostileMemory(file);
        RepairReport? expected = null;
        if (!memory.Accepts(MaxBytes, () => expected = Repair(memory, modify: false, onCorrection: null)))
        {
            return "refused";
        }
        memory.MustBeUnchanged();

        long corrected = 0;
        RepairReport? report = null;
        Assert.True(memory.Accepts(MaxBytes, () => report = Repair(memory, modify: true, _ => corrected++)));
        Assert.Equal(expected, report);
        Assert.Equal(corrected, report!.Corrections);
        MustBeSound(memory);

        MemoryFile repaired = memory.Memory.Copy();
        RepairReport again = Repair(memory, modify: true, onCorrection: null);
        Assert.Equal(report with { Corrections = 0, RemovedBlocks = 0, HasDamagedRecord = false }, again);
        Assert.Null(memory.Memory.DifferenceFrom(repaired));
        return report.Corrections + report.RemovedBlocks > 0 ? "corrected" : "repaired";
    }

    /// <summary>As cowrepair -f.</summary>
    private static RepairReport Repair(HostileMemory memory, bool modify, Action<long>? onCorrection)
    {
        CowHeader header = AtRest.HeaderOf(memory.Store);
        CowfileChecks.RequireKnownVersion(header, Disk.Path);
        CowfileChecks.RequireUnpacked(header, Disk.Path);
        return Repairer.Run(AtRest.Named(memory.Store), header, new RepairOptions { Modify = modify, OnCorrection = onCorrection }, NobodyWatches.Instance);
    }

    private static void MustBeSound(HostileMemory memory) =>
        Assert.All(
            Checker.Run(AtRest.Named(memory.Store), baseFile: null, NobodyWatches.Instance),
            problem => Assert.Contains("it does no harm", problem.Hint, StringComparison.Ordinal));
}
