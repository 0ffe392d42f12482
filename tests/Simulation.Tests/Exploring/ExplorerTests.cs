using System.Security.Cryptography;
using Cowloop.Simulation.Exploring;
using Xunit.Abstractions;

namespace Cowloop.Simulation.Tests.Exploring;

/// <summary>
/// The search for crashes that lose or spoil something, inside every operation: requests, snapshots, forks and merges of devices in use, and the work
/// on files at rest (repair, pack, merge, compact, rebase), which is finished by the same command. What is found is
/// printed with a test that shows it again; add it to <see cref="KnownStoriesTests"/>. COWLOOP_SOAK=1 goes on with new seeds for an hour.
/// </summary>
public class ExplorerTests(ITestOutputHelper output)
{
    private const int FixedSeed = 1;
    private const long MinListCount = 40_000;
    private const long RandomCrashCount = 60_000;
    private const long NewSeedCrashCount = 10_000;
    private const long TogetherCrashCount = 20_000;

    private static readonly TimeSpan SoakTime = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1" ? TimeSpan.FromHours(1) : TimeSpan.Zero;

    [Fact]
    public void Nothing_is_lost_or_spoilt_whenever_the_power_fails_or_the_service_dies()
    {
        DateTime end = DateTime.UtcNow + SoakTime;
        var explorer = new Explorer();
        try
        {
            MustBeNone(explorer.CheckAll(3));
            MustBeNone(explorer.CheckAll(2, beginning: OperationLists.TwoLayers));
            MustBeNone(explorer.CheckAll(2, liveWriteCount: 0));
            MustBeNone(explorer.CheckAll(2, liveWriteCount: 2));
            MustBeNone(explorer.CheckRandom(FixedSeed, RandomCrashCount));
            MustBeNone(explorer.CheckRandom(NewSeed(), NewSeedCrashCount));
            MustBeNone(explorer.CheckAllTogether(1));
            MustBeNone(explorer.CheckRandomTogether(FixedSeed, TogetherCrashCount));
            MustBeNone(explorer.CheckRandomTogether(NewSeed(), NewSeedCrashCount));
            if (SoakTime > TimeSpan.Zero)
            {
                MustBeNone(explorer.CheckAllTogether(2));
            }
            while (DateTime.UtcNow < end)
            {
                MustBeNone(explorer.CheckRandom(NewSeed(), 5 * RandomCrashCount));
                MustBeNone(explorer.CheckRandomTogether(NewSeed(), RandomCrashCount));
            }
        }
        finally
        {
            Print(explorer.Report);
        }
        Assert.Equal(Enumerable.Range(1, 3).Sum(length => OperationLists.All(length, Geometry.Small, []).LongCount()), explorer.Report.Tallies[0].StoryCount);
        Assert.InRange(explorer.Report.Tallies[0].StoryCount, MinListCount, long.MaxValue);
        Assert.InRange(explorer.Report.Tallies[4].CrashCount, RandomCrashCount, long.MaxValue);
    }

    [Fact]
    public void Nothing_is_lost_or_spoilt_in_compact_stores()
    {
        var explorer = new Explorer();
        try
        {
            MustBeNone(explorer.CheckAll(2, geometry: Geometry.Compact));
            MustBeNone(explorer.CheckAll(1, geometry: Geometry.Compact, beginning: OperationLists.TwoLayers));
            MustBeNone(explorer.CheckAll(1, liveWriteCount: 0, geometry: Geometry.Compact));
            MustBeNone(explorer.CheckRandom(FixedSeed, RandomCrashCount, Geometry.Compact, Geometry.CompactLarge));
            MustBeNone(explorer.CheckRandom(NewSeed(), NewSeedCrashCount, Geometry.Compact, Geometry.CompactLarge));
            MustBeNone(explorer.CheckRandomTogether(FixedSeed, TogetherCrashCount, Geometry.Compact, Geometry.CompactLarge));
            MustBeNone(explorer.CheckRandomTogether(NewSeed(), NewSeedCrashCount, Geometry.Compact, Geometry.CompactLarge));
        }
        finally
        {
            output.WriteLine(explorer.Report.ToString());
        }
    }

    private static int NewSeed() => RandomNumberGenerator.GetInt32(int.MaxValue);

    private static void MustBeNone(Violation? violation) => Assert.True(violation is null, violation?.ToString());

    /// <summary>./test shows the file.</summary>
    private void Print(Report report)
    {
        output.WriteLine(report.ToString());
        string logs = Path.Combine(Repository.Root, "artifacts", "test-logs");
        Directory.CreateDirectory(logs);
        File.WriteAllText(Path.Combine(logs, "Cowloop.Simulation.report"), $"{report}\n");
    }
}
