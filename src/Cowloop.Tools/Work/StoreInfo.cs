using Cowloop.Control;
using Cowloop.Core.Compact;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>What a cowfile is kept in.</summary>
/// <param name="Kind"><c>classic</c> or <c>compact</c>.</param>
/// <param name="ChunkBytes">Size of a chunk; null for a classic one.</param>
/// <param name="UsedChunks">Chunks in use; null for a classic one.</param>
/// <param name="OnDevice">True on a block device.</param>
internal sealed record StoreInfo(string Kind, int? ChunkBytes, long? UsedChunks, bool OnDevice)
{
    /// <summary>Describes a file.</summary>
    public static StoreInfo Of(StoredFile file) => file.Compact is CompactFile compact
        ? new StoreInfo(StoreRequest.Compact, compact.ChunkBytes, compact.UsedChunkCount, compact.ChunkCount is not null)
        : new StoreInfo(StoreRequest.Classic, null, null, OnDevice: false);

    /// <summary>For people.</summary>
    public override string ToString() => ChunkBytes is int bytes ? $"{Kind}, chunks of {HumanSize.Format(bytes)}" : Kind;
}
