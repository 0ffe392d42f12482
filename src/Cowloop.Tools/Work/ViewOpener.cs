using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;

namespace Cowloop.Tools.Work;

/// <summary>Anything that reads like a disk, opened for reading: an image, a cowfile through what it lies on, or a block device.</summary>
internal sealed class ViewOpener : IDisposable
{
    private readonly StackOpener? _stack;
    private readonly PosixFile? _device;

    private ViewOpener(string name, StackOpener? stack, PosixFile? device)
    {
        _stack = stack;
        _device = device;
        View = stack is null ? new CheckedFile(device!, name) : new CheckedFile(stack.Image.File, name);
    }

    /// <summary>What is read.</summary>
    public CheckedFile View { get; }

    /// <summary>Opens it; a block device may be in use, a file is locked against changes.</summary>
    /// <param name="name">As the user named it.</param>
    /// <param name="baseName">The base, where it is a cowfile; null for the one that the lowest layer's record names.</param>
    /// <exception cref="CowloopException">It can't be opened.</exception>
    public static ViewOpener Open(string name, string? baseName)
    {
        PosixFile file = BaseOpener.OpenToLook(name);
        if (file.Identity.Kind == FileKind.BlockDevice && !IsCowfile(file))
        {
            return new ViewOpener(name, null, file);
        }
        using (file)
        {
            return new ViewOpener(name, IsCowfile(file) ? StackOpener.OpenThrough(baseName, name) : StackOpener.Open(name, []), null);
        }
    }

    /// <summary>The layers that two of them do not have in common; null when nothing is known to be common.</summary>
    public static IReadOnlyList<Core.Layers.Layer>? DifferentLayers(ViewOpener one, ViewOpener other) =>
        one._stack is null || other._stack is null ? null : StackOpener.DifferentLayers(one._stack, other._stack);

    public void Dispose()
    {
        _stack?.Dispose();
        _device?.Dispose();
    }

    private static bool IsCowfile(PosixFile file)
    {
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        return file.LengthBytes >= headerBlock.Length
            && CompactFile.ReadHeaderBlock(file, headerBlock) == Errno.None
            && CowHeader.Decode(headerBlock) is not null;
    }
}
