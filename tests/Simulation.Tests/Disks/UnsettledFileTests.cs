using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Disks;

/// <summary>A file of some sectors, each shown as the first byte of it; <c>.</c> is zero.</summary>
public sealed class UnsettledFileTests : IDisposable
{
    private readonly CallLog _log = new();
    private readonly MemoryFile _memory = new(pageBytes: 512);
    private MemoryFile _start = new(pageBytes: 512);

    [Fact]
    public void Any_of_the_sectors_written_may_have_landed()
    {
        Start("ab");

        Assert.Equal(["AB", "Ab", "aB", "ab"], After(file => Write(file, 0, "AB")));
    }

    [Fact]
    public void Of_a_sector_written_twice_any_version_may_be_there()
    {
        Start("a");

        Assert.Equal(["1", "2", "a"], After(
            file => Write(file, 0, "1"),
            file => Write(file, 0, "2")));
    }

    [Fact]
    public void What_was_synced_is_there()
    {
        Start("ab");

        Assert.Equal(["12", "1b"], After(
            file => Write(file, 0, "1"),
            file => file.Sync(),
            file => Write(file, 1, "2")));
    }

    [Fact]
    public void What_came_during_a_sync_need_not_be_covered()
    {
        Start("ab");
        var during = new DuringSync(_memory);
        var file = new RecordingFile(during, _log);
        Write(file, 0, "1");
        during.Action = () => Write(file, 1, "2");

        Assert.Equal(Errno.None, file.Sync());

        Assert.Equal(["12", "1b"], Possible());
    }

    [Fact]
    public void A_failed_sync_covers_nothing()
    {
        Start("a");
        var file = new RecordingFile(new DuringSync(_memory) { Result = Errno.EIO }, _log);
        Write(file, 0, "1");

        Assert.Equal(Errno.EIO, file.Sync());

        Assert.Equal(["1", "a"], Possible());
    }

    [Fact]
    public void A_punch_lands_sector_by_sector()
    {
        Start("abc");

        Assert.Equal(["..c", ".bc", "a.c", "abc"], After(file => file.Punch(0, 1024)));
    }

    [Fact]
    public void A_part_of_a_sector_is_changed_with_the_rest_of_it()
    {
        Start("a");

        Assert.Equal(["a"], After(file => file.WriteAt(100, new byte[100]), file => file.Punch(300, 10)));

        Assert.Equal(3, Files().Select(found => found.Sha256()).Distinct().Count());
        Assert.Contains(_memory.Sha256(), Files().Select(found => found.Sha256()));
    }

    [Fact]
    public void A_file_that_was_lengthened_may_be_short()
    {
        Start("a");

        Assert.Equal(["a", "a.", "aB"], After(file => Write(file, 1, "B")));
    }

    [Fact]
    public void Cutting_a_file_may_land_or_not_and_what_is_cut_off_is_gone()
    {
        Start("abc");

        Assert.Equal(["a", "a..", "a.c", "ab.", "abc"], After(file => file.SetLength(512)));
    }

    [Fact]
    public void A_file_that_was_cut_and_lengthened_again_has_no_remains_after_a_sync()
    {
        Start("abc");

        Assert.Equal(["a.."], After(
            file => file.SetLength(512),
            file => file.SetLength(1536),
            file => file.Sync()));
    }

    [Fact]
    public void Writing_what_is_there_already_changes_nothing()
    {
        Start("ab");

        Assert.Equal(["ab"], After(file => Write(file, 0, "ab"), file => file.Allocate(0, 1024)));
    }

    [Fact]
    public void A_write_that_failed_has_landed_as_far_as_it_came()
    {
        _memory.SpaceLimitBytes = 1024;
        Start("ab");
        _memory.SetLength(1536);
        _start.SetLength(1536);

        Assert.Equal([".b.", "Ab.", "ab."], After(file => file.Punch(0, 512), file => file.WriteAt(0, Sectors("A")), file => file.WriteAt(1024, Sectors("C"))));
    }

    public void Dispose()
    {
        _memory.Dispose();
        _start.Dispose();
    }

    private void Start(string sectors)
    {
        Assert.Equal(Errno.None, _memory.WriteAt(0, Sectors(sectors)));
        _start = _memory.Copy();
    }

    private string[] After(params Action<IBlockFile>[] steps)
    {
        var file = new RecordingFile(_memory, _log);
        foreach (Action<IBlockFile> step in steps)
        {
            step(file);
        }
        Assert.Equal(_memory.LengthBytes, file.LengthBytes);
        return Possible();
    }

    private string[] Possible() => [.. Files().Select(Describe).Distinct().Order(StringComparer.Ordinal)];

    private IEnumerable<MemoryFile> Files()
    {
        var replay = new DiskReplay(_log);
        MemoryFile settled = _start.Copy();
        replay.Add(0, settled);
        replay.AdvanceTo(int.MaxValue);
        foreach (int[] choice in CrashChoices.Of(replay.Options(), 1000, new Random(1)))
        {
            MemoryFile found = settled.Copy();
            replay.Build(0, choice, found);
            yield return found;
        }
    }

    private static void Write(IBlockFile file, int sector, string sectors) => Assert.Equal(Errno.None, file.WriteAt(sector * 512, Sectors(sectors)));

    private static byte[] Sectors(string sectors) => [.. sectors.SelectMany(sector => Fixtures.Filled(512, (byte)sector))];

    private static string Describe(MemoryFile file)
    {
        byte[] content = file.ToArray();
        return new string([.. Enumerable.Range(0, content.Length / 512).Select(sector => content[sector * 512] == 0 ? '.' : (char)content[sector * 512])]);
    }

    private sealed class DuringSync(IBlockFile inner) : FileDecorator(inner)
    {
        public Action? Action { get; set; }

        public Errno Result { get; init; }

        protected override Errno Before(FileCall call)
        {
            if (call.Op == FileOp.Sync)
            {
                Action?.Invoke();
                return Result;
            }
            return Errno.None;
        }
    }
}
