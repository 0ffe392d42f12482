using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Maintenance;

public class BlockRunTests
{
    [Fact]
    public void A_run_ends_behind_its_last_block()
    {
        Assert.Equal(8, new BlockRun(7, 1).EndBlock);
        Assert.Equal((1L << 32) + 5, new BlockRun(5, 1L << 32).EndBlock);
    }
}
