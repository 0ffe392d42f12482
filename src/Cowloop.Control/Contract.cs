using System.Text.Json.Serialization;
using Cowloop.Core.Devices;

namespace Cowloop.Control;

/// <summary>Asks for a new device.</summary>
/// <param name="Base">The read-only image, as the user named it.</param>
/// <param name="Cowfile">
/// The cowfile, as the user named it; created when it does not exist. Empty for a volatile device, and for a read-only one without.
/// </param>
/// <param name="Directory">What relative paths are relative to: the user's current directory.</param>
/// <param name="Number">The device number wanted; null takes the first free one.</param>
/// <param name="AcceptBase">
/// Use the base even though somebody may be writing to it, or it has changed since the cowfile was made; the cowfile remembers the latter.
/// </param>
/// <param name="Repair">Repair the cowfile when it is dirty, instead of refusing it.</param>
/// <param name="VerifyBase">Read all of the base and compare it with what the cowfile knows of it, or let the cowfile know it from now on.</param>
/// <param name="Layers">Cowfiles between base and cowfile, bottom to top, which are only read; null: those that the cowfile was made on.</param>
/// <param name="ReadOnly">Make a read-only device: all cowfiles, also the topmost, are only read. There need be none.</param>
/// <param name="Volatile">Keep the changes only as long as the device is active; null: in the cowfile.</param>
/// <param name="SizeBytes">Size of the device of a new cowfile, where it is to be larger than what it lies on; zeros are read behind that.</param>
/// <param name="Plain">Make a new cowfile as the original would: without the record that knows its base well.</param>
/// <param name="Settings">How it behaves when space runs short; null for the standard settings.</param>
/// <param name="Store">What a new cowfile is kept in; null: classic, and compact on a filesystem without holes.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AttachRequest(
    string Base,
    string Cowfile,
    string Directory,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int? Number = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool AcceptBase = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Repair = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool VerifyBase = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Plain = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] SettingsRequest? Settings = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] IReadOnlyList<string>? Layers = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool ReadOnly = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] VolatileRequest? Volatile = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long? SizeBytes = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] StoreRequest? Store = null);

/// <summary>Says what a new cowfile is kept in.</summary>
/// <param name="Kind"><c>classic</c>, or <c>compact</c>.</param>
/// <param name="ChunkBytes">Size of a chunk of a compact store: a power of two from 4096 to 1048576; null: the usual one.</param>
/// <param name="LimitBytes">How long the file of a compact store may get; a change that needs more finds no space. Null: no limit.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record StoreRequest(
    string Kind,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int? ChunkBytes = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long? LimitBytes = null)
{
    /// <summary>As the original makes it.</summary>
    public const string Classic = "classic";

    /// <summary>In chunks, on any filesystem or block device.</summary>
    public const string Compact = "compact";
}

/// <summary>
/// Asks for more room for the changes of a device: another limit for the file of its compact store, of which one is said here. Nothing is said for a block
/// device, which is asked how large it is by now.
/// </summary>
/// <param name="LimitBytes">The limit; it may be a lower one than before, down to what is in use.</param>
/// <param name="AddedBytes">How much higher it is to be than before.</param>
/// <param name="Unlimited">True: there is to be no limit.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record GrowRequest(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long? LimitBytes = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long? AddedBytes = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Unlimited = false);

/// <summary>How much room there is for changes by now.</summary>
/// <param name="CowfilePath">Absolute path of the cowfile.</param>
/// <param name="Device">Path of the block node of its device; null for a cowfile that is not in use.</param>
/// <param name="OnDevice">True when the cowfile is kept on a block device.</param>
/// <param name="FormerBytes">The limit, or the size of the block device, as it was before; null: no limit.</param>
/// <param name="LimitBytes">The same now.</param>
/// <param name="Space">The space that there is for changes now.</param>
public sealed record GrowReply(string CowfilePath, string? Device, bool OnDevice, long? FormerBytes, long? LimitBytes, CowfileSpace Space);

/// <summary>Says how changes are kept that are gone with their device.</summary>
/// <param name="Directory">Absolute path of a directory whose filesystem holds them, in a file without a name; null: in memory.</param>
/// <param name="LimitBytes">How much they may take; a change that needs more finds no space. Null: no limit.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record VolatileRequest(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? Directory = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long? LimitBytes = null);

/// <summary>What becomes of the changes of a device.</summary>
public enum DeviceMode
{
    /// <summary>They are kept in its cowfile.</summary>
    Writable,
    /// <summary>They are gone with the device.</summary>
    Volatile,
    /// <summary>There are none.</summary>
    ReadOnly,
}

