using Cowloop.Core;
using Cowloop.Linux;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Disks;

public class DiskReplayTests
{
    [Fact]
    public void Files_are_synced_one_by_one()
    {
        var log = new CallLog();
        var one = new RecordingFile(new MemoryFile(), log, 0);
        var other = new RecordingFile(new MemoryFile(), log, 1);
        one.WriteAt(0, [1]);
        other.WriteAt(0, [2]);
        one.Sync();

        var replay = new DiskReplay(log);
        replay.Add(0, new MemoryFile());
        replay.Add(1, new MemoryFile());
        replay.AdvanceTo(log.Count);

        // Of the other one, its sector and its length.
        Assert.Equal([2, 2], replay.Options());
        Assert.Equal(0, replay.File(0).PendingCount);
        Assert.Equal(1, replay.File(0).Settled.LengthBytes);
    }

    [Fact]
    public void A_file_in_memory_has_at_once_what_was_written()
    {
        var log = new CallLog();
        new RecordingFile(new MemoryFile(), log).WriteAt(0, [1]);
        var replay = new DiskReplay(log);
        var settled = new MemoryFile();
        replay.Add(0, settled, isInMemory: true);

        replay.AdvanceTo(log.Count);

        Assert.Empty(replay.Options());
        Assert.Equal([1], settled.ToArray());
    }

    [Fact]
    public void Marks_are_met_in_their_place()
    {
        var log = new CallLog();
        var file = new RecordingFile(new MemoryFile(), log);
        file.WriteAt(0, [1]);
        int position = log.Mark("acknowledged");
        file.Sync();

        var replay = new DiskReplay(log);
        replay.AdvanceTo(position);

        Assert.Equal("acknowledged", Assert.IsType<LogEvent.Mark>(replay.Step()).What);
    }

    /// <summary>The log of a real file, cut here and there; what is made of it in real files is what is made of it in memory.</summary>
    [Fact]
    public void A_real_file_is_recorded_and_made_again()
    {
        using var directory = new TempDirectory();
        var log = new CallLog();
        Work(new RecordingFile(Create(directory["file"]), log));
        var random = new Random(1);
        var inMemory = new DiskReplay(log);
        var memory = new MemoryFile();
        inMemory.Add(0, memory);
        var onDisk = new DiskReplay(log);
        using PosixFile settled = Create(directory["settled"]);
        onDisk.Add(0, settled);

        int cutCount = 0;
        for (int position = 1; position < log.Count; position += random.Next(1, 40))
        {
            inMemory.AdvanceTo(position);
            onDisk.AdvanceTo(position);
            int[] choice = new int[inMemory.Options().Length];
            CrashChoices.Choose(inMemory.Options(), choice, random);
            MemoryFile expected = memory.Copy();
            inMemory.Build(0, choice, expected);
            using (PosixFile found = Create(directory["found"]))
            {
                SparseCopy.Copy(settled, found);
                onDisk.Build(0, choice, found);
                Assert.Equal(expected.LengthBytes, found.LengthBytes);
                byte[] content = new byte[found.LengthBytes];
                Assert.Equal(Errno.None, found.ReadAt(0, content));
                Assert.True(content.AsSpan().SequenceEqual(expected.ToArray()), $"cut at {position}");
                Assert.InRange(found.AllocatedBytes, 0, 1 << 20);
            }
            PosixFile.Unlink(directory["found"]);
            cutCount++;
        }
        Assert.InRange(cutCount, 20, int.MaxValue);
    }

    /// <summary>Writes, punches, lengthens and cuts a sparse file of up to 64 MiB.</summary>
    private static void Work(RecordingFile file)
    {
        var random = new Random(2);
        for (int step = 0; step < 600; step++)
        {
            long offsetBytes = random.Next(16) * (4L << 20) + random.Next(8000);
            Errno errno = random.Next(12) switch
            {
                < 7 => file.WriteAt(offsetBytes, Fixtures.RandomBytes(random, random.Next(1, 5000))),
                < 9 => file.Punch(offsetBytes, random.Next(1, 10_000)),
                9 => file.SetLength(offsetBytes),
                _ => file.Sync(),
            };
            Assert.Equal(Errno.None, errno);
        }
        file.Dispose();
    }

    private static PosixFile Create(string path)
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(path, out PosixFile? file));
        return file!;
    }
}
