using Cowloop.Core;

namespace Cowloop.Linux;

/// <summary>Block nodes in the file tree.</summary>
public static class BlockNode
{
    private const uint Mode = LibC.S_IFBLK | 0x1B0; // 0660

    /// <summary>Makes a node for a device. Fails with <see cref="Errno.EPERM"/> where making device nodes is not allowed.</summary>
    public static Errno TryCreate(string path, DeviceNumber number) =>
        LibC.mknod(path, Mode, number.ToDevice()) == 0 ? Errno.None : LibC.LastErrno;

    /// <summary>The device that a path stands for; null when it is no block device or can't be looked at.</summary>
    public static DeviceNumber? TargetOf(string path) =>
        path.StartsWith('/')
        && FileIdentity.TryGet(path, out FileIdentity identity) == Errno.None
        && identity.Kind == FileKind.BlockDevice
            ? identity.TargetDevice
            : null;

    /// <summary>
    /// The same for a name out of one of the kernel's lists. It may lead anywhere, also to a filesystem that does not answer, so only one below /dev is
    /// looked at.
    /// </summary>
    internal static DeviceNumber? TargetOfListed(string name) => name.StartsWith("/dev/", StringComparison.Ordinal) ? TargetOf(name) : null;

    /// <summary>Lets everybody who listens to uevents look at a block device once more. Best effort: not every container allows it.</summary>
    public static bool TryAnnounce(DeviceNumber number)
    {
        try
        {
            File.WriteAllText($"/sys/dev/block/{number}/uevent", "change");
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
