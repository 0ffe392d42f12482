using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

public class BaseHintsTests
{
    [Fact]
    public void The_time_is_readable() =>
        Assert.Equal(new DateTimeOffset(2026, 2, 3, 4, 5, 6, TimeSpan.Zero), At(1_770_091_506_000_000_000).Modified);

    [Fact]
    public void The_earliest_time_that_a_record_can_hold_is_one_too() =>
        Assert.Equal(1677, At(long.MinValue).Modified.Year);

    private static BaseHints At(long nanoseconds) => new(1, 2, nanoseconds, 4);
}
