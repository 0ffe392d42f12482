using Cowloop.Core;
using Cowloop.Linux;
using Cowloop.Simulation.Disks;
using Xunit.Abstractions;

namespace Cowloop.Simulation.Tests.RealKernel;

/// <summary>
/// The machine loses power while a real kernel, a real filesystem and real programs use a device: what they wrote to the cowfile is recorded, the record is cut
/// anywhere, and the cowfile rebuilt as the disk may hold it then. Everything that was promised must be there, and everything sound.
/// </summary>
public sealed class PowerLossTests(ITestOutputHelper output) : IDisposable
{
    private const int DiskBytes = 64 << 20;
    private const int RoundCount = 25;

    private static readonly int CutCount = Environment.GetEnvironmentVariable("COWLOOP_SOAK") == "1" ? 400 : 12;

    private readonly TempDirectory _temp = new();
    private readonly CallLog _log = new();

    public void Dispose() => _temp.Dispose();

    [RootFact("mkfs.ext4", "e2fsck", "sqlite3", "fs:ext4")]
    public void What_was_synced_survives_a_loss_of_power_at_any_moment()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        string basePath = _temp.MakeFile("base.img", DiskBytes);
        int mountedAt = Record(basePath);
        output.WriteLine($"{_log.Count} recorded events, {_log.Count - mountedAt} of them with promises to keep");

        var random = new Random(seed);
        Assert.Equal(Errno.None, PosixFile.TryCreate(_temp["settled"], out PosixFile? settled));
        using (settled)
        {
            var replay = new DiskReplay(_log);
            replay.Add(0, settled!);
            foreach (int cut in Enumerable.Range(0, CutCount).Select(_ => random.Next(mountedAt, _log.Count + 1)).Order())
            {
                replay.AdvanceTo(cut);
                Cut(basePath, replay, cut, random);
            }
        }
    }

    /// <summary>Uses a device until all is said and done, and unmounts it.</summary>
    /// <returns>Position in the log from which on there is a filesystem.</returns>
    private int Record(string basePath)
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_temp["recorded.cow"], out PosixFile? cowfile));
        using var disk = new ServedDisk(basePath, new RecordingFile(cowfile!, _log));
        Shell.Run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", disk.Node);
        using Mount mount = Mount.Of(disk.Node, _temp["recorded"]);
        Shell.Run("sync", "-f", mount.Path);
        int mountedAt = _log.Mark("mounted");
        using (Database rollback = Database.Create(mount["rollback.db"], "DELETE"))
        using (Database wal = Database.Create(mount["wal.db"], "WAL"))
        {
            for (int round = 0; round < RoundCount; round++)
            {
                WriteDurably(mount["files"], round);
                _log.Mark(new Promise(PromisedThing.File, round));
                Churn(mount["tree"], round);
                rollback.Commit(round);
                _log.Mark(new Promise(PromisedThing.RollbackRow, round));
                wal.Commit(round);
                _log.Mark(new Promise(PromisedThing.WalRow, round));
            }
        }
        mount.Unmount();
        return mountedAt;
    }

    private void Cut(string basePath, DiskReplay replay, int cut, Random random)
    {
        int[] options = replay.Options();
        int[] choice = new int[options.Length];
        CrashChoices.Choose(options, choice, random);
        string path = _temp["cut.cow"];
        Shell.Run("cp", "--sparse=always", _temp["settled"], path);
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(path, out PosixFile? cowfile));
        replay.Build(0, choice, cowfile!);
        try
        {
            using var disk = new ServedDisk(basePath, cowfile!);
            CheckAll(disk.Node, PromisesBefore(cut));
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"power lost at {cut} with {options.Length} things pending: {exception.Message}", exception);
        }
        File.Delete(path);
    }

    private void CheckAll(string node, Dictionary<PromisedThing, int> promised)
    {
        // Mounting replays the journal, as after every crash; then there must be nothing to mend.
        using (Mount.Of(node, _temp["replayed"]))
        {
        }
        Shell.Run("e2fsck", "-fn", node);
        using Mount mount = Mount.Of(node, _temp["checked"]);
        for (int round = 0; round < promised[PromisedThing.File]; round++)
        {
            Assert.Equal(ContentOf(round), File.ReadAllBytes(Path.Combine(mount["files"], $"{round}")));
        }
        CheckRows(mount["rollback.db"], promised[PromisedThing.RollbackRow]);
        CheckRows(mount["wal.db"], promised[PromisedThing.WalRow]);
    }

    private static void CheckRows(string path, int promisedCount)
    {
        if (promisedCount > 0)
        {
            Assert.InRange(Database.CheckAndCount(path), promisedCount, promisedCount + 1);
        }
    }

    /// <summary>How many of each kind were promised before a position.</summary>
    private Dictionary<PromisedThing, int> PromisesBefore(int cut)
    {
        Dictionary<PromisedThing, int> promised = Enum.GetValues<PromisedThing>().ToDictionary(thing => thing, _ => 0);
        for (int position = 0; position < cut; position++)
        {
            if (_log[position] is LogEvent.Mark { What: Promise promise })
            {
                promised[promise.Thing] = promise.Round + 1;
            }
        }
        return promised;
    }

    /// <summary>A file that is promised to be there, and its name with it.</summary>
    private static void WriteDurably(string directory, int round)
    {
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, $"{round}");
        File.WriteAllBytes(path, ContentOf(round));
        Shell.Run("sync", path, directory, Path.GetDirectoryName(directory)!);
    }

    /// <summary>Many small files that come and go, as in a clone and a checkout; nobody is promised anything about them.</summary>
    private static void Churn(string directory, int round)
    {
        if (Directory.Exists($"{directory}-{round - 2}"))
        {
            Directory.Delete($"{directory}-{round - 2}", recursive: true);
        }
        for (int file = 0; file < 60; file++)
        {
            string subdirectory = $"{directory}-{round}/{file % 7}";
            Directory.CreateDirectory(subdirectory);
            File.WriteAllBytes($"{subdirectory}/{file}", ContentOf(round * 100 + file));
        }
    }

    private static byte[] ContentOf(int number)
    {
        byte[] content = new byte[1 + number * 7919 % 9000];
        new Random(number).NextBytes(content);
        return content;
    }

    private enum PromisedThing
    {
        File,
        RollbackRow,
        WalRow,
    }

    private sealed record Promise(PromisedThing Thing, int Round);
}
