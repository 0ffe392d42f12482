using System.Globalization;
using Cowloop.Control;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// Snapshots again and again of one device while a filesystem on it is written to, and its layers folded when they become many: nobody meets an error, and
/// every state that was sealed is one that a loss of power could have left, with all that was promised. COWLOOP_SOAK=1 makes it very many.
/// </summary>
public class SnapshotUnderLoadTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    // A stack has room for one more.
    private const int MostLayers = 31;
    private const int FewestLayers = 8;

    // So that the database does not outgrow its filesystem, and is looked at in no time.
    private static readonly TimeSpan CommitPause = TimeSpan.FromMilliseconds(20);

    private static readonly int Snapshots = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1" ? 1000 : 100;

    private readonly List<SealedState> _unfolded = [];
    private volatile bool _isOver;
    private volatile int _committedCount;
    private volatile int _fioRounds;

    [RootFact("mkfs.ext4", "fs:ext4", "fio", "sqlite3")]
    public void Every_sealed_state_is_one_that_was()
    {
        string image = Base(Images.Ext4(Temp["image"], blockBytes: 4096));
        CowDisk disk = Attach(image, "s0.cow");
        Mount mount = Mount(disk.Path);
        Task[] writers = [Begin(() => Verify(mount)), Begin(() => Commit(mount))];
        try
        {
            Poll.Until("both write", () => (_committedCount > 3 && _fioRounds > 0) || writers.Any(writer => writer.IsFaulted));
            for (int count = 1; count <= Snapshots; count++)
            {
                Seal(disk, mount, count);
                Check(image, _unfolded[^1]);
                if (_unfolded.Count >= MostLayers)
                {
                    Fold(disk, image);
                }
                MustGoOn(writers);
            }
        }
        finally
        {
            _isOver = true;
        }
        Poll.UntilDone("the writers end", Task.WhenAll(writers));
        Output.WriteLine($"{_fioRounds} runs of fio, {_committedCount} transactions");
        Assert.Equal(_committedCount, Database.CheckAndCount(mount["db"]));
        mount.Unmount();
        Shell.Run("e2fsck", "-fn", disk.Path);
        Service.Detach(disk);
    }

    private void Seal(CowDisk disk, Mount mount, int count)
    {
        bool isFrozen = count % 2 == 0;
        string[] freeze = isFrozen ? ["--freeze", mount.Path] : [];
        int least = _committedCount;
        TrySnapshot(disk, $"s{count}.cow", freeze).MustSucceed();
        _unfolded.Add(new SealedState(Temp[$"s{count - 1}.cow"], least, _committedCount + 1, isFrozen));
    }

    private static void MustGoOn(Task[] writers)
    {
        foreach (Task writer in writers)
        {
            if (writer.IsCompleted)
            {
                // Throws what has ended it.
                writer.GetAwaiter().GetResult();
            }
        }
    }

    /// <summary>Makes one layer of many, one after the other; the last of them shows what the first one showed. What is folded is of no use any more.</summary>
    private void Fold(CowDisk disk, string image)
    {
        SealedState last = _unfolded[^1];
        while (_unfolded.Count > FewestLayers)
        {
            Service.Cowloop(["merge", "--live", disk.Path, "--yes"]).MustSucceed();
            File.Delete(_unfolded[^1].Layer);
            _unfolded.RemoveAt(_unfolded.Count - 1);
        }
        Assert.Equal(_unfolded.Select(state => state.Layer), LayersOf(disk));
        _unfolded[^1] = last with { Layer = _unfolded[^1].Layer };
        Check(image, _unfolded[^1]);
    }

    /// <summary>Looks at a state through a device of its own, which reads its layers and keeps nothing.</summary>
    private void Check(string image, SealedState state)
    {
        using var client = new ControlClient(Service.Paths);
        var request = new AttachRequest(image, "", Temp.Path, Layers: [state.Layer], Volatile: new VolatileRequest());
        DeviceStatus disk = client.Attach(request).Device;
        if (state.IsFrozen)
        {
            Shell.Run("e2fsck", "-fn", disk.Path);
        }
        using (Mount mount = Cowloop.Tests.Support.Mount.Of(disk.Path, Temp["state"]))
        {
            Assert.InRange(Database.CheckAndCount(mount["db"]), state.LeastCount, state.MostCount);
        }
        if (!state.IsFrozen)
        {
            Shell.Run("e2fsck", "-fn", disk.Path);
        }
        client.Detach(disk.Number);
    }

    /// <summary>fio writes and reads back what it wrote; the kernel keeps nothing of it.</summary>
    private void Verify(Mount mount)
    {
        while (!_isOver)
        {
            Shell.Run(
                "fio",
                "--name=verify",
                $"--filename={mount["fio"]}",
                "--rw=randwrite",
                "--bs=4k",
                "--size=4m",
                "--direct=1",
                "--ioengine=libaio",
                "--iodepth=8",
                "--verify=crc32c",
                "--do_verify=1",
                "--verify_fatal=1",
                "--verify_state_save=0",
                $"--randseed={_fioRounds.ToString(CultureInfo.InvariantCulture)}",
                "--output-format=terse");
            _fioRounds++;
        }
    }

    private void Commit(Mount mount)
    {
        using Database database = Database.Create(mount["db"], "WAL");
        while (!_isOver)
        {
            database.Commit(_committedCount + 1);
            _committedCount++;
            Thread.Sleep(CommitPause);
        }
    }

    private static Task Begin(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>What a snapshot has sealed.</summary>
    /// <param name="Layer">The topmost of its layers.</param>
    /// <param name="LeastCount">Transactions that were promised before the snapshot began.</param>
    /// <param name="MostCount">Transactions that had been begun when it was done.</param>
    /// <param name="IsFrozen">The filesystem wrote everything down before, and waited.</param>
    private sealed record SealedState(string Layer, int LeastCount, int MostCount, bool IsFrozen);
}
