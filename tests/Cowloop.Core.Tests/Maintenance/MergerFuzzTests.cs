using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>A hostile cowfile is refused before anything changes; or the base becomes what a device of the two would have shown.</summary>
public class MergerFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 2_000;
    private const int SoakCaseCount = 200_000;
    private const long MaxBytes = 6 << 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Any_cowfile_is_refused_or_merged(bool resume) =>
        HostileMemory.ForEach(new FuzzRun(output), CaseCount, SoakCaseCount, file => Check(file, resume));

    private static string Check(HostileFile file, bool resume)
    {
        var memory = new HostileMemory(file);
        if (!memory.Accepts(MaxBytes, () => Prepare(memory, resume)))
        {
            return "refused";
        }
        MemoryFile merged = memory.BaseMemory.Copy();
        AtRest.Merge(new BoundedFile(merged, maxLengthBytes: 0), memory.Store, resume);
        Assert.Null(merged.DifferenceFrom(memory.View()));
        memory.MustBeUnchanged();
        return "merged";
    }

    /// <summary>As cowmerge.</summary>
    private static void Prepare(HostileMemory memory, bool resume)
    {
        CowHeader header = AtRest.HeaderOf(memory.Store);
        CowfileChecks.RequireKnownVersion(header, Disk.Path);
        CowfileChecks.RequireUnpacked(header, Disk.Path);
        CowfileChecks.RequireClean(header, Disk.Path);
        AtRest.Prepare(memory.Base, memory.Store, resume);
    }
}
