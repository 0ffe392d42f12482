using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Maintenance;

public class NobodyWatchesTests
{
    [Fact]
    public void Never_interrupts()
    {
        NobodyWatches.Instance.Begin("working", 2);
        NobodyWatches.Instance.Advance(1);
        NobodyWatches.Instance.Advance(long.MaxValue);
    }
}
