using System.Text.Json;
using System.Text.Json.Serialization;
using Cowloop.Control;
using Cowloop.Core.Devices;
using Cowloop.Core.Live;
using Cowloop.Linux;

namespace Cowloop.Daemon.Recovery;

/// <summary>What is written down of an active device, so that the next service can make it again when this one is killed.</summary>
internal sealed record SavedDevice
{
    /// <summary>Device number.</summary>
    public required int Number { get; init; }

    /// <summary>The base as its user named it.</summary>
    public required string Base { get; init; }

    /// <summary>Absolute path of the base.</summary>
    public required string BasePath { get; init; }

    /// <summary>Which file or block device it is.</summary>
    public required FileIdentity BaseIdentity { get; init; }

    /// <summary>The node of the cowdevice, or of its partition, that is the base; null for any other base.</summary>
    public string? BaseNode { get; init; }

    /// <summary>The number of that cowdevice, or null.</summary>
    public int? Lower { get; init; }

    /// <summary>The cowfile of that cowdevice, or null.</summary>
    public FileIdentity? LowerCowfile { get; init; }

    /// <summary>The generation of that cowfile: it takes no writes while this device has it as its base. Null for a plain one.</summary>
    public ulong? LowerGeneration { get; init; }

    /// <summary>The cowfile as its user named it.</summary>
    public required string Cowfile { get; init; }

    /// <summary>Absolute path of the cowfile.</summary>
    public required string CowfilePath { get; init; }

    /// <summary>Which file it is; none for a read-only device.</summary>
    public required FileIdentity CowfileIdentity { get; init; }

    /// <summary>The layers between base and cowfile, bottom to top: absolute paths. None where a service wrote it down that knew of no layers.</summary>
    public IReadOnlyList<string> Layers { get => field ?? []; init; }

    /// <summary>What becomes of the changes; a volatile device is not written down.</summary>
    [JsonConverter(typeof(DeviceModeJson))]
    public DeviceMode Mode { get; init; }

    /// <summary>What the device will be when the exchange of its cowfile is done that is being made; null when none is.</summary>
    public SavedExchange? Exchange { get; init; }

    /// <summary>The directory that both names start from.</summary>
    public required string Directory { get; init; }

    /// <summary>How it behaves when space runs short.</summary>
    public required DeviceSettings Settings { get; init; }

    /// <summary>Which boot it is, and what live bits of the cowfile are known by.</summary>
    public required LiveKey LiveKey { get; init; }

    /// <summary>
    /// True when the cowfile lies on a filesystem on another cowdevice, which dies with the service: what that filesystem had not written yet is lost,
    /// whatever the live bits say.
    /// </summary>
    public required bool IsOnCowdevice { get; init; }

    /// <summary>What the device may do with the cowfile.</summary>
    [JsonConverter(typeof(CowfileAccessJson))]
    public required CowfileAccess Access { get; init; }

    /// <summary>True when what is written down here may stand for another state of the device: the same files, and no less was given away.</summary>
    public bool IsSafeFor(SavedDevice other) =>
        CowfileIdentity.IsSameAs(other.CowfileIdentity) && BaseIdentity.IsSameAs(other.BaseIdentity) && BaseNode == other.BaseNode && Access == other.Access;

    /// <summary>Describes an active device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="directory">What the names of its files start from.</param>
    public static SavedDevice Of(CowDevice device, string directory)
    {
        DeviceFiles files = device.Files;
        return new SavedDevice
        {
            Number = device.Number,
            Base = files.Base,
            BasePath = files.BasePath,
            BaseIdentity = files.BaseIdentity,
            BaseNode = files.BaseNode,
            Lower = device.Lower?.Number,
            LowerCowfile = device.Lower?.Files.CowfileIdentity,
            LowerGeneration = device.Lower?.Overlay.Generation,
            Cowfile = files.Cowfile,
            CowfilePath = files.CowfilePath,
            CowfileIdentity = files.Mode == DeviceMode.Writable ? files.CowfileIdentity : default,
            Layers = [.. files.Layers.Select(layer => layer.Path)],
            Mode = files.Mode,
            Directory = directory,
            Settings = device.Policy.Settings,
            LiveKey = files.LiveKey,
            IsOnCowdevice = files.IsCowfileOnCowdevice,
            Access = device.Overlay.Access,
        };
    }

    /// <summary>
    /// True for the base that the device had. The node of a cowdevice leads to another block device than before; there it is the cowfile, and that nobody has
    /// written to it since, which a plain one does not tell.
    /// </summary>
    public bool IsBase(OpenedBase opened) => BaseNode is null
        ? opened.Identity.IsSameAs(BaseIdentity)
        : opened.LowerNode == BaseNode
            && LowerGeneration is not null
            && opened.Lower?.Overlay.Generation == LowerGeneration
            && LowerCowfile is FileIdentity cowfile
            && opened.Lower.Files.CowfileIdentity.IsSameAs(cowfile);

    /// <summary>
    /// Asks for the same device. What its user allowed or wanted once, an overridden base, a repair by scanning or a look at the whole base, was about
    /// that time. A cowdevice is named by its node, for any other name of it may lead elsewhere by now.
    /// </summary>
    public AttachRequest ToRequest() => new(
        BaseNode is null || BaseNode == BasePath ? Base : BaseNode,
        Cowfile,
        Directory,
        Number,
        Settings: ToSettings(new SettingsRequest()),
        Layers: Layers.Count == 0 ? null : Layers,
        ReadOnly: Mode == DeviceMode.ReadOnly);

    /// <summary>Asks for the same behaviour when space runs short, but what another request says of it.</summary>
    public SettingsRequest ToSettings(SettingsRequest? other) =>
        new(other?.OnFull ?? Settings.OnFull, other?.WarnAt ?? Settings.WarnAt, other?.Hook ?? Settings.Hook);
}

/// <summary>How it is written.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    WriteIndented = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SavedDevice))]
internal sealed partial class SavedDeviceJson : JsonSerializerContext;
