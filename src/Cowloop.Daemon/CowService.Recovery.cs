using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Linux;

namespace Cowloop.Daemon;

internal sealed partial class CowService
{
    /// <summary>
    /// Makes the devices again that were active when the service was killed, under their numbers and with all that was acknowledged. To be called once,
    /// before anything else is asked for.
    /// </summary>
    public void Recover()
    {
        foreach (SavedDevice device in _leftDevices)
        {
            if (device.IsOnCowdevice)
            {
                LiveDirectory.RemoveAll(device.LiveKey);
            }
            if (device.Exchange is { IsOnCowdevice: true } exchange)
            {
                LiveDirectory.RemoveAll(exchange.LiveKey);
            }
        }
        new DeviceRecovery(_unrecovered, new InterruptedExchange(_table).Decide, Recover).Run(_leftDevices);
        foreach (OrphanedUse use in _dead.DescribeUses(_table.IsActive))
        {
            string command = use.Command is null ? "end that use" : $"run: {use.Command}";
            ServiceLog.Warning($"{use.KernelName}, which was cowdevice {use.Number} and answers nothing but errors now, is still {use.Use}; {command}");
        }
    }

    /// <summary>True when a device is active.</summary>
    public bool HasDevices => _table.List().Count > 0;

    /// <summary>Activates device 0, unless the very same has just been recovered.</summary>
    /// <exception cref="CowloopException">Refused; nothing is left behind.</exception>
    public void AttachFirst(AttachRequest request)
    {
        if (_table.List().FirstOrDefault(device => device.Number == 0) is not CowDevice first
            || !IsNameOf(request.Base, first.Files.BasePath)
            || !IsNameOf(request.Cowfile, first.Files.CowfilePath))
        {
            Attach(request with { Number = 0 });
        }

        bool IsNameOf(string name, string path) => name.Length > 0 && Path.GetFullPath(name, request.Directory) == path;
    }

    /// <summary>Makes a device of a killed service again.</summary>
    /// <exception cref="CowloopException">That can't be done; the next start tries again.</exception>
    private void Recover(SavedDevice device)
    {
        if (device.Access == CowfileAccess.Closed)
        {
            throw new CowloopException(Errno.EINVAL, $"cowctl -c has let go of cowfile {device.Cowfile}, and somebody else may have it");
        }
        try
        {
            Attach(device.ToRequest(), device);
        }
        catch
        {
            // It may have been active for a moment.
            _ = _saved.TryWrite(device);
            EndIfDrained();
            throw;
        }
    }

    private void SaveChange(CowDevice device, Func<SavedDevice, SavedDevice> change)
    {
        lock (device.OpenLock)
        {
            // Nothing is written down of a device any more that has just gone: its number may be another one's.
            if (!device.Closed.IsCompleted && _saved.TryChange(device.Number, change) is string why)
            {
                ServiceLog.Error(NotSaved(device.Number, why));
            }
        }
    }

    private static string NotSaved(int number, string why) => $"cowdevice {number} will not come back by itself if the service is killed: {why}";
}
