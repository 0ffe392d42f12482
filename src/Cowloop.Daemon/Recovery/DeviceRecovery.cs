using System.Diagnostics;
using Cowloop.Core;

namespace Cowloop.Daemon.Recovery;

/// <summary>Makes the devices of a killed service again, each after the one that is its base. One that can't be made does not keep the others.</summary>
/// <param name="unrecovered">Lists those that are not active yet.</param>
/// <param name="decide">Settles what a device is that was just being changed. Done again and again it does the same.</param>
/// <param name="activate">Makes one, and takes it off that list.</param>
internal sealed class DeviceRecovery(UnrecoveredDevices unrecovered, Func<SavedDevice, SavedDevice> decide, Action<SavedDevice> activate)
{
    // Files that do not answer keep a device from coming back, but not the service from serving the others.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    // The last files of a killed process may be closed a moment after the lock that this service has got.
    private static readonly TimeSpan PredecessorTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryTime = TimeSpan.FromMilliseconds(20);

    private readonly Dictionary<int, SavedDevice> _devices = [];
    private readonly Dictionary<int, Task> _tasks = [];

    /// <summary>Makes them, and waits for that as far as their files answer; what takes longer goes on meanwhile.</summary>
    public void Run(IReadOnlyList<SavedDevice> devices)
    {
        foreach (SavedDevice device in devices)
        {
            unrecovered.Begin(device);
            _devices[device.Number] = device;
        }
        Task[] tasks = [.. devices.Select(Start)];
        if (!Task.WaitAll(tasks, MaxWait))
        {
            ServiceLog.Warning("not all devices are recovered yet: their files are slow to answer; cowloop status shows them");
        }
    }

    private Task Start(SavedDevice device)
    {
        if (_tasks.TryGetValue(device.Number, out Task? started))
        {
            return started;
        }
        // Nothing waits for itself, whatever the files say.
        _tasks[device.Number] = Task.CompletedTask;
        Task lower = device.Lower is int number && _devices.TryGetValue(number, out SavedDevice? below) ? Start(below) : Task.CompletedTask;
        return _tasks[device.Number] = lower.ContinueWith(_ => Recover(device), TaskScheduler.Default);
    }

    private void Recover(SavedDevice device)
    {
        for (var waited = Stopwatch.StartNew(); ; Thread.Sleep(RetryTime))
        {
            try
            {
                device = decide(device);
                activate(device);
                return;
            }
            catch (CowloopException exception) when (exception.Errno == Errno.EBUSY && waited.Elapsed < PredecessorTime)
            {
            }
            catch (CowloopException exception)
            {
                Fail(device, exception);
                return;
            }
#pragma warning disable CA1031 // Whatever is wrong with one device, the others go on.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                ServiceLog.Error($"unexpected: {exception}");
                Fail(device, new CowloopException(Errno.EIO, $"unexpected: {exception.Message}", "please report this, with the service's log"));
                return;
            }
        }
    }

    private void Fail(SavedDevice device, CowloopException reason)
    {
        string hint = reason.Hint is null ? "" : $" ({reason.Hint})";
        string command = unrecovered.Fail(device, reason).Command!;
        ServiceLog.Error($"cowdevice {device.Number} is not recovered: {reason.Message}{hint}; when that is put right: {command}");
    }
}
