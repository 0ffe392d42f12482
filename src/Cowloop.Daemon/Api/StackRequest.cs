using Cowloop.Control;
using Cowloop.Core;
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

    private static CowloopException Contradiction(string reason) => new(Errno.EINVAL, reason, "cowloop attach --help shows what goes together");
}
