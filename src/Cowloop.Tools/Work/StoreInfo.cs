using Cowloop.Control;
using Cowloop.Core.Compact;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>What a cowfile is kept in.</summary>
/// <param name="Kind"><c>classic</c> or <c>compact</c>.</param>
/// <param name="ChunkBytes">Size of a chunk; null for a classic one.</param>
/// <param name="UsedChunks">Chunks in use; null for a classic one.</param>
/// <param name="OnDevice">True on a block device.</param>
/// <param name="FreeChunks">Chunks that it has room for besides: on a block device, or below its limit; null where nothing but its filesystem says.</param>
/// <param name="LimitBytes">How long its file may get; null when it has no limit.</param>
internal sealed record StoreInfo(string Kind, int? ChunkBytes, long? UsedChunks, bool OnDevice, long? FreeChunks = null, long? LimitBytes = null)
{
    /// <summary>Describes a file.</summary>
    public static StoreInfo Of(StoredFile file) => file.Compact is CompactFile compact
        ? new StoreInfo(
            StoreRequest.Compact,
            compact.ChunkBytes,
            compact.UsedChunkCount,
            compact.IsOnDevice,
            compact.ChunkCount is long count ? Math.Max(0, count - compact.UsedChunkCount) : null,
            compact.LimitBytes)
        : new StoreInfo(StoreRequest.Classic, null, null, OnDevice: false);

    /// <summary>For people.</summary>
    public override string ToString() => ChunkBytes is int bytes ? $"{Kind}, chunks of {HumanSize.Format(bytes)}{Limit}" : Kind;

    private string Limit => LimitBytes is long bytes ? $", at most {HumanSize.Format(bytes)}" : "";
}
