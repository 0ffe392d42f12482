using System.Text.Json;
using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>The devices that are active now, as everybody may read them; none without a service.</summary>
internal static class ActiveDevices
{
    /// <summary>Reads the list.</summary>
    public static IReadOnlyList<DeviceStatus> Read(CowloopPaths paths)
    {
        try
        {
            using FileStream stream = File.OpenRead(paths.DeviceList);
            return JsonSerializer.Deserialize(stream, ControlJson.Default.IReadOnlyListDeviceStatus) ?? [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The device whose cowfile this is, or null.</summary>
    public static DeviceStatus? FindByCowfile(FileIdentity file) => Find(file, device => device.CowfilePath);

    /// <summary>A device whose base this is, or null.</summary>
    public static DeviceStatus? FindByBase(FileIdentity file) => Find(file, device => device.BasePath);

    private static DeviceStatus? Find(FileIdentity file, Func<DeviceStatus, string> pathOf) => Read(CowloopPaths.FromEnvironment())
        .FirstOrDefault(device => FileIdentity.TryGet(pathOf(device), out FileIdentity used) == Errno.None && used.IsSameAs(file));
}