/// <summary>Asks for a snapshot of an active device: its cowfile is sealed and becomes a layer, and a new one takes the changes.</summary>
/// <param name="Cowfile">The new cowfile, as the user named it; it must not exist.</param>
/// <param name="Directory">What relative paths are relative to.</param>
/// <param name="Freeze">Where a filesystem of the device is mounted that is frozen meanwhile; null: none.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SnapshotRequest(
    string Cowfile,
    string Directory,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? Freeze = null);

/// <summary>A device that a snapshot was made of.</summary>
/// <param name="Device">The device, with its new cowfile.</param>
/// <param name="Sealed">Absolute path of the cowfile that is a layer now.</param>
/// <param name="PauseMicroseconds">How long changes waited.</param>
public sealed record SnapshotReply(DeviceStatus Device, string Sealed, long PauseMicroseconds);

/// <summary>Asks for a second device with the same content as an active one, from now on independent of it.</summary>
/// <param name="Cowfile">The cowfile of the second one, as the user named it; it must not exist.</param>
/// <param name="Directory">What relative paths are relative to.</param>
/// <param name="Top">The new cowfile of the first one; null: named after its present one. Not made when nothing has changed since the last snapshot.</param>
/// <param name="Number">The number wanted for the second one; null takes the first free one.</param>
/// <param name="Freeze">As in <see cref="SnapshotRequest"/>.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ForkRequest(
    string Cowfile,
    string Directory,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? Top = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int? Number = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? Freeze = null);

/// <summary>A device that was forked.</summary>
/// <param name="Device">The second device.</param>
/// <param name="Snapshot">What was done to the first one; null when there was nothing to seal.</param>
/// <param name="Warnings">One sentence each; may be empty.</param>
public sealed record ForkReply(DeviceStatus Device, SnapshotReply? Snapshot, IReadOnlyList<string> Warnings);

/// <summary>Says how a device is to behave when space for its cowfile runs short. What is null is left as it is.</summary>
/// <param name="OnFull"><c>error</c>, <c>wait</c> or <c>wait:SECONDS</c>: what a change does that finds no space. A new device has <c>error</c>.</param>
/// <param name="WarnAt">Marks, such as <c>80%,1G</c>: share of the filesystem in use, or space left. Empty: none, as a new device has.</param>
/// <param name="Hook">Absolute path of a program that is run when a mark is crossed or changes find no space. Empty: none, as a new device has.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SettingsRequest(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? OnFull = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? WarnAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] string? Hook = null);

/// <summary>How a device behaves when space for its cowfile runs short, in the words of <see cref="SettingsRequest"/>.</summary>
/// <param name="OnFull">What a change does that finds no space.</param>
/// <param name="WarnAt">The marks, or empty.</param>
/// <param name="Hook">The program, or empty.</param>
public sealed record DeviceSettings(string OnFull, string WarnAt, string Hook);

/// <summary>An active device and what its user should know.</summary>
/// <param name="Device">The device.</param>
/// <param name="Warnings">One sentence each; may be empty.</param>
public sealed record AttachReply(DeviceStatus Device, IReadOnlyList<string> Warnings);

/// <summary>A device of which two layers have become one.</summary>
/// <param name="Device">The device.</param>
/// <param name="Upper">Absolute path of the layer that the device does without now.</param>
/// <param name="Lower">Absolute path of the one that holds the blocks of both.</param>
/// <param name="BlockCount">How many blocks were written.</param>
public sealed record LayerMergeReply(DeviceStatus Device, string Upper, string Lower, long BlockCount);

/// <summary>How far a merge of layers is.</summary>
/// <param name="DoneBytes">Bytes that were written, or needed not be.</param>
/// <param name="TotalBytes">Of so many.</param>
public sealed record MergeProgress(long DoneBytes, long TotalBytes);

/// <summary>The state of an active device.</summary>
public sealed record DeviceStatus
{
    /// <summary>Device number.</summary>
    public required int Number { get; init; }

    /// <summary>Path of the block node.</summary>
    public required string Path { get; init; }

    /// <summary>The read-only image, as named at activation.</summary>
    public required string Base { get; init; }

    /// <summary>Its absolute path.</summary>
    public required string BasePath { get; init; }

    /// <summary>What becomes of its changes: <c>writable</c>, <c>volatile</c> or <c>readOnly</c>.</summary>
    [JsonConverter(typeof(DeviceModeJson))]
    public DeviceMode Mode { get; init; }

