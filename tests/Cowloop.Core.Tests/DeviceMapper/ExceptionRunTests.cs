using Cowloop.Core.DeviceMapper;

namespace Cowloop.Core.Tests.DeviceMapper;

public class ExceptionRunTests
{
    [Fact]
    public void It_goes_on_only_on_both_sides()
    {
        var run = new ExceptionRun(10, 2, 3);

        Assert.Equal((13, 5), (run.OldEnd, run.NewEnd));
        Assert.True(run.IsFollowedBy(13, 5));
        Assert.False(run.IsFollowedBy(13, 6));
        Assert.False(run.IsFollowedBy(14, 5));
        Assert.False(default(ExceptionRun).IsFollowedBy(0, 0));
    }
}
