using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.SystemTests.Support;

/// <summary>
/// Devices of several kinds that are written to while their service is killed again and again, and must hold all that was acknowledged each
/// time it is started anew.
/// </summary>
internal sealed class KillStorm : IDisposable
{
    private const int SectorCount = 8 * 2048;
    private const int PartitionStart = 2048;
    private const int LowerNumber = 1;
    private const int UpperNumber = 2;
    private const int PartitionedNumber = 3;
    private const int PlainNumber = 4;
    private const int TransientNumber = 9;
    private const int TransientChanges = 20;
    private const int LongestLifeMilliseconds = 60;
    private const int LongestStartMilliseconds = 500;

    private readonly CowService _service;
    private readonly TempDirectory _temp;
    private readonly int _seed;
    private readonly Random _random;
    private readonly ControlClient _client;
    private readonly string _image;
    private readonly string _partitioned;
    private readonly Dictionary<int, StormDisk> _disks = [];
    private readonly StormDisk _transient;
    private int _process;

    /// <summary>Starts the service and makes the devices.</summary>
    /// <param name="service">A service without devices.</param>
    /// <param name="temp">For their files.</param>
    /// <param name="seed">For everything that is random.</param>
    /// <param name="hasPlain">Also a device that can't be recovered without live bits.</param>
    public KillStorm(CowService service, TempDirectory temp, int seed, bool hasPlain)
    {
        _service = service;
        _temp = temp;
        _seed = seed;
        _random = new Random(seed);
        _client = new ControlClient(service.Paths);
        _image = temp["storm.img"];
        StormDisk.MakeBase(_image, SectorCount);
        _partitioned = temp["storm-partitioned.img"];
        StormDisk.MakeBase(_partitioned, SectorCount);
        Images.Partition(_partitioned, $"label: dos\nstart={PartitionStart}\n");
        _process = service.StartService();

        Add(0, _image);
        Attach(LowerNumber, _image);
        var lower = new StormDisk(service.Node(LowerNumber), SectorCount);
        lower.Write(0, seed, TransientChanges);
        // The upper one begins with what the lower one holds.
        _disks[UpperNumber] = lower.Above(service.Node(UpperNumber));
        Attach(UpperNumber, service.Node(LowerNumber));
        Attach(PartitionedNumber, _partitioned);
        _disks[PartitionedNumber] = new StormDisk($"{service.Node(PartitionedNumber)}p1", SectorCount - PartitionStart, PartitionStart);
        if (hasPlain)
        {
            Add(PlainNumber, _image, isPlain: true);
        }
        _transient = new StormDisk(service.Node(TransientNumber), SectorCount);
    }

    /// <summary>The bases, which must not change.</summary>
    public IReadOnlyList<string> Bases => [_image, _partitioned];

    /// <summary>Changes that were acknowledged.</summary>
    public long AcknowledgedCount => _disks.Values.Append(_transient).Sum(disk => disk.AcknowledgedCount);

    private IEnumerable<StormDisk> Written => _disks.Values;

    /// <summary>Kills the service that many times.</summary>
    public void Run(int kills)
    {
        for (int kill = 0; kill < kills;)
        {
            string when = $"seed {_seed}, kill {kill}";
            kill += KillOnce();
            if (kill % 10 == 0)
            {
                _service.Cowloop("load").MustSucceed();
                _process = _client.GetService().ProcessId;
            }
            else
            {
                _process = _service.StartService();
            }
            Verify(when);
            Renew(kill);
        }
        Finish();
    }

