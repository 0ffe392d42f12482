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
                foreach (string path in PartitionNodes(device.Number))
                {
                    if (!partitions.ContainsKey(PartitionOf(path)))
                    {
                        Remove(path);
                    }
                }
                foreach ((int index, LoopPartition partition) in partitions)
                {
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
            foreach (string path in PartitionNodes(device.Number))
            {
                Remove(path);
            }
            Remove(_paths.Node(device.Number));
        }
    }

    /// <summary>The partition nodes of a device, by partition number.</summary>
    public IReadOnlyList<string> PartitionNodes(int number) =>
        Directory.Exists(_paths.DeviceDirectory)
            ? [.. Directory.EnumerateFileSystemEntries(_paths.DeviceDirectory, $"{number}p*").OrderBy(PartitionOf)]
            : [];

    [GeneratedRegex("^[0-9]{1,4}(p(?<partition>[0-9]{1,4}))?$")]
    private static partial Regex NodeName();

    private static int PartitionOf(string path)
    {
        Match match = NodeName().Match(Path.GetFileName(path));
        return match.Groups["partition"].Success ? int.Parse(match.Groups["partition"].ValueSpan) : 0;
    }

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
