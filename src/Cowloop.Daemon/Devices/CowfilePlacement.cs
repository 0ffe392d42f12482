using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// Sees to it that what is written to a cowfile does not go through the base of its own device, or through a device that takes no writes. A
/// cowfile on another cowdevice is fine: nothing that is there already can depend on a device that is only made.
/// </summary>
internal sealed class CowfilePlacement(DeviceTable table)
{
    /// <summary>Follows a cowfile down to the disks. Nothing is written meanwhile, and nothing has been.</summary>
    /// <param name="name">As the user named it, for messages.</param>
    /// <param name="path">Absolute path; the file need not exist.</param>
    /// <param name="baseIdentity">Which file the base is.</param>
    /// <returns>True when it lies on a filesystem on another cowdevice.</returns>
    /// <exception cref="CowloopException">It must not lie there.</exception>
    public bool Check(string name, string path, FileIdentity baseIdentity)
    {
        bool isOnCowdevice = false;
        foreach ((StorageStack stack, IReadOnlyList<CowDevice> devices) in FollowDown(path))
        {
            if (stack.GoesThrough(baseIdentity))
            {
                throw OnItsBase(name);
            }
            foreach (CowDevice device in devices)
            {
                isOnCowdevice = true;
                if (device.DependentCount > 0)
                {
                    throw new CowloopException(
                        Errno.EINVAL,
                        $"cowfile {name} lies on cowdevice {device.Number}, which takes no writes: it is the rdofile of another one, or of this one",
                        "put the cowfile on another filesystem");
                }
                if (device.Files.CowfileIdentity.IsSameAs(baseIdentity))
                {
                    throw OnItsBase(name);
                }
            }
        }
        return isOnCowdevice;
    }

    /// <summary>Refuses a new cowfile for a device that exists where it would lie on that device: each write to it would become another one.</summary>
    /// <param name="name">As the user named it, for messages.</param>
    /// <param name="path">Absolute path; the file need not exist.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="CowloopException">It would lie there.</exception>
    public void RequireElsewhere(string name, string path, CowDevice device)
    {
        if (FollowDown(path).Any(below => below.Devices.Contains(device)))
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {name} lies on a filesystem on cowdevice {device.Number} itself: each write to it would become another one",
                "put the cowfile on another filesystem");
        }
    }

    /// <summary>What a file lies on, with the cowdevices among that; then what their cowfiles lie on, and so on down to the disks.</summary>
    private IEnumerable<(StorageStack Stack, IReadOnlyList<CowDevice> Devices)> FollowDown(string path)
    {
        IReadOnlyList<CowDevice> devices = table.List();
        var passed = new HashSet<CowDevice>();
        var toFollow = new Queue<StorageStack>([StorageStack.Below(path)]);
        while (toFollow.TryDequeue(out StorageStack? stack))
        {
            CowDevice[] below = [.. devices.Where(device => device.IsAttached && stack.Devices.Contains(device.Attachment.Loop.Number))];
            yield return (stack, below);
            foreach (CowDevice device in below.Where(device => device.HasCowfile && device.Overlay.Access != CowfileAccess.Closed && passed.Add(device)))
            {
                toFollow.Enqueue(StorageStack.Below(device.Files.CowfileIdentity, device.Files.CowfilePath));
            }
        }
    }

    private static CowloopException OnItsBase(string name) => new(
        Errno.EINVAL,
        $"cowfile {name} lies on a filesystem on its own rdofile: each write to it would change that",
        "put the cowfile on another filesystem");
}
