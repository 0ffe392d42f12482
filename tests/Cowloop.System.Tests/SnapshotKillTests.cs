using System.Diagnostics;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Format;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// The service is killed around snapshots of a device that is written to: it comes back with all that was acknowledged, with the old cowfile or the new one,
/// and nothing else is left. COWLOOP_SOAK=1 makes it many more kills; COWLOOP_SEED repeats a run.
/// </summary>
public class SnapshotKillTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    private const int SectorCount = 4 * 2048;
    private const int MostLayers = 28;

    private static readonly int Kills = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1" ? 600 : 40;

    private int _process;

    [RootFact("/dev/shm")]
    public void The_device_has_the_old_stack_or_the_new_one()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("COWLOOP_SEED"), out int given) ? given : Environment.TickCount;
        using var files = TempDirectory.InMemory();
        string image = files["image"];
        StormDisk.MakeBase(image, SectorCount);
        FileSnapshot pristine = FileSnapshot.Of(image);
#pragma warning disable CA5394 // Test data, no secret.
        var random = new Random(seed);
        using var client = new ControlClient(Service.Paths);
        _process = Service.StartService();
        CowDisk? disk = null;
        StormDisk? storm = null;
        int snapshots = 0;
        int doneCount = 0;
        TimeSpan usual = TimeSpan.FromMilliseconds(10);
        for (int kill = 0; kill < Kills; kill++)
        {
            string when = $"seed {seed}, kill {kill}";
            if (disk is null || LayersOf(disk).Length >= MostLayers)
            {
                disk = Renew(disk, image, files[$"s{snapshots++}.cow"]);
                storm = new StormDisk(disk.Path, SectorCount);
            }
            string next = files[$"s{snapshots++}.cow"];
            string[] layers = LayersOf(disk);
            Task[] writers = [.. Enumerable.Range(0, StormDisk.WriterCount).Select(writer => Begin(storm!.Write, writer, random.Next()))];
            Thread.Sleep(random.Next(5));
            long begunAt = Stopwatch.GetTimestamp();
            Task<bool> snapshot = Task.Run(() => TrySnapshot(client, next, files.Path));
            TimeSpan wait = usual * (random.NextDouble() * 1.3);
            while (Stopwatch.GetElapsedTime(begunAt) < wait)
            {
                Thread.Yield();
            }
            CowService.Kill(_process);
            Poll.UntilDone("the writers of a dead service end", Task.WhenAll(writers));
            bool isAcknowledged = Poll.UntilDone("the snapshot of a dead service ends", snapshot);
            if (isAcknowledged)
            {
                usual = (usual * 3 + wait) / 4;
            }
            _process = Service.StartService();
            bool isDone = MustBeOldOrNew(when, disk, layers, next);
            Assert.True(isDone || !isAcknowledged, $"{when}: a snapshot that was acknowledged is gone");
            storm!.Verify(when);
            disk = isDone ? disk with { Cowfile = next } : disk;
            doneCount += isDone ? 1 : 0;
            usual = isDone ? usual : usual * 1.1;
        }
#pragma warning restore CA5394
        Output.WriteLine($"{doneCount} of {Kills} were done; a snapshot took about {usual.TotalMilliseconds:0.0} ms");
        Service.Detach(disk!);
        Assert.Empty(CowfileRest.Problems(disk!.Cowfile, null));
        pristine.MustBeUnchanged();
    }

    private bool MustBeOldOrNew(string when, CowDisk disk, string[] layers, string next)
    {
        Assert.Equal([disk.Path], Service.ActiveDevices());
        string top = Service.Status(disk).GetProperty("cowfilePath").GetString()!;
        bool isDone = top == next;
        Assert.Equal(isDone ? next : disk.Cowfile, top);
        Assert.Equal(isDone ? [.. layers, disk.Cowfile] : layers, LayersOf(disk));
        if (!isDone && File.Exists(next))
        {
            // It was made and not written down yet; nobody has seen it, and nothing is in it.
            byte[] made = File.ReadAllBytes(next);
            Assert.Equal(0UL, made.Length == 0 ? 0 : CowHeader.Decode(made)?.UsedBlocks ?? 0);
            File.Delete(next);
        }
        string[] expected = [Path.Combine(Path.GetDirectoryName(next)!, "image"), .. LayersOf(disk), top];
        string[] found = Directory.GetFiles(Path.GetDirectoryName(next)!);
        Assert.True(found.Order(StringComparer.Ordinal).SequenceEqual(expected.Order(StringComparer.Ordinal)), $"{when}: left: {string.Join(", ", found.Except(expected))}");
        return isDone;
    }

    private CowDisk Renew(CowDisk? former, string image, string cowfile)
    {
        if (former is not null)
        {
            string[] files = [.. LayersOf(former), former.Cowfile];
            Service.Detach(former);
            Array.ForEach(files, File.Delete);
        }
        return Service.Attach(image, cowfile);
    }

    private static bool TrySnapshot(ControlClient client, string cowfile, string directory)
    {
        try
        {
            _ = client.Snapshot(0, new SnapshotRequest(cowfile, directory));
            return true;
        }
        catch (CowloopException)
        {
            return false;
        }
    }

    private static Task Begin(Action<int, int, int> write, int writer, int seed) => Task.Factory.StartNew(
        () => write(writer, seed, int.MaxValue), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
