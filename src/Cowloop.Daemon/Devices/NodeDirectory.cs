using System.Diagnostics;
using System.Text.RegularExpressions;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// The block nodes of the devices: N for the disk and NpM for its partitions, with the numbers of the loop device. Where
/// device nodes can't be made they are symbolic links.
/// </summary>
internal sealed partial class NodeDirectory
{
    private static readonly TimeSpan PartxTime = TimeSpan.FromSeconds(10);

    private readonly CowloopPaths _paths;
    private readonly Lock _lock = new();
    // The partitions that have a node, by device. The directory itself is not searched for them: it may hold very many nodes.
    private readonly Dictionary<int, SortedSet<int>> _partitions = [];

    /// <summary>Clears out the nodes that a service that died has left.</summary>
    public NodeDirectory(CowloopPaths paths)
    {
        _paths = paths;
        foreach (string path in Directory.EnumerateFileSystemEntries(paths.DeviceDirectory).Where(path => NodeName().IsMatch(Path.GetFileName(path))))
        {
            bool isLink = new FileInfo(path).LinkTarget is not null;
            bool isNode = FileIdentity.TryGet(path, out FileIdentity identity) == Errno.None && identity.Kind == FileKind.BlockDevice;
            if (isLink || isNode)
            {
                Remove(path);
            }
        }
    }

    /// <summary>Makes the nodes of a device, and brings them up to date with the partitions that the kernel has.</summary>
    public void Update(CowDevice device)
    {
        lock (device.OpenLock)
        {
            if (!device.IsAttached)
            {
                return;
            }
            LoopDevice loop = device.Attachment.Loop;
            SortedDictionary<int, LoopPartition> partitions = loop.Partitions();
            if (partitions.Count == 0 && device.MayHavePartitionTable())
            {
                ReadPartitionTable(loop);
                partitions = loop.Partitions();
            }
            lock (_lock)
            {
                string disk = _paths.Node(device.Number);
                Make(disk, loop.Number, loop.KernelName);
                SortedSet<int> known = _partitions.GetValueOrDefault(device.Number) ?? [];
                foreach (int index in known.Where(index => !partitions.ContainsKey(index)).ToArray())
                {
                    Remove(_paths.Partition(device.Number, index));
                    known.Remove(index);
                }
                foreach ((int index, LoopPartition partition) in partitions)
                {
                    known.Add(index);
                    _partitions[device.Number] = known;
                    Make(_paths.Partition(device.Number, index), partition.Number, $"{loop.KernelName}p{index}");
                }
            }
        }
    }

    /// <summary>Removes the nodes of a device that is gone.</summary>
    public void Remove(CowDevice device)
    {
        lock (_lock)
        {
            if (_partitions.Remove(device.Number, out SortedSet<int>? indexes))
            {
                foreach (int index in indexes)
                {
                    Remove(_paths.Partition(device.Number, index));
                }
            }
            Remove(_paths.Node(device.Number));
        }
    }

    /// <summary>The partition nodes of a device, by partition number.</summary>
    public IReadOnlyList<string> PartitionNodes(int number)
    {
        lock (_lock)
        {
            return _partitions.TryGetValue(number, out SortedSet<int>? indexes) ? [.. indexes.Select(index => _paths.Partition(number, index))] : [];
        }
    }

    [GeneratedRegex("^[0-9]{1,4}(p[0-9]{1,4})?$")]
    private static partial Regex NodeName();

    private static void Make(string path, DeviceNumber number, string kernelName)
    {
        if (FileIdentity.TryGet(path, out FileIdentity identity) == Errno.None
            && identity.Kind == FileKind.BlockDevice
            && identity.TargetDevice == number)
        {
            return;
        }
        Remove(path);
        Errno errno = BlockNode.TryCreate(path, number);
        if (errno == Errno.EPERM)
        {
            File.CreateSymbolicLink(path, $"/dev/{kernelName}");
        }
        else if (errno != Errno.None)
        {
            throw new CowloopException(errno, $"cannot make {path}: {errno.Text()}") { Path = path };
        }
        // udev has looked at the device before it had its name.
        BlockNode.TryAnnounce(number);
    }

    private static void Remove(string path)
    {
        Errno errno = PosixFile.Unlink(path);
        if (errno is not (Errno.None or Errno.ENOENT))
        {
            ServiceLog.Error($"cannot remove {path}: {errno.Text()}");
        }
    }

    /// <summary>A kernel without a parser for the partition table lets user space tell it the partitions: partx does.</summary>
    private static void ReadPartitionTable(LoopDevice loop)
    {
        try
        {
            using Process? partx = Process.Start(new ProcessStartInfo("partx", ["--add", $"/dev/{loop.KernelName}"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
            // It finds nothing where the signature belongs to a filesystem, and says so with its exit code.
            if (partx is not null && !partx.WaitForExit(PartxTime))
            {
                partx.Kill();
            }
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            ServiceLog.Warning($"partitions of {loop.KernelName} not read: {exception.Message}");
        }
    }
}
