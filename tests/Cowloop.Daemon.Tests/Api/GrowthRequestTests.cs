using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon.Tests.Api;

public class GrowthRequestTests
{
    [Fact]
    public void One_thing_is_said_or_nothing()
    {
        Assert.Equal(StoreGrowth.Unsaid, GrowthRequest.Read(new GrowRequest()));
        Assert.Equal(StoreGrowth.To(5), GrowthRequest.Read(new GrowRequest(LimitBytes: 5)));
        Assert.Equal(StoreGrowth.By(5), GrowthRequest.Read(new GrowRequest(AddedBytes: 5)));
        Assert.Equal(StoreGrowth.Unlimited, GrowthRequest.Read(new GrowRequest(Unlimited: true)));
    }

    [Theory]
    [InlineData(1L, 1L, false, "exclude each other")]
    [InlineData(1L, null, true, "exclude each other")]
    [InlineData(null, 1L, true, "exclude each other")]
    [InlineData(0L, null, false, "more than 0 bytes")]
    [InlineData(-1L, null, false, "more than 0 bytes")]
    [InlineData(null, 0L, false, "more than 0 bytes")]
    [InlineData(null, long.MinValue, false, "more than 0 bytes")]
    public void What_contradicts_itself_is_refused(long? limitBytes, long? addedBytes, bool isUnlimited, string reason)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => GrowthRequest.Read(new GrowRequest(limitBytes, addedBytes, isUnlimited)));

        Assert.Equal(Errno.EINVAL, refused.Errno);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }
}