    public void Dispose() => _client.Dispose();

#pragma warning disable CA5394 // Test data, no secret.
    /// <summary>Lets the writers loose and kills the service under them; sometimes the next one, too, before it serves.</summary>
    /// <returns>The number of kills.</returns>
    private int KillOnce()
    {
        int kind = _random.Next(10);
        List<Task> tasks = [.. Written.SelectMany(disk => Enumerable.Range(0, StormDisk.WriterCount).Select(writer => Begin(disk.Write, writer)))];
        if (kind < 2)
        {
            tasks.Add(Task.Factory.StartNew(ComeAndGo, TaskCreationOptions.LongRunning));
        }
        else if (kind < 4)
        {
            tasks.Add(Task.Factory.StartNew(SyncOn, TaskCreationOptions.LongRunning));
        }
        Thread.Sleep(_random.Next(LongestLifeMilliseconds));
        CowService.Kill(_process);
        Poll.UntilDone("the writers of a dead service end", Task.WhenAll(tasks));
        int kills = 1;
        while (_random.Next(5) == 0)
        {
            int process = _service.BeginService();
            Thread.Sleep(_random.Next(LongestStartMilliseconds));
            CowService.Kill(process);
            kills++;
        }
        return kills;
    }

    private Task Begin(Action<int, int, int> write, int writer)
    {
        int seed = _random.Next();
        return Task.Factory.StartNew(() => write(writer, seed, int.MaxValue), TaskCreationOptions.LongRunning);
    }

    /// <summary>A device is activated and deactivated until the service is gone.</summary>
    private void ComeAndGo() => UntilGone(() =>
    {
        Attach(TransientNumber, _image);
        _transient.Write(0, Environment.TickCount, TransientChanges);
        _client.Detach(TransientNumber);
    });
#pragma warning restore CA5394

    private void SyncOn() => UntilGone(_client.Sync);

    private static void UntilGone(Action action)
    {
        try
        {
            while (true)
            {
                action();
            }
        }
        catch (Exception exception) when (exception is CowloopException or IOException or HttpRequestException)
        {
            // The service is gone.
        }
    }

    private void Verify(string when)
    {
        ServiceStatus service = _client.GetService();
        Assert.Equal((when, ""), (when, string.Join("; ", service.Unrecovered.Select(device => $"{device.Path}: {device.Reason}"))));
        Assert.Equal((when, ""), (when, string.Join("; ", service.OrphanedUses.Select(use => $"{use.KernelName}: {use.Use}"))));
        int[] active = [.. service.Devices.Select(device => device.Number)];
        Assert.Equal((when, true), (when, _disks.Keys.All(active.Contains)));
        foreach (StormDisk disk in Written)
        {
            disk.Verify(when);
        }
        if (!active.Contains(TransientNumber))
        {
            Attach(TransientNumber, _image);
        }
        _transient.Verify(when);
        _client.Detach(TransientNumber);
    }

    /// <summary>From time to time a cowfile begins anew: in a full one no block is new.</summary>
    private void Renew(int kill)
    {
        int[] renewable = [.. _disks.Keys.Where(number => number is not UpperNumber), TransientNumber];
        int chosen = renewable[kill % renewable.Length];
        StormDisk disk = chosen == TransientNumber ? _transient : _disks[chosen];
        if (chosen != TransientNumber)
        {
            _client.Detach(chosen);
        }
        File.Delete(Cowfile(chosen));
        disk.Reset();
        if (chosen != TransientNumber)
        {
            Attach(chosen, chosen == PartitionedNumber ? _partitioned : _image, chosen == PlainNumber);
        }
    }

    /// <summary>After an orderly end all cowfiles are sound.</summary>
    private void Finish()
    {
        _client.Unload(wait: false);
        foreach (int number in _disks.Keys.Append(LowerNumber))
        {
            Assert.Contains("no problems found", _service.Cowloop("check", Cowfile(number)).MustSucceed().Output, StringComparison.Ordinal);
        }
    }

    private void Add(int number, string image, bool isPlain = false)
    {
        Attach(number, image, isPlain);
        _disks[number] = new StormDisk(_service.Node(number), SectorCount);
    }

    private void Attach(int number, string image, bool isPlain = false) =>
        _client.Attach(new AttachRequest(image, Cowfile(number), "/", number, Plain: isPlain));

    private string Cowfile(int number) => _temp[$"storm{number}.cow"];
}