    /// <summary>The layers between base and cowfile, bottom to top: absolute paths. None where a service answers that knows of no layers.</summary>
    public IReadOnlyList<string> Layers { get => field ?? []; init; }

    /// <summary>The cowfile, as named at activation or at the last snapshot; empty when there is none.</summary>
    public required string Cowfile { get; init; }

    /// <summary>Its absolute path; empty when there is none.</summary>
    public required string CowfilePath { get; init; }

    /// <summary>The cowfile as named, or what there is instead; for people.</summary>
    [JsonIgnore]
    public string CowfileText => ListedDevice.TextOf(Mode, Cowfile);

    /// <summary><c>clean</c> or <c>dirty</c>: whether the cowfile's header counts all its blocks.</summary>
    public required string State { get; init; }

    /// <summary>What is left of the access to the cowfile: <c>readWrite</c>, <c>readOnly</c> or <c>closed</c>.</summary>
    [JsonConverter(typeof(CowfileAccessJson))]
    public required CowfileAccess CowfileAccess { get; init; }

    /// <summary>True when changes are refused: the cowfile is not open read-write, a sync has failed, or the device is the base of another one.</summary>
    public required bool ReadOnly { get; init; }

    /// <summary>True while somebody waits for the cowfile's space to run short.</summary>
    public required bool Watched { get; init; }

    /// <summary>What it does when space runs short.</summary>
    public required DeviceSettings Settings { get; init; }

    /// <summary>The space for its cowfile.</summary>
    public required SpaceStatus Space { get; init; }

    /// <summary>The error that made the device read-only for good, or null.</summary>
    public string? Failure { get; init; }

    /// <summary>How far the merge of its layers is that goes on; null when none does.</summary>
    public MergeProgress? Merge { get; init; }

    /// <summary>Size of the device in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Logical sector size in bytes.</summary>
    public required int SectorSize { get; init; }

    /// <summary>Size of a block in bytes: the unit of the next two.</summary>
    public required int BlockSize { get; init; }

    /// <summary>Blocks of bitmap in the cowfile.</summary>
    public required int BitmapBlocks { get; init; }

    /// <summary>Blocks that the cowfile holds.</summary>
    public required long CowBlocks { get; init; }

    /// <summary>Reads that went to the base.</summary>
    public required long BaseReads { get; init; }

    /// <summary>Reads that went to the cowfile.</summary>
    public required long CowfileReads { get; init; }

    /// <summary>Writes that went to the cowfile.</summary>
    public required long CowfileWrites { get; init; }

    /// <summary>Mounts, kernel holders, devices on top and open descriptors that were found; 0 in the reply to its activation.</summary>
    public required int Opens { get; init; }

    /// <summary>The kernel's name of the block device.</summary>
    public required string KernelName { get; init; }

    /// <summary>Its device number, <c>MAJOR:MINOR</c>.</summary>
    public required string DeviceNumber { get; init; }

    /// <summary>Nodes of its partitions.</summary>
    public required IReadOnlyList<string> Partitions { get; init; }

    /// <summary>The process that serves it.</summary>
    public required int ProcessId { get; init; }
}

/// <summary>Asks for less access to the cowfile of an active device. The cowfile is made clean and durable before.</summary>
/// <param name="Access"><c>readOnly</c>: reopen it. <c>closed</c>: close it.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CowfileRequest([property: JsonConverter(typeof(CowfileAccessJson))] CowfileAccess Access);

/// <summary>Space for a cowfile: on the filesystem that holds it, up to its limit if it has one, or on the block device that it is on.</summary>
/// <param name="TotalKiB">Size of that: the smaller one where there are two.</param>
/// <param name="AvailableKiB">What an ordinary user can still have.</param>
public sealed record CowfileSpace(ulong TotalKiB, ulong AvailableKiB);

/// <summary>How a device stands with the space for its cowfile.</summary>
public sealed record SpaceStatus
{
    /// <summary>Size of the filesystem that holds the cowfile, or its limit where that is less, when the service last looked.</summary>
    public required ulong TotalKiB { get; init; }

    /// <summary>What an ordinary user could still have of it then.</summary>
    public required ulong AvailableKiB { get; init; }

    /// <summary>The marks by which that is low.</summary>
    public required IReadOnlyList<string> Low { get; init; }

    /// <summary>True while changes wait for space; and when some have failed for want of it, until there is some again.</summary>
    public required bool Full { get; init; }

