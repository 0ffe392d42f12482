using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>In which order a repair changes a file and makes it durable, and what it tells who looks on.</summary>
public class RepairerOrderTests
{
    /// <summary>Blocks to be corrected in three bitmap blocks, which lie in two of the pieces that a repair reads.</summary>
    private static readonly CowImage Scattered = new CowImage { BlockCount = 600_000, Flags = CowImage.Dirty, WrongUsedBlocks = 9 }
        .With(10, 2, 1).WithData(12, 1, 2).WithData(8200, 1, 3).WithData(530_000, 1, 4);

    [Fact]
    public void The_data_is_durable_before_the_bitmap_and_the_bitmap_before_the_header() =>
        Assert.Equal(["sync", "write 1024+1024", "sync", "write 0+56", "sync"], ChangesOf(Golden.ImageG3.ToSparse()));

    [Fact]
    public void Of_a_narrow_header_its_own_length_is_written() => Assert.Equal(
        ["sync", "write 1024+1024", "sync", "write 0+32", "sync"],
        ChangesOf((Golden.ImageG3 with { Variant = CowVariant.Little32 }).ToSparse()));

    [Fact]
    public void A_clean_file_that_needs_corrections_is_durably_dirty_before_the_first_of_them() => Assert.Equal(
        ["write 0+56", "sync", "write 1024+1024", "sync", "write 0+56", "sync"],
        ChangesOf((Golden.ImageG3 with { Flags = 0 }).ToSparse()));

    [Fact]
    public void The_dirty_header_keeps_all_the_rest()
    {
        CowImage clean = Golden.ImageG3 with { Flags = 0x8000, Variant = CowVariant.Big32, Reserved = 0x5A };
        var memory = new MemoryFile(clean.ToBytes());
        var file = new TracingFile(memory);
        byte[] dirty = [];
        file.DuringNext("write 1024+1024", () => dirty = memory.ToArray());

        AtRest.Repair(file);

        Assert.Equal((clean with { Flags = 0x8001 }).ToBytes(), dirty);
    }

    [Fact]
    public void Without_corrections_only_the_header_is_written()
    {
        Assert.Equal(["sync", "write 0+56", "sync"], ChangesOf(Golden.ImageG2.ToSparse()));
        Assert.Equal(["sync", "write 0+56", "sync"], ChangesOf((Golden.ImageG2 with { Flags = CowImage.Dirty }).ToSparse()));
    }

    [Fact]
    public void A_completed_tail_is_durable_before_its_bit()
    {
        CowImage tail = Golden.ImageG2 with { Data = Golden.ImageG2.Data.Add(102, [.. "zzzzzzzzz"u8]) };

        Assert.Equal(
            ["setlength 109568", "write 0+56", "sync", "write 1024+1024", "sync", "write 0+56", "sync"],
            ChangesOf(tail.ToSparse()));
        Assert.Equal(
            ["setlength 109568", "sync", "write 1024+1024", "sync", "write 0+56", "sync"],
            ChangesOf((tail with { Flags = CowImage.Dirty }).ToSparse()));
    }

    [Fact]
    public void Only_bitmap_blocks_that_change_are_written_and_one_sync_before_them_is_enough() => Assert.Equal(
        ["sync", "write 1024+2048", $"write {1024 + 64 * 1024}+1024", "sync", "write 0+56", "sync"],
        ChangesOf(Scattered.ToSparse()));

    [Fact]
    public void What_is_removed_is_durable_before_the_header() => Assert.Equal(
        ["punch 16384+1024", "sync", "write 0+56", "sync"],
        ChangesOf((new CowImage { Flags = CowImage.Dirty | (ushort)CowFlags.BitmapDecides }.With(0, 1, 1).WithData(12, 1, 2)).ToSparse()));

    [Fact]
    public void Progress_adds_up_to_what_was_announced()
    {
        CowImage[] images =
        [
            Golden.ImageG1,
            Golden.ImageG3,
            Scattered,
            Scattered with { BlockCount = 2_000_000 },
            new CowImage { BlockCount = 2_000_000 }.WithData(1_900_000, 1, 1),
            new CowImage { BlockCount = 600_000, Data = Golden.ImageG1.Data.Add(599_999, [1]) },
        ];
        Assert.All(images, image =>
        {
            foreach (long lengthBytes in new[] { 0, image.DataOffset + image.BlockCount * 1024 })
            {
                MemoryFile file = image.ToSparse(lengthBytes);
                var observer = new StoppingObserver();
                long dataBytes = Math.Max(0, file.LengthBytes - image.DataOffset);

                AtRest.Repair(file, observer);

                (string what, long totalBytes) = Assert.Single(observer.Begun);
                Assert.Equal("repairing", what);
                Assert.InRange(totalBytes, dataBytes, dataBytes + 1023);
                Assert.Equal(totalBytes, observer.DoneBytes);
                Assert.True(observer.LeastBytes >= 0, "it went back");
            }
        });
    }

    [Fact]
    public void An_interrupted_repair_can_be_done_again()
    {
        foreach (ushort flags in new ushort[] { CowImage.Dirty, CowImage.Dirty | (ushort)CowFlags.BitmapDecides, 0 })
        {
            MemoryFile start = (Scattered with { Flags = flags }).ToSparse();
            MemoryFile expected = start.Copy();
            AtRest.Repair(expected);
            int stopAt = 1;
            for (; ; stopAt++)
            {
                MemoryFile file = start.Copy();
                try
                {
                    AtRest.Repair(file, new StoppingObserver(stopAt));
                    break;
                }
                catch (OperationCanceledException)
                {
                    Assert.True(AtRest.IsDirty(file) || file.DifferenceFrom(start) is null, $"clean and changed after step {stopAt}");
                    AtRest.Repair(file);
                    Assert.Null(file.DifferenceFrom(expected));
                }
            }
            Assert.True(stopAt > 5, $"only {stopAt} steps");
        }
    }

    [Fact]
    public void Memory_does_not_grow_with_the_base()
    {
        const long MaxBytes = 4 << 20;
        CowImage image = new CowImage { BlockCount = 1L << 30, Flags = CowImage.Dirty }.With(0, 1, 1);
        for (int index = 1; index < 40; index++)
        {
            image = image.WithData(index * 26_000_001L, 1, 2);
        }
        MemoryFile file = image.ToSparse();
        Assert.Equal(128 << 20, image.BitmapBytes);

        long before = GC.GetAllocatedBytesForCurrentThread();
        RepairReport report = AtRest.Repair(file);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(new RepairReport(39, 0, 40, -1), report);
        Assert.InRange(allocated, 0, MaxBytes);
    }

    private static IEnumerable<string> ChangesOf(MemoryFile memory)
    {
        var file = new TracingFile(memory);
        AtRest.Repair(file);
        return file.Calls.Where(call => !call.StartsWith("read", StringComparison.Ordinal) && !call.StartsWith("nextdata", StringComparison.Ordinal));
    }
}
