using System.Globalization;
using Cowloop.Control;
using Cowloop.Core;

namespace Cowloop.Daemon.Recovery;

/// <summary>The devices of a killed service that are not active again, and why. Safe for any thread.</summary>
internal sealed class UnrecoveredDevices(CowloopPaths paths)
{
    private readonly Lock _lock = new();

    // Without a reason: it is being recovered.
    private readonly SortedDictionary<int, (SavedDevice Device, CowloopException? Reason)> _devices = [];

    /// <summary>A device is about to be recovered.</summary>
    public void Begin(SavedDevice device) => Put(device, null);

    /// <summary>It could not be.</summary>
    /// <returns>How it is shown.</returns>
    public UnrecoveredDevice Fail(SavedDevice device, CowloopException reason)
    {
        Put(device, reason);
        return Describe(device, reason);
    }

    /// <summary>True when the number is that of such a device.</summary>
    public bool Has(int number)
    {
        lock (_lock)
        {
            return _devices.ContainsKey(number);
        }
    }

    /// <summary>Keeps a number to the device that is being recovered under it.</summary>
    /// <exception cref="CowloopException">There is one.</exception>
    public void RefusePending(int number)
    {
        lock (_lock)
        {
            if (_devices.TryGetValue(number, out (SavedDevice Device, CowloopException? Reason) entry) && entry.Reason is null)
            {
                throw Pending(number);
            }
        }
    }

    /// <summary>The device that had this cowfile, or null.</summary>
    /// <param name="request">Names the cowfile.</param>
    /// <exception cref="CowloopException">It is being recovered still.</exception>
    public SavedDevice? FindFormer(AttachRequest request)
    {
        if (!Path.IsPathFullyQualified(request.Directory)
            || request.Cowfile.Length == 0
            || request.Cowfile.Contains('\0')
            || request.Directory.Contains('\0'))
        {
            return null;
        }
        string path = Path.GetFullPath(request.Cowfile, request.Directory);
        lock (_lock)
        {
            (SavedDevice? device, CowloopException? reason) = _devices.Values.FirstOrDefault(entry => entry.Device.CowfilePath == path);
            return device is null || reason is not null ? device : throw Pending(device.Number);
        }
    }

    /// <summary>Forgets a device that could not be recovered.</summary>
    /// <returns>False when the number is not that of such a device.</returns>
    /// <exception cref="CowloopException">It is being recovered still.</exception>
    public bool TryForget(int number)
    {
        lock (_lock)
        {
            if (!_devices.TryGetValue(number, out (SavedDevice Device, CowloopException? Reason) entry))
            {
                return false;
            }
            if (entry.Reason is null)
            {
                throw Pending(number);
            }
            return _devices.Remove(number);
        }
    }

    /// <summary>A device has been activated: it takes the place of those that had its number or its cowfile.</summary>
    /// <returns>The numbers of the others.</returns>
    public IReadOnlyList<int> Replace(CowDevice device)
    {
        lock (_lock)
        {
            int[] replaced =
            [
                .. _devices.Values
                    .Select(entry => entry.Device)
                    .Where(former => former.Number == device.Number || IsSameCowfile(former, device))
                    .Select(former => former.Number),
            ];
            foreach (int number in replaced)
            {
                _devices.Remove(number);
            }
            return [.. replaced.Where(number => number != device.Number)];
        }
    }

    /// <summary>All of them, by number.</summary>
    public IReadOnlyList<UnrecoveredDevice> DescribeAll()
    {
        lock (_lock)
        {
            return [.. _devices.Values.Select(entry => Describe(entry.Device, entry.Reason))];
        }
    }

    private static bool IsSameCowfile(SavedDevice former, CowDevice device) =>
        former.Mode == DeviceMode.Writable && device.HasCowfile && former.CowfileIdentity.IsSameAs(device.Files.CowfileIdentity);

    private static CowloopException Pending(int number) =>
        new(Errno.EBUSY, $"cowdevice {number} is being recovered", "cowloop status shows when that is done");

    private UnrecoveredDevice Describe(SavedDevice device, CowloopException? reason) => new()
    {
        Number = device.Number,
        Path = paths.Node(device.Number),
        Base = device.Base,
        BasePath = device.BasePath,
        Cowfile = device.Cowfile,
        CowfilePath = device.CowfilePath,
        Reason = reason?.Message ?? "it is being recovered",
        Hint = reason?.Hint,
        Command = reason is null ? null : CommandFor(device),
    };

    private string CommandFor(SavedDevice device)
    {
        string basePath = ShellWord.ForPath(device.BaseNode ?? device.BasePath);
        if (device.Mode == DeviceMode.Writable && device.Layers.Count == 0)
        {
            return $"cowdev -a {basePath} {ShellWord.ForPath(device.CowfilePath)} {ShellWord.ForPath(paths.Node(device.Number))}";
        }
        string layers = string.Concat(device.Layers.Select(layer => $" --layer {ShellWord.ForPath(layer)}"));
        string top = device.Mode == DeviceMode.ReadOnly ? "--read-only" : ShellWord.ForPath(device.CowfilePath);
        return $"cowloop attach {basePath}{layers} {top} --number {device.Number.ToString(CultureInfo.InvariantCulture)}";
    }

    private void Put(SavedDevice device, CowloopException? reason)
    {
        lock (_lock)
        {
            _devices[device.Number] = (device, reason);
        }
    }
}