    /// <summary>Requests that wait for space now.</summary>
    public required int Waiting { get; init; }

    /// <summary>Since when there has always been one, or null.</summary>
    public DateTime? WaitingSince { get; init; }
}

/// <summary>The space of a device, in an event.</summary>
/// <param name="Number">Device number.</param>
/// <param name="Path">Path of the block node.</param>
/// <param name="CowfilePath">Absolute path of the cowfile.</param>
/// <param name="Space">Its space.</param>
public sealed record DeviceSpace(int Number, string Path, string CowfilePath, SpaceStatus Space);

/// <summary>Something that has happened to devices.</summary>
/// <param name="Event">
/// <c>state</c>: nothing, but this is how all devices stand; the first event of every client. <c>attached</c>, <c>detached</c>.
/// <c>low</c>, <c>ok</c>: a mark was crossed, downwards or upwards. <c>full</c>, <c>resumed</c>: changes find no space, or do again.
/// </param>
/// <param name="Time">When.</param>
/// <param name="Mark">The mark that was crossed, or null.</param>
/// <param name="Devices">All devices for <c>state</c>, else the one it happened to.</param>
public sealed record ServiceEvent(string Event, DateTime Time, string? Mark, IReadOnlyList<DeviceSpace> Devices);

/// <summary>The state of the service.</summary>
/// <param name="Version">Version of the program.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="MaxDevices">Most devices at once.</param>
/// <param name="Draining">True when it takes no new devices and ends with the last one.</param>
/// <param name="Devices">The active devices, by number.</param>
/// <param name="Unrecovered">The devices of a killed service that are not active again, by number.</param>
/// <param name="OrphanedUses">What still uses the block devices of a killed service, as it is now.</param>
public sealed record ServiceStatus(
    string Version,
    int ProcessId,
    int MaxDevices,
    bool Draining,
    IReadOnlyList<DeviceStatus> Devices,
    IReadOnlyList<UnrecoveredDevice> Unrecovered,
    IReadOnlyList<OrphanedUse> OrphanedUses);

/// <summary>
/// A device that was active when the service was killed and could not be made again. The next start tries again, until the device is detached, or its
/// number or its cowfile is activated anew.
/// </summary>
public sealed record UnrecoveredDevice
{
    /// <summary>Device number.</summary>
    public required int Number { get; init; }

    /// <summary>Path that its block node had.</summary>
    public required string Path { get; init; }

    /// <summary>The read-only image, as named at activation.</summary>
    public required string Base { get; init; }

    /// <summary>Its absolute path.</summary>
    public required string BasePath { get; init; }

    /// <summary>The cowfile, as named at activation.</summary>
    public required string Cowfile { get; init; }

    /// <summary>Its absolute path.</summary>
    public required string CowfilePath { get; init; }

    /// <summary>Why it is not active.</summary>
    public required string Reason { get; init; }

    /// <summary>What to do about that, or null.</summary>
    public string? Hint { get; init; }

    /// <summary>The command that activates it; null while that is being tried.</summary>
    public string? Command { get; init; }
}

/// <summary>Something that uses the block device of a killed service, which answers nothing but errors. It is never touched.</summary>
/// <param name="Number">Device number.</param>
/// <param name="KernelName">The kernel's name of the dead block device; the device itself has another one by now.</param>
/// <param name="Use">What it is: <c>mounted read-write on /mnt</c>.</param>
/// <param name="MountPoint">Where it is mounted; null for another use.</param>
/// <param name="Command">The command that ends a mount, and mounts the device again where it is active; null for another use.</param>
public sealed record OrphanedUse(int Number, string KernelName, string Use, string? MountPoint, string? Command);

/// <summary>Asks the service to close all devices and end.</summary>
/// <param name="Wait">Take no new devices, and wait until those in use are closed, instead of refusing.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record UnloadRequest(bool Wait);

/// <summary>Every error of the API.</summary>
/// <param name="Error">What went wrong.</param>
public sealed record ErrorReply(ErrorDetail Error);

/// <summary>What went wrong.</summary>
/// <param name="Code">Name of the error number, for instance <c>EBUSY</c>.</param>
/// <param name="Errno">The error number.</param>
/// <param name="Reason">What failed, on which path, and why.</param>
/// <param name="Hint">What to do next, or null.</param>
/// <param name="Path">Absolute path of the file or device it is about, or null.</param>
public sealed record ErrorDetail(string Code, int Errno, string Reason, string? Hint, string? Path);
