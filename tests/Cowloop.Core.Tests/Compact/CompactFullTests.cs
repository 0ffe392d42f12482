using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>A store on a filesystem that copies on write and is full: any write may find no space, over what is there, too.</summary>
public class CompactFullTests
{
    private const int BlockCount = 40;

    [Fact]
    public void A_table_that_finds_no_space_is_written_by_the_next_flush()
    {
        MemoryFile store = CompactStores.New(BlockCount, 4096);
        var crowded = new CrowdedFile(store);
        using var overlay = Disk.Open(new FlatFile(new byte[BlockCount * 1024]), CompactStores.Open(crowded), Disk.WithRecord);
        Assert.Equal(Errno.None, overlay.Fill(0, 4096, 1));
        crowded.FailShare = 1;

        Assert.Equal(Errno.ENOSPC, overlay.Flush());
        Assert.Equal(Errno.ENOSPC, overlay.Flush());
        Assert.Equal(Errno.None, overlay.Failure);
        crowded.FailShare = 0;
        Assert.Equal(Errno.None, overlay.Flush());

        using Overlay after = Disk.Open(new FlatFile(new byte[BlockCount * 1024]), CompactStores.Open(crowded.Durable, 2), Disk.WithRecord);
        Assert.Equal(Fixtures.Filled(4096, 1), after.Get(0, 4096));
    }

    /// <summary>What was zeros gets its new content for good with a second sync; the flush whose second part finds no space must not forget the first.</summary>
    [Fact]
    public void What_waits_for_a_sync_waits_for_the_next_one()
    {
        MemoryFile store = CompactStores.New(BlockCount, 4096);
        var crowded = new CrowdedFile(store);
        using var overlay = Disk.Open(new FlatFile(Fixtures.Filled(BlockCount * 1024, 9)), CompactStores.Open(crowded), Disk.WithRecord);
        Assert.Equal(Errno.None, overlay.Zero(0, 4096, mayUnmap: true, fua: true));
        Assert.Equal(Errno.None, overlay.Fill(0, 4096, 1));
        crowded.AfterNextSync = () => crowded.FailShare = 1;

        Assert.Equal(Errno.ENOSPC, overlay.Flush());
        crowded.FailShare = 0;
        Assert.Equal(Errno.None, overlay.Flush());

        using Overlay after = Disk.Open(new FlatFile(Fixtures.Filled(BlockCount * 1024, 9)), CompactStores.Open(crowded.Durable, 2), Disk.WithRecord);
        Assert.Equal(Fixtures.Filled(4096, 1), after.Get(0, 4096));
    }

    [Theory]
    [InlineData(4096, 60)]
    [InlineData(16384, 60)]
    public void Nothing_is_lost_and_it_goes_on(int chunkBytes, int seedCount)
    {
        for (int seed = 1; seed <= (FuzzRun.IsSoak ? 100 : 1) * seedCount; seed++)
        {
            Run(seed, chunkBytes);
        }
    }

    private static void Run(int seed, int chunkBytes)
    {
        var random = new Random(seed);
        MemoryFile store = CompactStores.New(BlockCount, chunkBytes);
        byte[] content = Fixtures.Filled(BlockCount * 1024, 255);
        // What a block may be after a loss of power; the last one is what it is now.
        List<byte>[] candidates = [.. Enumerable.Range(0, BlockCount).Select(_ => new List<byte> { 255 })];
        for (int boot = 1; boot <= 4; boot++)
        {
            var crowded = new CrowdedFile(store, random);
            using Overlay overlay = Disk.Open(new FlatFile(content), CompactStores.Open(crowded, boot), Disk.WithRecord);
            for (int block = 0; block < BlockCount; block++)
            {
                byte found = ValueOf(overlay, block);
                Assert.True(candidates[block].Contains(found), $"seed {seed}, boot {boot}: block {block} is {found}, not any of {string.Join(' ', candidates[block])}");
                candidates[block] = [found];
            }
            for (int step = 0; step < 40; step++)
            {
                crowded.FailShare = random.Next(3) switch { 0 => 0, 1 => 0.3, _ => 1 };
                Step(overlay, random, candidates, $"seed {seed}, boot {boot}, step {step}");
            }
            crowded.FailShare = 0;
            if (random.Next(2) == 0)
            {
                Assert.Equal(Errno.None, overlay.Flush());
                Settle(candidates);
            }
            store = random.Next(2) == 0 ? store.Copy() : crowded.Durable.Copy();
        }
    }

    private static void Step(Overlay overlay, Random random, List<byte>[] candidates, string where)
    {
        int block = random.Next(BlockCount);
        int count = random.Next(1, Math.Min(20, BlockCount - block) + 1);
        byte value = (byte)random.Next(1, 250);
        Errno errno;
        switch (random.Next(5))
        {
            case 0:
                errno = overlay.Flush();
                if (errno == Errno.None)
                {
                    Settle(candidates);
                }
                count = 0;
                break;
            case 1 or 2:
                value = 0;
                errno = overlay.Zero(block * 1024, count * 1024, mayUnmap: random.Next(4) != 0, fua: false);
                break;
            default:
                errno = overlay.Fill(block * 1024, count * 1024, value);
                break;
        }
        Assert.True(errno is Errno.None or Errno.ENOSPC, $"{where}: {errno}");
        for (int index = 0; index < BlockCount; index++)
        {
            byte found = ValueOf(overlay, index);
            bool isTarget = index >= block && index < block + count;
            byte former = candidates[index][^1];
            Assert.True(found == (isTarget && errno == Errno.None ? value : former) || (isTarget && found == value), $"{where}: block {index} is {found}");
            if (isTarget)
            {
                candidates[index].AddRange([value, found]);
            }
        }
    }

    private static void Settle(List<byte>[] candidates)
    {
        for (int block = 0; block < BlockCount; block++)
        {
            candidates[block] = [candidates[block][^1]];
        }
    }

    private static byte ValueOf(Overlay overlay, int block)
    {
        byte[] found = overlay.Get(block * 1024, 1024);
        Assert.False(found.AsSpan().ContainsAnyExcept(found[0]));
        return found[0];
    }

    /// <summary>A file whose writes may find no space; keeps what was durable at the last sync.</summary>
    private sealed class CrowdedFile(MemoryFile inner, Random? random = null) : FileDecorator(inner)
    {
        public double FailShare { get; set; }

        public Action? AfterNextSync { get; set; }

        public MemoryFile Durable { get; private set; } = inner.Copy();

        public override Errno Sync()
        {
            Errno errno = base.Sync();
            Durable = inner.Copy();
            AfterNextSync?.Invoke();
            AfterNextSync = null;
            return errno;
        }

        protected override Errno Before(FileCall call) =>
            call.Op is FileOp.Write or FileOp.SetLength or FileOp.Allocate && FailShare > 0 && (FailShare >= 1 || random!.NextDouble() < FailShare)
                ? Errno.ENOSPC
                : Errno.None;
    }
}
