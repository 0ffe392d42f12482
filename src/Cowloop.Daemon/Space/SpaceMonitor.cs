using Cowloop.Control;

namespace Cowloop.Daemon.Space;

/// <summary>
/// Has the space of all devices checked: one timer, which runs while there are devices. A filesystem that does not answer holds up the check
/// of its own devices and no other.
/// </summary>
/// <param name="table">The devices.</param>
/// <param name="events">Those who listen.</param>
/// <param name="describe">The device's space as they are told of it.</param>
internal sealed class SpaceMonitor(DeviceTable table, ServiceEvents events, Func<CowDevice, DeviceSpace> describe) : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Timer? _timer;
    private bool _isRunning;
    private bool _isDisposed;

    /// <summary>Checks a device of the table from now on, until it is gone.</summary>
    public void Add(CowDevice device)
    {
        Check(device);
        lock (_lock)
        {
            if (!_isRunning)
            {
                _isRunning = true;
                _timer ??= new Timer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                _timer.Change(Period, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Checks a device at once, for instance because its marks are others now.</summary>
    public void Check(CowDevice device)
    {
        try
        {
            device.Check.Run(events, describe);
        }
#pragma warning disable CA1031 // Whatever goes wrong with a check, the devices go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            ServiceLog.Error($"space of cowdevice {device.Number} not checked: {exception}");
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
    }

    private void Tick()
    {
        foreach (CowDevice device in table.List().Where(device => device.Check.IsDue))
        {
            ThreadPool.QueueUserWorkItem(_ => Check(device));
        }
        lock (_lock)
        {
            _isRunning = !table.IsEmpty;
            if (_isRunning && !_isDisposed)
            {
                _timer!.Change(Period, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
