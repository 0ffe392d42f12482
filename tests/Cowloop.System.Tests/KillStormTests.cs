using System.Globalization;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// The service is killed at random moments, also while it starts, activates, deactivates and syncs: what was acknowledged is there again, and what
/// was not is old or new, sector by sector. COWLOOP_SOAK=1 makes it 5,000 kills; COWLOOP_SEED repeats a run.
/// </summary>
public class KillStormTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int TmpfsKiB = 64;

    // What is left takes the page of one device and the first words of another.
    private const int FillerKiB = TmpfsKiB - 12;

    private static readonly bool IsSoak = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1";
    private static readonly int Kills = IsSoak ? 5_000 : 200;
    private static readonly int KillsPerVariant = IsSoak ? 250 : 10;

    [RootFact("sfdisk", "/dev/shm")]
    public void Nothing_acknowledged_is_lost()
    {
        using var memory = TempDirectory.InMemory();
        Storm(memory, Kills, hasPlain: true);
    }

    [RootFact("sfdisk")]
    public void Nothing_acknowledged_is_lost_without_a_place_for_live_bits() => WithLiveDirectory(Temp["live on disk"], () =>
    {
        Storm(Temp, KillsPerVariant, hasPlain: false);
        Assert.Contains("no place for live bits", Service.Log, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Temp["live on disk"]));
    });

    [RootFact("sfdisk", "/dev/shm")]
    public void Nothing_acknowledged_is_lost_where_the_place_for_live_bits_is_full()
    {
        using var files = TempDirectory.InMemory();
        using Mount memory = Cowloop.Tests.Support.Mount.Of("cowtest", Temp["memory"], "-t", "tmpfs", "-o", $"size={TmpfsKiB}k,mode=755");
        File.WriteAllBytes(memory["filler"], new byte[FillerKiB * 1024]);
        WithLiveDirectory(memory["live"], () => Storm(files, KillsPerVariant, hasPlain: false));
    }

    private void WithLiveDirectory(string directory, Action action)
    {
        string before = Service.LiveDirectory;
        Service.Stop();
        Service.LiveDirectory = directory;
        try
        {
            action();
        }
        finally
        {
            Service.Stop();
            Service.LiveDirectory = before;
        }
    }

    private void Storm(TempDirectory files, int kills, bool hasPlain)
    {
        Service.Stop();
        int seed = int.TryParse(Environment.GetEnvironmentVariable("COWLOOP_SEED"), CultureInfo.InvariantCulture, out int given) ? given : Environment.TickCount;
        Output.WriteLine($"seed {seed}");
        using var storm = new KillStorm(Service, files, seed, hasPlain);
        FileSnapshot[] bases = [.. storm.Bases.Select(FileSnapshot.Of)];
        storm.Run(kills);
        Output.WriteLine($"{kills} kills, {storm.AcknowledgedCount} changes acknowledged");
        Assert.True(storm.AcknowledgedCount > kills, "hardly anything was written");
        Assert.All(bases, snapshot => snapshot.MustBeUnchanged());
    }
}
