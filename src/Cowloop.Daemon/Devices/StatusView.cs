using System.Globalization;
using System.Text;
using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Fuse;
using Cowloop.Linux;

namespace Cowloop.Daemon.Devices;

/// <summary>
/// What anybody can read about active devices: a text N as /proc/cow/N was (specification 4.10), the same as data in N.json, and
/// all of them in devices.json.
/// </summary>
internal sealed class StatusView : IDisposable
{
    private readonly CowloopPaths _paths;
    private readonly DeviceTable _table;
    private readonly NodeDirectory _nodes;
    private readonly DeviceOpeners _openers;
    private readonly FlatTree _tree = new();
    private readonly FuseConnection _connection;

    public StatusView(CowloopPaths paths, DeviceTable table, NodeDirectory nodes, DeviceOpeners openers)
    {
        _paths = paths;
        _table = table;
        _nodes = nodes;
        _openers = openers;
        // What a service that died has left mounted there answers nothing but errors; this service holds the run directory's lock.
        while (Mounts.Detach(paths.StatusDirectory) == Errno.None)
        {
        }
        Directory.CreateDirectory(paths.StatusDirectory);
        _tree.Add(CowloopPaths.DeviceListName, new TextFile(DescribeAllAsJson));
        _connection = FuseConnection.MountReadable(_tree, paths.StatusDirectory, ServiceLog.Error);
    }

    public void Add(CowDevice device)
    {
        _tree.Add(Name(device), new TextFile(() => Format(Describe(device))));
        _tree.Add($"{Name(device)}.json", new TextFile(() => JsonSerializer.Serialize(Describe(device), ControlJson.Default.DeviceStatus) + "\n"));
    }

    public void Remove(CowDevice device)
    {
        _tree.Remove(Name(device));
        _tree.Remove($"{Name(device)}.json");
    }

    public void Dispose()
    {
        _connection.Dispose();
        Directory.Delete(_paths.StatusDirectory);
    }

    /// <summary>The state of all devices now.</summary>
    public IReadOnlyList<DeviceStatus> DescribeAll()
    {
        var users = new DeviceUsers(_openers);
        return [.. _table.List().Select(device => Describe(device, users))];
    }

    /// <summary>
    /// The space of all devices, as it was when it was last looked at. One that the kernel has let go of is none of them: that it is gone is
    /// told before it leaves the table, and who has heard of it must not be told of the device again.
    /// </summary>
    public IReadOnlyList<DeviceSpace> DescribeSpaces() => [.. _table.List().Where(device => device.IsAttached).Select(DescribeSpace)];

    /// <summary>The space of a device, as it was when it was last looked at.</summary>
    public DeviceSpace DescribeSpace(CowDevice device) =>
        new(device.Number, _paths.Node(device.Number), device.Files.CowfilePath, SpaceOf(device));

    /// <summary>The state of a device now.</summary>
    public DeviceStatus Describe(CowDevice device) => Describe(device, new DeviceUsers(_openers));

    /// <summary>The state of a device that has just been made: nobody is expected to have it open, so nobody is looked for.</summary>
    public DeviceStatus DescribeNew(CowDevice device) => Describe(device, users: null);

    private DeviceStatus Describe(CowDevice device, DeviceUsers? users)
    {
        LoopDevice loop = device.Attachment.Loop;
        return new DeviceStatus
        {
            Number = device.Number,
            Path = _paths.Node(device.Number),
            Base = device.Files.Base,
            BasePath = device.Files.BasePath,
            Mode = device.Files.Mode,
            Layers = [.. device.Files.Layers.Select(layer => layer.Path)],
            Cowfile = device.Files.Cowfile,
            CowfilePath = device.Files.CowfilePath,
            State = device.Overlay.IsDirty ? "dirty" : "clean",
            CowfileAccess = device.Overlay.Access,
            ReadOnly = device.Overlay.Access != CowfileAccess.ReadWrite || device.Overlay.Failure != Errno.None || device.DependentCount > 0,
            Watched = device.Space.HasWaiter,
            Settings = device.Policy.Settings,
            Space = SpaceOf(device),
            Failure = device.Overlay.Failure == Errno.None ? null : device.Overlay.Failure.Text(),
            Merge = device.Merge,
            SizeBytes = device.Overlay.Info.LengthBytes,
            SectorSize = device.Overlay.Info.SectorSize,
            BlockSize = CowLayout.BlockSize,
            BitmapBlocks = device.BitmapBlocks,
            CowBlocks = device.Overlay.UsedBlocks,
            BaseReads = device.BaseReads,
            CowfileReads = device.CowfileReads,
            CowfileWrites = device.CowfileWrites,
            Opens = (users is not null && device.IsAttached ? users.CountOpens(loop.Number) : 0) + device.DependentCount,
            KernelName = loop.KernelName,
            DeviceNumber = loop.Number.ToString(),
            Partitions = _nodes.PartitionNodes(device.Number),
            ProcessId = Environment.ProcessId,
        };
    }

    private static SpaceStatus SpaceOf(CowDevice device)
    {
        FileSystemSpace space = device.Space.Last;
        SpaceShortage shortage = device.Attachment.Shortage;
        return new SpaceStatus
        {
            TotalKiB = space.TotalKiB,
            AvailableKiB = space.AvailableKiB,
            Low = device.Check.Low,
            Full = device.Check.IsFull || shortage.WaitingCount > 0,
            Waiting = shortage.WaitingCount,
            WaitingSince = shortage.WaitingSince,
        };
    }

    /// <summary>The original's text, label by label.</summary>
    internal static string Format(DeviceStatus status)
    {
        var text = new StringBuilder();
        Line("cowloop version", ProgramVersion.Text);
        text.Append('\n');
        // The state is a row of words, each with a blank behind it.
        string cowfile = status.ReadOnly ? "cowopenro " : "cowopenrw ";
        string words = (status.CowfileAccess == CowfileAccess.Closed ? "" : cowfile) + (status.Watched ? "watchdog " : "");
        text.Append(CultureInfo.InvariantCulture, $"{"device state",18}: devopen {words}\n");
        Line("number of opens", status.Opens.ToString(CultureInfo.InvariantCulture));
        Line("pid of thread", status.ProcessId.ToString(CultureInfo.InvariantCulture));
        text.Append('\n');
        Line("read-only file", status.Base);
        Line("rdoreads", status.BaseReads.ToString(CultureInfo.InvariantCulture));
        text.Append('\n');
        Line("copy-on-write file", status.CowfileText);
        Line("state cowfile", status.State);
        Line("bitmap-blocks", status.BitmapBlocks.ToString(CultureInfo.InvariantCulture), $" (of {status.BlockSize} bytes)");
        Line("cowblocks in use", status.CowBlocks.ToString(CultureInfo.InvariantCulture), $" (of {status.BlockSize} bytes)");
        Line("cowreads", status.CowfileReads.ToString(CultureInfo.InvariantCulture));
        Line("cowwrites", status.CowfileWrites.ToString(CultureInfo.InvariantCulture));
        return text.ToString();

        void Line(string label, string value, string unit = "") =>
            text.Append(CultureInfo.InvariantCulture, $"{label,18}: {value,9}{unit}\n");
    }

    private string DescribeAllAsJson() => JsonSerializer.Serialize(DescribeAll(), ControlJson.Default.IReadOnlyListDeviceStatus) + "\n";

    private static string Name(CowDevice device) => device.Number.ToString(CultureInfo.InvariantCulture);
}
