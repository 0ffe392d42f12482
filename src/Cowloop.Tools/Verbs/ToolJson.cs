using System.Text.Json;
using System.Text.Json.Serialization;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>What <c>cowloop info --json</c> prints.</summary>
/// <param name="Path">Absolute path of the cowfile.</param>
/// <param name="State"><c>clean</c> or <c>dirty</c>.</param>
/// <param name="Packed">True when it must be unpacked before it can be used.</param>
/// <param name="FormatVersion">Version of the format.</param>
/// <param name="WordSize">Size of the header's long fields in bytes.</param>
/// <param name="ByteOrder"><c>little</c> or <c>big</c>.</param>
/// <param name="BlockSize">Size of a block in bytes.</param>
/// <param name="BaseBytes">Size of the base, whole blocks.</param>
/// <param name="BaseFingerprint">The fingerprint of the base, as eight hexadecimal digits.</param>
/// <param name="ChangedBlocks">Blocks that the bitmap in the file shows.</param>
/// <param name="ChangedRuns">In how many runs they lie on the device.</param>
/// <param name="LengthBytes">Length of the file.</param>
/// <param name="AllocatedBytes">What it takes on disk.</param>
/// <param name="Device">The device that it is the cowfile of now, or null.</param>
/// <param name="Record">What the cowfile says of itself and its base; null for a plain one.</param>
/// <param name="Layers">The layers that it lies on, from the nearest down to the base; empty when it lies on the base itself.</param>
/// <param name="Store">What it is kept in.</param>
/// <param name="Ranges">The changed ranges of the device, when asked for.</param>
internal sealed record CowfileInfo(
    string Path,
    string State,
    bool Packed,
    int FormatVersion,
    int WordSize,
    string ByteOrder,
    int BlockSize,
    long BaseBytes,
    string BaseFingerprint,
    long ChangedBlocks,
    long ChangedRuns,
    long LengthBytes,
    long AllocatedBytes,
    string? Device,
    RecordInfo? Record,
    IReadOnlyList<ChainLayer> Layers,
    StoreInfo Store,
    IEnumerable<ByteRange>? Ranges);

/// <summary>What <c>cowloop create --json</c> prints.</summary>
internal sealed record CreateResult(string Path, StoreInfo Store, long DeviceBytes);

/// <summary>What <c>cowloop convert --json</c> prints.</summary>
internal sealed record ConvertResult(string Source, string Path, StoreInfo Store, long Blocks);

/// <summary>The extension record of a cowfile.</summary>
/// <param name="Id">Which cowfile this is.</param>
/// <param name="Generation">Raised with the first change after a clean state.</param>
/// <param name="BaseBytes">Exact size of the base.</param>
/// <param name="BasePath">Where the base was, relative to the cowfile's directory or absolute; null when that is not known.</param>
/// <param name="BaseModified">When its content had been changed last; null when that is not known.</param>
/// <param name="BaseSha256">SHA-256 of the base; null when it was never read whole.</param>
/// <param name="AcceptedChanges">How often a changed base was taken all the same.</param>
internal sealed record RecordInfo(
    Guid Id,
    ulong Generation,
    long BaseBytes,
    string? BasePath,
    DateTimeOffset? BaseModified,
    string? BaseSha256,
    uint AcceptedChanges)
{
    /// <summary>True for a layer, which is never written again.</summary>
    public bool Sealed { get; init; }

    /// <summary>The layer that it lies on; null when it lies on the base itself.</summary>
    public ParentInfo? Parent { get; init; }

    /// <summary>What was merged into it last; null when nothing was, or it was written to since.</summary>
    public MergedInfo? Merged { get; init; }

    /// <summary>True when its device is larger than the base.</summary>
    public bool LargerThanBase { get; init; }

    /// <summary>Takes what is known out of a record.</summary>
    public static RecordInfo? Of(ExtensionRecord? record) => record is null
        ? null
        : new RecordInfo(
            record.Id,
            record.Generation,
            record.BaseLengthBytes,
            record.BasePath.Length == 0 ? null : record.BasePath,
            record.BaseHints?.Modified,
            record.BaseDigest is byte[] digest ? Convert.ToHexStringLower(digest) : null,
            record.AcceptedChangeCount)
        {
            Sealed = record.IsSealed,
            Parent = record.Parent is ParentLink parent ? new ParentInfo(parent.Id, parent.Generation, parent.Path) : null,
            Merged = record.Merged is MergedLayer merged ? new MergedInfo(merged.Id, merged.Generation, merged.IsComplete) : null,
            LargerThanBase = record.IsLargerThanBase,
        };
}

/// <summary>The layer that a cowfile lies on, as it names it.</summary>
/// <param name="Id">Its identity; empty for a plain one.</param>
/// <param name="Generation">Its generation.</param>
/// <param name="Path">Where it was: relative to the directory of the upper one, or absolute; empty when that did not fit.</param>
internal sealed record ParentInfo(Guid Id, ulong Generation, string Path);

/// <summary>What was merged into a layer last.</summary>
/// <param name="Id">The identity of the cowfile that was.</param>
/// <param name="Generation">Its generation.</param>
/// <param name="Complete">False: the merge was interrupted.</param>
internal sealed record MergedInfo(Guid Id, ulong Generation, bool Complete);

/// <summary>A range of a device.</summary>
internal sealed record ByteRange(long OffsetBytes, long LengthBytes);

/// <summary>What <c>cowloop check --json</c> prints.</summary>
internal sealed record CheckResult(string Path, bool Ok, IReadOnlyList<Problem> Problems);

/// <summary>What <c>cowloop repair --json</c> prints.</summary>
/// <param name="Path">Absolute path of the cowfile.</param>
/// <param name="Repaired">False: it was clean, or only a dry run was wanted.</param>
/// <param name="Corrections">Blocks with data whose bit was missing.</param>
/// <param name="RemovedBlocks">Blocks of unfinished writes that were taken out.</param>
/// <param name="ChangedBlocks">Blocks that the file holds afterwards; null when it was not looked at.</param>
internal sealed record RepairResult(string Path, bool Repaired, long Corrections, long RemovedBlocks, long? ChangedBlocks);

/// <summary>What <c>cowloop merge --json</c> prints.</summary>
internal sealed record MergeResult(string Base, string Cowfile, bool Merged, long Blocks);

/// <summary>The results of verbs as JSON.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(CowfileInfo))]
[JsonSerializable(typeof(CheckResult))]
[JsonSerializable(typeof(RepairResult))]
[JsonSerializable(typeof(MergeResult))]
[JsonSerializable(typeof(CreateResult))]
[JsonSerializable(typeof(ConvertResult))]
internal sealed partial class ToolJson : JsonSerializerContext;
