using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>An open /dev/fuse: requests are read from it, replies written to it, by any number of threads.</summary>
public sealed unsafe class FuseDevice : IDisposable
{
    internal const string NodePath = "/dev/fuse";

    private FuseDevice(SafeFileHandle handle) => Handle = handle;

    /// <summary>The descriptor, for mounting.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Opens a new connection.</summary>
    /// <exception cref="CowloopException">There is no FUSE here, or no permission.</exception>
    public static FuseDevice Open()
    {
        SafeFileHandle handle = LibC.ToHandle(LibC.open(NodePath, LibC.O_RDWR | LibC.O_CLOEXEC, 0));
        return handle.IsInvalid
            ? throw new CowloopException(
                LibC.LastErrno,
                $"cannot open {NodePath}: {LibC.LastErrno.Text()}",
                "root and the kernel's FUSE driver are needed: modprobe fuse, or give the container that device")
            : new FuseDevice(handle);
    }

    /// <summary>Waits for the next request.</summary>
    /// <param name="target">At least the largest write request with its headers.</param>
    /// <param name="lengthBytes">Length of the request.</param>
    /// <returns>
    /// <see cref="Errno.ENODEV"/> when the filesystem is gone: the normal end. <see cref="Errno.ENOENT"/> and
    /// <see cref="Errno.EINTR"/> mean: once more.
    /// </returns>
    public Errno Receive(Span<byte> target, out int lengthBytes)
    {
        fixed (byte* start = target)
        {
            nint result = LibC.read(Handle, start, target.Length);
            lengthBytes = (int)Math.Max(result, 0);
            return result >= 0 ? Errno.None : LibC.LastErrno;
        }
    }

    /// <summary>Writes a reply: header and payload in one piece.</summary>
    public Errno Send(ReadOnlySpan<byte> reply)
    {
        fixed (byte* start = reply)
        {
            return LibC.write(Handle, start, reply.Length) >= 0 ? Errno.None : LibC.LastErrno;
        }
    }

    /// <summary>Sends a reply that lies in a pipe.</summary>
    public Errno Send(PagePipe reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return reply.SendTo(Handle);
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
