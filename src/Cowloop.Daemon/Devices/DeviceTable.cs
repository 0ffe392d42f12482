using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// The device numbers and who has them. A number and a cowfile are taken before anything is opened, under one lock, so two
/// activations at a time can't get the same one; the lock is never held across I/O.
/// </summary>
/// <param name="capacity">Number of device numbers.</param>
internal sealed class DeviceTable(int capacity)
{
    private readonly Lock _lock = new();
    private readonly CowDevice?[] _devices = new CowDevice?[capacity];
    private readonly bool[] _reserved = new bool[capacity];
    private int _closeCount;

    /// <summary>Number of device numbers.</summary>
    public int Capacity => capacity;

    /// <summary>True when no number is taken.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return !_reserved.Contains(true);
            }
        }
    }

    /// <summary>Takes a number: the one asked for, or the lowest free one.</summary>
    /// <param name="wanted">The number asked for, or null.</param>
    /// <param name="isPromised">Numbers that somebody counts on: taken unasked only when there is no other.</param>
    /// <exception cref="CowloopException">Specification 4.4 steps 2, 4 and 5, or the table is closed.</exception>
    public int Reserve(int? wanted, Predicate<int> isPromised)
    {
        lock (_lock)
        {
            if (_closeCount > 0)
            {
                throw new CowloopException(Errno.EBUSY, "the service is about to end and takes no new devices", "wait until it has ended, then try again");
            }
            if (wanted is int number)
            {
                CheckRange(number);
                if (_reserved[number])
                {
                    throw new CowloopException(Errno.EBUSY, $"cowdevice {number} is active already", "cowdev -l lists the active ones");
                }
            }
            else
            {
                int[] free = [.. Enumerable.Range(0, capacity).Where(candidate => !_reserved[candidate])];
                number = free.Where(candidate => !isPromised(candidate)).Concat(free).FirstOrDefault(-1);
                if (number < 0)
                {
                    throw new CowloopException(
                        Errno.EBUSY,
                        $"all {capacity} cowdevices are active",
                        "deactivate one, or load the service with a higher maxcows");
                }
            }
            _reserved[number] = true;
            return number;
        }
    }

    /// <summary>Puts the device under the number that was taken for it.</summary>
    public void Publish(CowDevice device)
    {
        lock (_lock)
        {
            _devices[device.Number] = device;
        }
    }

    /// <summary>Gives a number back.</summary>
    public void Release(int number)
    {
        lock (_lock)
        {
            _devices[number] = null;
            _reserved[number] = false;
        }
    }

    /// <summary>Finds an active device.</summary>
    /// <exception cref="CowloopException">Out of range, or not active.</exception>
    public CowDevice Get(int number)
    {
        lock (_lock)
        {
            CheckRange(number);
            return _devices[number] ?? throw new CowloopException(Errno.ENODEV, $"cowdevice {number} is not active", "cowdev -l lists the active ones");
        }
    }

    /// <summary>True when a device is active.</summary>
    public bool IsActive(int number)
    {
        lock (_lock)
        {
            return number >= 0 && number < capacity && _devices[number] is not null;
        }
    }

    /// <summary>The active devices, by number.</summary>
    public IReadOnlyList<CowDevice> List()
    {
        lock (_lock)
        {
            return [.. _devices.OfType<CowDevice>()];
        }
    }

    /// <summary>Refuses new devices until <see cref="Reopen"/> has been called as often.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closeCount++;
        }
    }

    /// <summary>Takes back one <see cref="Close"/>.</summary>
    public void Reopen()
    {
        lock (_lock)
        {
            _closeCount--;
        }
    }

    /// <summary>The device whose cowfile this is, or null. One that has closed it has nothing to do with it any more.</summary>
    public CowDevice? FindByCowfile(FileIdentity identity) => List().FirstOrDefault(device =>
        device.Overlay.Access != CowfileAccess.Closed && device.HasCowfile && device.Files.CowfileIdentity.IsSameAs(identity));

    /// <summary>A device that has this as a layer, or null.</summary>
    public CowDevice? FindByLayer(FileIdentity identity) =>
        List().FirstOrDefault(device => device.Files.Layers.Any(layer => layer.Identity.IsSameAs(identity)));

    /// <summary>A device whose base this is, or null.</summary>
    public CowDevice? FindByBase(FileIdentity identity) =>
        List().FirstOrDefault(device => device.Files.BaseIdentity.IsSameAs(identity));

    private void CheckRange(int number)
    {
        if (number < 0 || number >= capacity)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"there is no cowdevice {number}: numbers go from 0 to {capacity - 1}",
                "load the service with a higher maxcows for more");
        }
    }
}
