using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>A compact store is a cowfile like any other: the same operations leave the same header, the same bitmap and the same blocks.</summary>
public class CompactRandomTests
{
    [Theory]
    [InlineData(4 << 10, 70, 60, 80)]
    [InlineData(4 << 10, 9001, 4, 60)]
    [InlineData(16 << 10, 200, 30, 80)]
    [InlineData(64 << 10, 1000, 15, 80)]
    [InlineData(256 << 10, 1000, 10, 80)]
    [InlineData(1 << 20, 2500, 6, 60)]
    public void It_is_what_an_ordinary_cowfile_is(int chunkBytes, int blockCount, int seedCount, int stepCount)
    {
        int count = FuzzRun.IsSoak ? 100 * seedCount : seedCount;
        for (int seed = 1; seed <= count; seed++)
        {
            CompactRun.Check(seed, chunkBytes, blockCount, stepCount);
        }
    }
}
