using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Linux;

namespace Cowloop.Daemon.Api;

/// <summary>What a request for a device means: which files are layers, and what takes the changes.</summary>
internal static class StackRequest
{
    /// <summary>What becomes of the changes.</summary>
    public static DeviceMode ModeOf(AttachRequest request) =>
        request.ReadOnly ? DeviceMode.ReadOnly : request.Volatile is null ? DeviceMode.Writable : DeviceMode.Volatile;

    /// <summary>Refuses what contradicts itself, before anything is opened.</summary>
    /// <exception cref="CowloopException">It does.</exception>
    public static void Check(AttachRequest request)
    {
        LayerStack.RequireCount(request.Layers?.Count ?? 0);
        if (request.ReadOnly && (request.Volatile is not null || request.SizeBytes is not null || request.Repair))
        {
            throw Contradiction(
                "a read-only device takes no changes: it is neither volatile nor larger than what it is made of, and nothing is repaired for it");
        }
        if (request.Volatile is VolatileRequest wanted)
        {
            if (request.Cowfile.Length > 0)
            {
                throw Contradiction("a volatile device has no cowfile; files that are only read are layers");
            }
            if (wanted.LimitBytes <= 0)
            {
                throw Contradiction("the size limit of a volatile device is more than 0 bytes");
            }
            if (wanted.Directory is string directory)
            {
                _ = RequestPath.Resolve(directory, "/", "name a directory for volatile changes");
            }
        }
        if (StoreOf(request) is StoreChoice store && (ModeOf(request) != DeviceMode.Writable || (request.Plain && store.ChunkBytes is not null)))
        {
            throw Contradiction("a compact store is for a new cowfile that gets the changes, and that is not to be like the original's");
        }
        if (request.SizeBytes is long sizeBytes
            && (sizeBytes <= 0 || sizeBytes % CowLayout.BlockSize != 0 || sizeBytes / CowLayout.BlockSize > CowLayout.MaxBlockCount))
        {
            throw Contradiction($"the size of a device is a multiple of {CowLayout.BlockSize} bytes, up to {CowLayout.MaxBlockCount * CowLayout.BlockSize}");
        }
    }

    /// <summary>Finds all files that lie on the base: those named, and those that the lowest of them was made on.</summary>
    /// <returns>The layers, bottom to top, and the cowfile that takes the changes, or null.</returns>
    /// <exception cref="CowloopException">One is missing, or named in the wrong place.</exception>
    public static (IReadOnlyList<StackMember> Layers, StackMember? Cowfile) Resolve(AttachRequest request)
    {
        DeviceMode mode = ModeOf(request);
        string[] names = [.. request.Layers ?? [], .. mode == DeviceMode.Writable || request.Cowfile.Length > 0 ? [request.Cowfile] : Array.Empty<string>()];
        IReadOnlyList<StackMember> members = LayerFinder.Complete(
        [
            .. names.Select((name, index) => new StackMember(
                name,
                RequestPath.Resolve(name, request.Directory, index < request.Layers?.Count ? "specify name of layer" : "specify name of copy-on-write file"))),
        ]);
        return mode == DeviceMode.Writable ? ([.. members.Take(members.Count - 1)], members[^1]) : (members, null);
    }

    /// <summary>What a new cowfile is to be kept in; null when nothing is said of it.</summary>
    /// <exception cref="CowloopException">There is no such store.</exception>
    public static StoreChoice? StoreOf(AttachRequest request) => request.Store switch
    {
        null => null,
        { Kind: StoreRequest.Classic or StoreRequest.Compact, LimitBytes: <= 0 } => throw Contradiction("the limit of a compact store is more than 0 bytes"),
        { Kind: StoreRequest.Classic, LimitBytes: not null } => throw Contradiction(
            "a classic cowfile has no limit: it is as long as its device, and takes space for what was written"),
        { Kind: StoreRequest.Classic, ChunkBytes: null } => StoreChoice.Classic,
        { Kind: StoreRequest.Compact, ChunkBytes: null } => StoreChoice.Compact with { LimitBytes = request.Store.LimitBytes },
        { Kind: StoreRequest.Compact, ChunkBytes: int bytes } when CompactLayout.IsChunkSize(bytes) => new StoreChoice(bytes, request.Store.LimitBytes),
        { Kind: StoreRequest.Classic or StoreRequest.Compact } => throw Contradiction(
            $"a chunk of a compact store has a power of two of bytes, from {CompactLayout.MinChunkBytes} to {CompactLayout.MaxChunkBytes}; "
            + "a classic cowfile has none"),
        _ => throw Contradiction($"there is no store '{request.Store.Kind}': it is '{StoreRequest.Classic}' or '{StoreRequest.Compact}'"),
    };

    private static CowloopException Contradiction(string reason) => new(Errno.EINVAL, reason, "cowloop attach --help shows what goes together");
}
