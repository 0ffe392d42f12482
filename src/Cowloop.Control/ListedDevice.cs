using System.Text.Json;

namespace Cowloop.Control;

/// <summary>What a list for people shows of a device.</summary>
/// <param name="Path">Path of the block node.</param>
/// <param name="Base">The read-only image, as named at activation.</param>
/// <param name="CowfileText">The cowfile as named, or what there is instead.</param>
public sealed record ListedDevice(string Path, string Base, string CowfileText)
{
    /// <summary>
    /// Takes it from the list of <see cref="DeviceStatus"/>. Only what is shown is looked at: to make objects of everything takes the runtime longer than the
    /// program that shows it runs else.
    /// </summary>
    /// <param name="json">The list; read to its end.</param>
    /// <exception cref="JsonException">It is none.</exception>
    public static IReadOnlyList<ListedDevice> ReadAll(Stream json)
    {
        using var document = JsonDocument.Parse(json);
        var devices = new List<ListedDevice>();
        foreach (JsonElement device in document.RootElement.EnumerateArray())
        {
            devices.Add(new ListedDevice(
                TextOf(device, nameof(DeviceStatus.Path)),
                TextOf(device, nameof(DeviceStatus.Base)),
                TextOf(ModeOf(device), TextOf(device, nameof(DeviceStatus.Cowfile)))));
        }
        return devices;
    }

    /// <summary>The cowfile as named, or what there is instead.</summary>
    internal static string TextOf(DeviceMode mode, string cowfile) => mode switch
    {
        DeviceMode.Volatile => "(volatile)",
        DeviceMode.ReadOnly => "(read-only)",
        _ => cowfile,
    };

    /// <summary>As in <see cref="DeviceStatus"/>, a service that says nothing of a mode has writable devices only.</summary>
    private static DeviceMode ModeOf(JsonElement device) =>
        !device.TryGetProperty(InJson(nameof(DeviceStatus.Mode)), out JsonElement mode) ? DeviceMode.Writable
        : mode.ValueEquals(InJson(nameof(DeviceMode.Volatile))) ? DeviceMode.Volatile
        : mode.ValueEquals(InJson(nameof(DeviceMode.ReadOnly))) ? DeviceMode.ReadOnly
        : DeviceMode.Writable;

    private static string TextOf(JsonElement device, string property) => device.GetProperty(InJson(property)).GetString()!;

    private static string InJson(string name) => JsonNamingPolicy.CamelCase.ConvertName(name);
}
