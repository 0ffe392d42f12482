using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Daemon.Tests.Support;

namespace Cowloop.Daemon.Tests.Recovery;

public class DeviceRecoveryTests
{
    private readonly UnrecoveredDevices _unrecovered = new(new CowloopPaths("/r", "/dev/cow"));
    private readonly Lock _lock = new();
    private readonly List<int> _activated = [];

    [Fact]
    public void A_device_comes_after_the_one_that_is_its_base()
    {
        Run(Activate, Samples.Device(0, lower: 5), Samples.Device(1), Samples.Device(5, lower: 7), Samples.Device(7));

        Assert.Equal([0, 1, 5, 7], _activated.Order());
        Assert.Equal([7, 5, 0], _activated.Where(number => number != 1));
        Assert.Empty(Reasons());
    }

    [Fact]
    public void One_that_fails_does_not_keep_the_others()
    {
        Run(
            device =>
            {
                if (device.Number < 2)
                {
                    throw device.Number == 0 ? new CowloopException(Errno.EINVAL, "it is gone", "look for it") : new InvalidOperationException("a bug");
                }
                Activate(device);
            },
            Samples.Device(0),
            Samples.Device(1),
            Samples.Device(2),
            Samples.Device(3, lower: 0));

        Assert.Equal([2, 3], _activated.Order());
        Assert.Equal(["it is gone", "unexpected: a bug"], Reasons());
        Assert.Equal("look for it", _unrecovered.DescribeAll()[0].Hint);
    }

    [Fact]
    public void What_is_busy_for_a_moment_is_tried_again()
    {
        int tries = 0;
        Run(
            device =>
            {
                if (++tries < 3)
                {
                    throw new CowloopException(Errno.EBUSY, "locked");
                }
                Activate(device);
            },
            Samples.Device(4));

        Assert.Equal([4], _activated);
        Assert.Empty(Reasons());
    }

    [Fact]
    public void What_stays_busy_is_not_recovered()
    {
        Run(_ => throw new CowloopException(Errno.EBUSY, "locked"), Samples.Device(4));

        Assert.Equal(["locked"], Reasons());
    }

    [Fact]
    public void Devices_that_wait_for_each_other_do_not_hang()
    {
        Run(Activate, Samples.Device(0, lower: 1), Samples.Device(1, lower: 0), Samples.Device(2, lower: 2));

        Assert.Equal([0, 1, 2], _activated.Order());
    }

    private void Run(Action<SavedDevice> activate, params SavedDevice[] devices) => new DeviceRecovery(_unrecovered, device => device, activate).Run(devices);

    private void Activate(SavedDevice device)
    {
        Assert.Equal("it is being recovered", _unrecovered.DescribeAll().Single(shown => shown.Number == device.Number).Reason);
        lock (_lock)
        {
            _activated.Add(device.Number);
        }
        // As the service does with a device that is active.
        _unrecovered.Fail(device, new CowloopException(Errno.None, "active"));
        Assert.True(_unrecovered.TryForget(device.Number));
    }

    private IEnumerable<string> Reasons() => _unrecovered.DescribeAll().Select(device => device.Reason);
}
