using Cowloop.Core;

namespace Cowloop.Linux;

/// <summary>Block nodes in the file tree.</summary>
public static class BlockNode
{
    private const uint Mode = LibC.S_IFBLK | 0x1B0; // 0660

    /// <summary>Makes a node for a device. Fails with <see cref="Errno.EPERM"/> where making device nodes is not allowed.</summary>
    public static Errno TryCreate(string path, DeviceNumber number) =>
        LibC.mknod(path, Mode, number.ToDevice()) == 0 ? Errno.None : LibC.LastErrno;
}
