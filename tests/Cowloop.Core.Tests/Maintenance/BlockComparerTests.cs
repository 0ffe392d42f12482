using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class BlockComparerTests
{
    [Fact]
    public void Runs_go_as_far_as_they_are_alike()
    {
        byte[] one = Fixtures.Filled(3 << 20, 1);
        byte[] other = [.. one];
        other[5 * 1024]++;
        other[6 * 1024 + 1023]++;
        other[1024 * 1024 + 7]++;

        Assert.Equal(
            [
                new ComparedRun(new BlockRun(2, 3), true),
                new ComparedRun(new BlockRun(5, 2), false),
                new ComparedRun(new BlockRun(7, 1017), true),
                new ComparedRun(new BlockRun(1024, 1), false),
                new ComparedRun(new BlockRun(1025, 2047), true),
            ],
            Compare(new MemoryFile(one), 0, new MemoryFile(other), 0, new BlockRun(2, 3070)));
    }

    [Fact]
    public void Each_file_has_its_own_start()
    {
        byte[] one = Fixtures.RandomBytes(new Random(1), 16 * 1024);

        Assert.Equal(
            [new ComparedRun(new BlockRun(0, 12), true)],
            Compare(new MemoryFile(one), 4096, new MemoryFile(one.AsSpan(4096)), 0, new BlockRun(0, 12)));
    }

    [Fact]
    public void A_hole_is_equal_to_zeros_and_two_holes_are_not_read()
    {
        var one = new MemoryFile(new byte[8192]);
        one.SetLength(1L << 40);
        var other = new MemoryFile();
        other.SetLength(1L << 40);

        Assert.Equal([new ComparedRun(new BlockRun(0, 1L << 30), true)], Compare(one, 0, other, 0, new BlockRun(0, 1L << 30)));
    }

    [Fact]
    public void What_cannot_be_read_is_told()
    {
        var one = new MemoryFile(Fixtures.Filled(64 * 1024, 1));
        var other = new MemoryFile(Fixtures.Filled(64 * 1024, 2));

        int faults = EveryCall.MustBeTold(fault => Compare(new FaultyFile(one, fault), 0, other, 0, new BlockRun(0, 64)));

        Assert.True(faults >= EveryCall.Faults.Count());
    }

    private static List<ComparedRun> Compare(IBlockFile one, long oneOffset, IBlockFile other, long otherOffset, BlockRun range) =>
        [.. new BlockComparer(new CheckedFile(one, "a"), oneOffset, new CheckedFile(other, "b"), otherOffset).Compare(range, NobodyWatches.Instance)];
}
