using System.Globalization;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>
/// Snapshots again and again while a filesystem is written to: nobody meets an error, and every state that was sealed is one that a loss of power could
/// have left, with all that was promised. COWLOOP_SOAK=1 makes it over a hundred.
/// </summary>
public class SnapshotUnderLoadTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    private const int SnapshotsPerDevice = 30;

    private static readonly int Devices = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1" ? 4 : 1;

    private volatile bool _isOver;
    private volatile int _committedCount;
    private volatile int _fioRounds;

    [RootFact("mkfs.ext4", "fs:ext4", "fio", "sqlite3")]
    public void Every_sealed_state_is_one_that_was()
    {
        for (int device = 0; device < Devices; device++)
        {
            string directory = Directory.CreateDirectory(Temp[$"device{device}"]).FullName;
            Run(Base(Images.Ext4($"{directory}/image", blockBytes: 4096)), directory);
        }
    }

    /// <summary>Every other state is.</summary>
    private static bool IsFrozen(int state) => state % 2 == 0;

    private void Run(string image, string directory)
    {
        CowDisk disk = Service.Attach(image, $"{directory}/s0.cow");
        Mount mount = Mount(disk.Path);
        _isOver = false;
        _committedCount = _fioRounds = 0;
        var bounds = new List<(int Least, int Most)>();
        Task[] writers = [Begin(() => Verify(mount)), Begin(() => Commit(mount))];
        try
        {
            Poll.Until("both write", () => (_committedCount > 3 && _fioRounds > 0) || writers.Any(writer => writer.IsFaulted));
            for (int count = 1; count <= SnapshotsPerDevice; count++)
            {
                int least = _committedCount;
                string[] freeze = IsFrozen(count - 1) ? ["--freeze", mount.Path] : [];
                Service.Cowloop(["snapshot", disk.Path, $"{directory}/s{count}.cow", .. freeze]).MustSucceed();
                bounds.Add((least, _committedCount + 1));
            }
        }
        finally
        {
            _isOver = true;
        }
        Poll.UntilDone("the writers end", Task.WhenAll(writers));
        Output.WriteLine($"{_fioRounds} runs of fio, {_committedCount} transactions");
        for (int state = 0; state < bounds.Count; state++)
        {
            Check(image, $"{directory}/s{state}.cow", bounds[state], IsFrozen(state));
        }
        Assert.Equal(_committedCount, Database.CheckAndCount(mount["db"]));
        mount.Unmount();
        Shell.Run("e2fsck", "-fn", disk.Path);
        Service.Detach(disk);
    }

    private void Check(string image, string layer, (int Least, int Most) bounds, bool isFrozen)
    {
        if (isFrozen)
        {
            CowDisk readOnly = AttachWith(image, "--read-only", layer);
            Shell.Run("e2fsck", "-fn", readOnly.Path);
            Service.Detach(readOnly);
        }
        CowDisk disk = AttachWith(image, "--volatile", "--layer", layer);
        using (Mount mount = Cowloop.Tests.Support.Mount.Of(disk.Path, Temp["state"]))
        {
            int count = Database.CheckAndCount(mount["db"]);
            Assert.InRange(count, bounds.Least, bounds.Most);
            Assert.Equal(
                $"1|{count.ToString(CultureInfo.InvariantCulture)}",
                Shell.Run("sqlite3", "-batch", mount["db"], "SELECT min(id), max(id) FROM t;").Line);
        }
        Shell.Run("e2fsck", "-fn", disk.Path);
        Service.Detach(disk);
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
        }
    }

    private static Task Begin(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
