using System.Text.RegularExpressions;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon.Recovery;

/// <summary>
/// The loop devices that services which died have left: they answer nothing but errors. The kernel is told to let each go with its last user; who
/// still uses one is never touched, but named.
/// </summary>
internal sealed partial class DeadDevices
{
    private readonly CowloopPaths _paths;
    private readonly DeviceOpeners _openers;
    private readonly Lock _lock = new();
    private readonly List<(int Number, LoopDevice Loop)> _devices;

    /// <summary>Finds and releases them. No device of this service may be there yet.</summary>
    /// <param name="paths">Whose devices they are.</param>
    /// <param name="openers">Looks at the processes that have them open.</param>
    public DeadDevices(CowloopPaths paths, DeviceOpeners openers)
    {
        _paths = paths;
        _openers = openers;
        _devices = [.. LoopDevice.Find("/cow", label => NumberOf(label) is not null).Select(loop => (NumberOf(loop.Label) ?? 0, loop))];
        foreach ((int number, LoopDevice loop) in _devices)
        {
            Errno errno = loop.DetachOnLastClose();
            if (errno is Errno.None or Errno.ENXIO)
            {
                ServiceLog.Warning($"cleared {loop.KernelName}, which a service that died has left as cowdevice {number}");
            }
            else
            {
                ServiceLog.Error($"cannot clear {loop.KernelName}, which a service that died has left as cowdevice {number}: {errno.Text()}");
            }
        }
    }

    /// <summary>What uses them still, as it is now.</summary>
    /// <param name="isActive">Tells whether a number is active again.</param>
    public IReadOnlyList<OrphanedUse> DescribeUses(Predicate<int> isActive)
    {
        IReadOnlyList<(int Number, LoopDevice Loop)> left = Left();
        if (left.Count == 0)
        {
            return [];
        }
        var users = new DeviceUsers(_openers);
        return [.. left.OrderBy(device => device.Number).SelectMany(device => DescribeUses(device.Number, device.Loop, users, isActive(device.Number)))];
    }

    /// <summary>Refuses a file on a filesystem that has lost its device: whoever uses it keeps the user from unmounting it.</summary>
    /// <param name="what">What the file is, for the message.</param>
    /// <param name="path">Its absolute path; it need not exist.</param>
    /// <exception cref="CowloopException">So it is.</exception>
    public void RefuseFileOn(string what, string path)
    {
        IReadOnlyList<(int Number, LoopDevice Loop)> left = Left();
        if (left.Count == 0)
        {
            return;
        }
        IReadOnlySet<DeviceNumber> disks = StorageStack.Below(path).Devices;
        foreach ((int number, LoopDevice loop) in left.Where(device => disks.Contains(device.Loop.Number)))
        {
            throw new CowloopException(
                Errno.EIO,
                $"{what} lies on cowdevice {number} as a killed service has left it ({loop.KernelName}), which answers nothing but errors",
                "cowloop status tells how to mount it again");
        }
    }

    [GeneratedRegex("^cow([0-9]{1,4}) ")]
    private static partial Regex LabelStart();

    /// <summary>The device number that a label of this run directory's services stands for, or null.</summary>
    private int? NumberOf(string label) =>
        LabelStart().Match(label) is { Success: true } match
        && int.Parse(match.Groups[1].ValueSpan) is int number
        && DeviceActivation.LabelOf(number, _paths) == label
            ? number
            : null;

    /// <summary>Those that are still there; one that has gone never comes back.</summary>
    private IReadOnlyList<(int Number, LoopDevice Loop)> Left()
    {
        lock (_lock)
        {
            _devices.RemoveAll(device => !device.Loop.IsBound);
            return [.. _devices];
        }
    }

    private IEnumerable<OrphanedUse> DescribeUses(int number, LoopDevice loop, DeviceUsers users, bool isActive)
    {
        DeviceUse[] uses = [.. users.UsesOf(loop.Number)];
        if (uses.Length == 0)
        {
            yield return new OrphanedUse(number, loop.KernelName, "in use by something that cannot be seen from here", null, null);
        }
        foreach (DeviceUse use in uses)
        {
            yield return new OrphanedUse(
                number,
                loop.KernelName,
                use.Text,
                use.Mount?.MountPoint,
                use.Mount is MountEntry mount ? CommandFor(mount, NodeOf(number, loop, use.Device), isActive) : null);
        }
    }

    private string NodeOf(int number, LoopDevice loop, DeviceNumber used)
    {
        int partition = loop.Partitions().FirstOrDefault(candidate => candidate.Value.Number == used).Key;
        return partition == 0 ? _paths.Node(number) : _paths.Partition(number, partition);
    }

    /// <summary>A part of a filesystem that is mounted somewhere else, too, has to be mounted as it was; only its user knows how.</summary>
    private static string CommandFor(MountEntry mount, string node, bool isActive)
    {
        string mountPoint = ShellWord.ForPath(mount.MountPoint);
        return isActive && mount.Root == "/"
            ? $"umount {mountPoint} && mount {ShellWord.ForPath(node)} {mountPoint}"
            : $"umount {mountPoint}";
    }
}
