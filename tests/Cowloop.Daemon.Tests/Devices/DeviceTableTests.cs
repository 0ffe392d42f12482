using Cowloop.Core;

namespace Cowloop.Daemon.Tests.Devices;

public class DeviceTableTests
{
    private readonly DeviceTable _table = new(3);

    [Fact]
    public void The_lowest_free_number_that_nobody_counts_on_is_taken_first()
    {
        Assert.Equal(1, _table.Reserve(null, number => number == 0));
        Assert.Equal(2, _table.Reserve(null, number => number == 0));
        Assert.Equal(0, _table.Reserve(null, number => number == 0));
        Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => _table.Reserve(null, _ => false)).Errno);
    }

    [Fact]
    public void Who_asks_for_a_number_gets_it()
    {
        Assert.Equal(2, _table.Reserve(2, number => number == 2));
        Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => _table.Reserve(2, _ => false)).Errno);
        Assert.Equal(Errno.EINVAL, Assert.Throws<CowloopException>(() => _table.Reserve(3, _ => false)).Errno);
        Assert.False(_table.IsActive(2));
        Assert.False(_table.IsActive(3));
    }
}
