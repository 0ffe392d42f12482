using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Linux;

/// <summary>A cowfile of a stack.</summary>
/// <param name="Name">As the user named it, or where it was found.</param>
/// <param name="Path">Absolute path.</param>
public sealed record StackMember(string Name, string Path);

/// <summary>Finds the layers that a cowfile lies on by what its record says of them. Nothing is locked or verified here but what names them.</summary>
public static class LayerFinder
{
    // A directory may hold anything; a search by identity reads a sector of each file.
    private const int MaxFilesSearched = 10_000;

    /// <summary>Completes a stack: puts the layers that its lowest cowfile lies on before those that are named.</summary>
    /// <param name="named">What the user named, bottom to top; the last one need not exist.</param>
    /// <exception cref="CowloopException">A layer is missing, there are too many, or they are in the wrong order.</exception>
    public static IReadOnlyList<StackMember> Complete(IReadOnlyList<StackMember> named)
    {
        var stack = new List<StackMember>(named);
        while (stack.Count > 0 && ReadRecord(stack[0].Path)?.Parent is ParentLink parent)
        {
            StackMember child = stack[0];
            string path = Find(parent, child.Path) ?? throw new CowloopException(
                Errno.EINVAL,
                $"cowfile {child.Name} lies on layer {Parentage.Describe(parent)}, which is not there",
                "bring it back, or name it before the one that lies on it")
            {
                Fault = Fault.OtherParent,
                Path = child.Path,
            };
            if (stack.FirstOrDefault(member => IsSameFile(member.Path, path)) is StackMember later)
            {
                throw new CowloopException(
                    Errno.EINVAL,
                    $"layer {later.Name} is named above {child.Name}, which lies on it",
                    "name the layers from bottom to top, each behind the one that it was made on")
                {
                    Fault = Fault.OtherParent,
                };
            }
            stack.Insert(0, new StackMember(path, path));
            // Its top is none.
            LayerStack.RequireCount(stack.Count - 1);
        }
        return stack;
    }

    /// <summary>True for a cowfile that is sealed.</summary>
    public static bool IsSealed(string path) => ReadRecord(path)?.IsSealed == true;

    /// <summary>True when a cowfile was made on another one as that is now.</summary>
    /// <param name="path">The other one.</param>
    /// <param name="childPath">The cowfile.</param>
    public static bool IsLayerOf(string path, string childPath) =>
        ReadRecord(path) is ExtensionRecord layer && ReadRecord(childPath)?.Parent is ParentLink parent && parent.IsSameAs(layer.ToLink(path));

    /// <summary>Finds a layer: where it was, else among the files beside the one that lies on it.</summary>
    /// <param name="parent">What the one that lies on it says of it.</param>
    /// <param name="childPath">Absolute path of that one.</param>
    /// <returns>Its absolute path; null when it is nowhere.</returns>
    public static string? Find(ParentLink parent, string childPath)
    {
        string directory = Path.GetDirectoryName(childPath)!;
        string formerPath = Path.GetFullPath(parent.Path, directory);
        if (parent.Path.Length > 0 && IsLayer(formerPath, parent.Id))
        {
            return formerPath;
        }
        return parent.Id == Guid.Empty || !Directory.Exists(directory)
            ? null
            : Directory.EnumerateFiles(directory).Take(MaxFilesSearched).FirstOrDefault(path => IsLayer(path, parent.Id));
    }

    /// <summary>A plain layer has no identity: any file in its place will have to do, and is verified by its fingerprint.</summary>
    private static bool IsLayer(string path, Guid id) => id == Guid.Empty ? File.Exists(path) : ReadRecord(path)?.Id == id;

    private static bool IsSameFile(string one, string other) =>
        FileIdentity.TryGet(one, out FileIdentity first) == Errno.None
        && FileIdentity.TryGet(other, out FileIdentity second) == Errno.None
        && first.IsSameAs(second);

    /// <summary>The record of a cowfile; null when there is none to be had. What is wrong with the file is told when it is opened for good.</summary>
    private static ExtensionRecord? ReadRecord(string path)
    {
        if (FileIdentity.TryGet(path, out FileIdentity identity) != Errno.None
            || identity.Kind is not (FileKind.Regular or FileKind.BlockDevice)
            || PosixFile.TryOpenRead(path, out PosixFile? file) != Errno.None)
        {
            return null;
        }
        using (file)
        {
            byte[] headerBlock = new byte[CowLayout.BlockSize];
            return CompactFile.ReadHeaderBlock(file!, headerBlock) == Errno.None
                && CowHeader.Decode(headerBlock) is not null
                && ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record) == RecordState.Present
                ? record
                : null;
        }
    }
}
