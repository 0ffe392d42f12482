using Cowloop.Core;

namespace Cowloop.Control.Tests;

public class OnFullTests
{
    [Theory]
    [InlineData("error", 0)]
    [InlineData("wait:1", 1)]
    [InlineData("wait:60", 60)]
    [InlineData("wait:2678400", 31 * 24 * 3600)]
    public void A_text_is_a_time_to_wait(string text, int seconds)
    {
        OnFull onFull = OnFull.Parse(text);

        Assert.Equal(TimeSpan.FromSeconds(seconds), onFull.WaitTime);
        Assert.Equal(text, onFull.ToString());
    }

    [Fact]
    public void Waiting_without_seconds_has_no_end()
    {
        OnFull onFull = OnFull.Parse("wait");

        Assert.Equal(Timeout.InfiniteTimeSpan, onFull.WaitTime);
        Assert.Equal("wait", onFull.ToString());
    }

    [Fact]
    public void The_two_that_are_taken_for_granted()
    {
        Assert.Equal("error", OnFull.Error.ToString());
        Assert.Equal("wait:60", OnFull.WaitAMinute.ToString());
        Assert.Equal(OnFull.Error, default);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Error")]
    [InlineData("wait:")]
    [InlineData("wait:0")]
    [InlineData("wait:-1")]
    [InlineData("wait:+1")]
    [InlineData("wait: 1")]
    [InlineData("wait:1.5")]
    [InlineData("wait:1s")]
    [InlineData("wait:2678401")]
    [InlineData("wait:99999999999")]
    [InlineData("wait 60")]
    [InlineData("60")]
    public void Anything_else_is_refused_with_what_there_is(string text)
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => OnFull.Parse(text));

        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.Contains($"'{text}'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("wait:SECONDS", exception.Hint, StringComparison.Ordinal);
    }
}
