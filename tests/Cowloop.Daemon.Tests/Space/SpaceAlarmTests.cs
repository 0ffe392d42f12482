using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Daemon.Tests.Space;

public class SpaceAlarmTests
{
    private const ulong TotalKiB = 1 << 20;

    private readonly SpaceAlarm _alarm = new(3, () => "/srv/my.cow");
    private IReadOnlyList<Watermark> _marks = [];
    private long _usedBlocks;

    [Fact]
    public void With_space_there_is_nothing_to_say()
    {
        Assert.Empty(Compare(TotalKiB / 2));
        Assert.False(_alarm.IsRaised);
        Assert.False(_alarm.IsNews(default));
    }

    /// <summary>Specification 4.11: one line on the way down, one at the end, one when it is over.</summary>
    [Fact]
    public void The_originals_lines_come_once_each()
    {
        Assert.Contains("almost full (only 400 Kb free) /srv/my.cow of cowdevice 3", Assert.Single(Compare(400)).Text, StringComparison.Ordinal);
        Assert.True(_alarm.IsRaised);
        // Not for every block that comes and goes.
        Assert.Empty(Compare(500));
        Assert.StartsWith("ALERT: cowfile full!", Assert.Single(Compare(8)).Text, StringComparison.Ordinal);
        Assert.Empty(Compare(30));
        Assert.Contains("almost full", Assert.Single(Compare(500)).Text, StringComparison.Ordinal);
        Assert.Contains("no longer almost full", Assert.Single(Compare(1000)).Text, StringComparison.Ordinal);
        Assert.False(_alarm.IsRaised);
    }

    [Fact]
    public void A_mark_is_told_when_it_is_crossed_and_when_it_is_left()
    {
        _marks = Watermark.ParseList("80%,1M");

        SpaceChange low = Assert.Single(Compare(TotalKiB / 10));
        Assert.Equal((ServiceEvents.Low, "80%"), (low.Event, low.Mark));
        Assert.Equal(["80%"], _alarm.Low);
        Assert.Empty(Compare(TotalKiB / 10));
        Assert.Equal(["1M"], Compare(1000).Where(change => change.Event == ServiceEvents.Low).Select(change => change.Mark));
        Assert.Equal(["80%", "1M"], _alarm.Low);

        Assert.Equal(["80%", "1M"], Compare(TotalKiB / 2).Where(change => change.Event == ServiceEvents.Ok).Select(change => change.Mark));
        Assert.Empty(_alarm.Low);
    }

    [Fact]
    public void A_mark_that_is_taken_away_is_not_low_any_more()
    {
        _marks = Watermark.ParseList("80%");
        Compare(TotalKiB / 10);
        _marks = [];

        Assert.Empty(Compare(TotalKiB / 10));
        Assert.Empty(_alarm.Low);
    }

    [Fact]
    public void Changes_that_wait_are_told_and_so_is_their_end()
    {
        SpaceChange full = Assert.Single(Compare(8, new SpaceShortage(2, DateTime.UtcNow, 2, 0, Errno.ENOSPC)), change => change.Event is not null);
        Assert.Equal(ServiceEvents.Full, full.Event);
        Assert.Contains("changes wait for it (No space left on device)", full.Text, StringComparison.Ordinal);
        Assert.True(_alarm.IsFull);

        SpaceChange resumed = Assert.Single(Compare(TotalKiB / 2, new SpaceShortage(0, null, 2, 0, Errno.ENOSPC)),
            change => change.Event is not null);
        Assert.Equal(ServiceEvents.Resumed, resumed.Event);
        Assert.EndsWith("2 changes waited for it, 0 changes failed", resumed.Text, StringComparison.Ordinal);
        Assert.False(_alarm.IsFull);
    }

    [Fact]
    public void Those_that_fail_after_they_have_waited_are_told_once_more()
    {
        Compare(8, new SpaceShortage(1, DateTime.UtcNow, 1, 0, Errno.ENOSPC));

        SpaceChange failing = Assert.Single(Compare(8, new SpaceShortage(0, null, 1, 1, Errno.ENOSPC)));

        Assert.Null(failing.Event);
        Assert.Contains("changes that have waited for it fail", failing.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void After_failures_it_is_full_until_there_is_space_again()
    {
        var failed = new SpaceShortage(0, null, 0, 1, Errno.ENOSPC);
        Compare(8, failed);
        Assert.True(_alarm.IsFull);
        Assert.DoesNotContain(Compare(16, failed), change => change.Event == ServiceEvents.Resumed);

        Assert.Equal(ServiceEvents.Resumed, Assert.Single(Compare(200, failed), change => change.Event is not null).Event);
    }

    /// <summary>A quota shows nowhere in the filesystem's figures: what is stored does.</summary>
    [Fact]
    public void After_failures_it_is_full_until_something_has_been_stored()
    {
        var failed = new SpaceShortage(0, null, 0, 1, Errno.EDQUOT);
        Compare(TotalKiB / 2, failed);
        Assert.Empty(Compare(TotalKiB / 2, failed));
        _usedBlocks += 64;

        Assert.Equal(ServiceEvents.Resumed, Assert.Single(Compare(TotalKiB / 2, failed)).Event);
    }

    /// <summary>The check may come when the space has been freed already: there is nothing more to wait for then.</summary>
    [Fact]
    public void Space_that_is_there_when_a_failure_is_noticed_is_space_again()
    {
        var failed = new SpaceShortage(0, null, 0, 1, Errno.ENOSPC);
        Assert.Equal(ServiceEvents.Full, Assert.Single(Compare(TotalKiB / 2, failed)).Event);

        Assert.Equal(ServiceEvents.Resumed, Assert.Single(Compare(TotalKiB / 2, failed)).Event);
    }

    private IReadOnlyList<SpaceChange> Compare(ulong availableKiB, SpaceShortage shortage = default) =>
        _alarm.Compare(new FileSystemSpace(TotalKiB, availableKiB, availableKiB / 4), _marks, shortage, _usedBlocks);
}
