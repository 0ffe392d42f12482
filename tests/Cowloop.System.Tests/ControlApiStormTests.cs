using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// Many clients attach, detach and ask all at once: COWLOOP_SOAK=1 makes it very many requests. Afterwards all that tells of devices tells the same.
/// </summary>
public class ControlApiStormTests(CowService service, ITestOutputHelper output) : ControlApiTest(service, output)
{
    private const int Numbers = 48;
    private const int WarmUpRequests = 2_000;

    private static readonly int Requests = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1" ? 100_000 : 10_000;

    private readonly ITestOutputHelper _output = output;
    private readonly TempDirectory _cowfiles = TempDirectory.InMemory();

    [RootFact]
    public async Task A_storm_of_requests_leaves_a_consistent_table_and_clean_cowfiles()
    {
        Start($"maxcows={Numbers}");
        string[] images = [.. Enumerable.Range(0, 4).Select(index => Base(ApiStorm.MakeImage(Temp[$"base{index}"], index)))];
        // It tells where the service's loop devices are.
        Service.Detach(Service.Attach(images[0], Temp["first.cow"]));
        int process = Service.ProcessId;
        var storm = new ApiStorm(Service, images, _cowfiles.Path, Numbers);

        var listener = new DeviceListener(Service.Paths);

        await BlowAsync(storm, WarmUpRequests, seed: 1);
        ProcessUsage before = ProcessUsage.Of(process);
        await BlowAsync(storm, Requests, seed: 2);
        MustAgree();
        listener.MustComeToKnow(Service.ActiveDevices());

        foreach (string device in Service.ActiveDevices())
        {
            Assert.Equal(204, Call("DELETE", $"v1/devices/{Path.GetFileName(device)}").Status);
        }
        MustAgree();
        listener.MustComeToKnow([]);
        Assert.Empty(Directory.EnumerateFiles(_cowfiles.Path).SelectMany(cowfile => CowfileRest.Problems(cowfile, storm.ImageOf(cowfile))));
        for (int keeper = 0; keeper < ApiStorm.Keepers; keeper++)
        {
            CowDisk disk = Service.Attach(storm.ImageOf(storm.KeptCowfile(keeper))!, storm.KeptCowfile(keeper));
            Assert.Equal(storm.Kept(keeper), File.ReadAllBytes(disk.Path));
            Service.Detach(disk);
        }
        Assert.DoesNotContain("unexpected", Service.Log, StringComparison.Ordinal);
        Poll.Until("the service holds no more than before", () => ProcessUsage.Of(process).IsNoMoreThan(before));
        Service.Stop();
        listener.MustEnd();
    }

    private async Task BlowAsync(ApiStorm storm, int requests, int seed)
    {
        var taken = Stopwatch.StartNew();
        await storm.BlowAsync(requests, seed);
        _output.WriteLine($"{requests} requests in {taken.Elapsed.TotalSeconds:F1} s; so far:");
        foreach ((string answer, int count) in storm.Answers.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            _output.WriteLine($"  {answer}: {count}");
        }
    }

    /// <summary>The API, the nodes, the status files and the kernel know of the same devices.</summary>
    private void MustAgree()
    {
        JsonElement[] devices = [.. Call("GET", "v1/devices").Body.EnumerateArray()];
        string[] numbers = [.. devices.Select(device => device.GetProperty("number").ToString()).Order(StringComparer.Ordinal)];

        Assert.Equal(numbers, NamesIn(Service.DeviceDirectory));
        Assert.Equal(
            numbers.SelectMany(number => new[] { number, $"{number}.json" }).Append("devices.json").Order(StringComparer.Ordinal),
            NamesIn(Service.Paths.StatusDirectory));
        Assert.Equal(
            devices.Select(device => $"/dev/{device.GetProperty("kernelName")}").Order(StringComparer.Ordinal),
            Service.LoopDevices().Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> NamesIn(string directory) =>
        Directory.EnumerateFileSystemEntries(directory).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _cowfiles.Dispose();
    }
}
