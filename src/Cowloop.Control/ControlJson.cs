using System.Text.Json;
using System.Text.Json.Serialization;
using Cowloop.Core;
using Cowloop.Core.Devices;

namespace Cowloop.Control;

/// <summary>How the contract is written as JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(AttachRequest))]
[JsonSerializable(typeof(AttachReply))]
[JsonSerializable(typeof(SnapshotRequest))]
[JsonSerializable(typeof(SnapshotReply))]
[JsonSerializable(typeof(ForkRequest))]
[JsonSerializable(typeof(ForkReply))]
[JsonSerializable(typeof(LayerMergeReply))]
[JsonSerializable(typeof(GrowRequest))]
[JsonSerializable(typeof(GrowReply))]
[JsonSerializable(typeof(DeviceStatus))]
[JsonSerializable(typeof(IReadOnlyList<DeviceStatus>))]
[JsonSerializable(typeof(SettingsRequest))]
[JsonSerializable(typeof(DeviceSettings))]
[JsonSerializable(typeof(ServiceEvent))]
[JsonSerializable(typeof(CowfileRequest))]
[JsonSerializable(typeof(CowfileSpace))]
[JsonSerializable(typeof(ServiceStatus))]
[JsonSerializable(typeof(UnloadRequest))]
[JsonSerializable(typeof(ErrorReply))]
public sealed partial class ControlJson : JsonSerializerContext
{
    /// <summary>An exception as the API shows it.</summary>
    public static ErrorReply Describe(CowloopException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new(new ErrorDetail(exception.Errno.ToString(), (int)exception.Errno, exception.Message, exception.Hint, exception.Path));
    }

    /// <summary>The exception that an error of the API stands for.</summary>
    public static CowloopException ToException(ErrorReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return new((Errno)reply.Error.Errno, reply.Error.Reason, reply.Error.Hint) { Path = reply.Error.Path };
    }
}

/// <summary>An access as a word; a number is no access.</summary>
public sealed class CowfileAccessJson() : JsonStringEnumConverter<CowfileAccess>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

/// <summary>A mode as a word; a number is no mode.</summary>
public sealed class DeviceModeJson() : JsonStringEnumConverter<DeviceMode>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);
