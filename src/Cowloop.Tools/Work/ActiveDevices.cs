using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>The devices that are active now, as everybody may read them; none without a service.</summary>
internal static class ActiveDevices
{
    /// <summary>Reads the list.</summary>
    public static IReadOnlyList<DeviceStatus> Read(CowloopPaths paths) =>
        Read(paths, stream => JsonSerializer.Deserialize(stream, ControlJson.Default.IReadOnlyListDeviceStatus)) ?? [];

    /// <summary>Reads of the list what is shown to people.</summary>
    public static IReadOnlyList<ListedDevice> ReadForPeople(CowloopPaths paths) => Read(paths, ListedDevice.ReadAll) ?? [];

    /// <summary>The device whose block device this is, or null.</summary>
    public static DeviceStatus? FindByNode(FileIdentity node)
    {
        string number = node.TargetDevice.ToString();
        return node.Kind == FileKind.BlockDevice
            ? Read(CowloopPaths.FromEnvironment()).FirstOrDefault(device => device.DeviceNumber == number)
            : null;
    }

    /// <summary>The device whose cowfile this is, or null.</summary>
    public static DeviceStatus? FindByCowfile(FileIdentity file) => Find(file, device => device.CowfilePath);

    /// <summary>A device whose base this is, or null.</summary>
    public static DeviceStatus? FindByBase(FileIdentity file) => Find(file, device => device.BasePath);

    /// <summary>A device that has this as a layer, or null.</summary>
    public static DeviceStatus? FindByLayer(FileIdentity file) => Read(CowloopPaths.FromEnvironment()).FirstOrDefault(device => device.Layers.Any(layer =>
        FileIdentity.TryGet(layer, out FileIdentity used) == Errno.None && used.IsSameAs(file)));

    /// <summary>The device that is made of a pair of files, or null.</summary>
    /// <param name="devices">Where to look.</param>
    /// <param name="baseName">The base.</param>
    /// <param name="cowfile">The cowfile.</param>
    /// <param name="number">The number that it must have, or null.</param>
    public static DeviceStatus? FindPair(IReadOnlyList<DeviceStatus> devices, string baseName, string cowfile, int? number) => devices.FirstOrDefault(device =>
        (number ?? device.Number) == device.Number
        && device.Mode == DeviceMode.Writable
        && IsSameFile(device.CowfilePath, cowfile)
        && IsSameFile(device.BasePath, baseName));

    /// <summary>True for two names of one file, or the same name.</summary>
    public static bool IsSameFile(string one, string other) =>
        Path.GetFullPath(one) == Path.GetFullPath(other)
        || (FileIdentity.TryGet(one, out FileIdentity first) == Errno.None
            && FileIdentity.TryGet(other, out FileIdentity second) == Errno.None
            && first.IsSameAs(second));

    private static T? Read<T>(CowloopPaths paths, Func<Stream, T?> parse)
        where T : class
    {
        try
        {
            using FileStream stream = File.OpenRead(paths.DeviceList);
            return parse(stream);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static DeviceStatus? Find(FileIdentity file, Func<DeviceStatus, string> pathOf) => Read(CowloopPaths.FromEnvironment())
        .FirstOrDefault(device => FileIdentity.TryGet(pathOf(device), out FileIdentity used) == Errno.None && used.IsSameAs(file));
}
