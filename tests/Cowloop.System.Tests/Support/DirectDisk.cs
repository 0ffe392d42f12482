using System.Runtime.InteropServices;
using Cowloop.Core;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.SystemTests.Support;

/// <summary>
/// A block device without the page cache between: what is answered here, the device has answered. Errors are values; offsets and lengths are
/// multiples of 512. One call at a time.
/// </summary>
internal sealed class DirectDisk : IDisposable
{
    private const int OpenReadWriteDirect = 0x2 | 0x4000 | 0x80000; // O_RDWR, O_DIRECT, O_CLOEXEC
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int ZeroRange = 16;
    private const int Alignment = 4096;
    private const nuint DiscardRequest = 0x1277; // BLKDISCARD

    private readonly SafeFileHandle _handle;
    private readonly nint _memory;
    private readonly nint _buffer;
    private readonly int _bufferBytes;

    /// <summary>Opens a device.</summary>
    /// <param name="path">Its node.</param>
    /// <param name="maxBytes">The largest read or write.</param>
    public DirectDisk(string path, int maxBytes)
    {
        _handle = new SafeFileHandle(Call.open(path, OpenReadWriteDirect), ownsHandle: true);
        Assert.False(_handle.IsInvalid, $"{path} cannot be opened: {LastErrno}");
        _bufferBytes = maxBytes;
        _memory = Marshal.AllocHGlobal(maxBytes + Alignment);
        _buffer = (_memory + Alignment - 1) / Alignment * Alignment;
    }

    private static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    public Errno Write(long offsetBytes, byte[] source, int lengthBytes)
    {
        Assert.InRange(lengthBytes, 0, _bufferBytes);
        Marshal.Copy(source, 0, _buffer, lengthBytes);
        nint written = Call.pwrite(_handle, _buffer, lengthBytes, offsetBytes);
        return written == lengthBytes ? Errno.None : written < 0 ? LastErrno : Errno.EIO;
    }

    public Errno Read(long offsetBytes, byte[] target, int lengthBytes)
    {
        Assert.InRange(lengthBytes, 0, _bufferBytes);
        nint read = Call.pread(_handle, _buffer, lengthBytes, offsetBytes);
        if (read != lengthBytes)
        {
            return read < 0 ? LastErrno : Errno.EIO;
        }
        Marshal.Copy(_buffer, target, 0, lengthBytes);
        return Errno.None;
    }

    /// <summary>Zeros that take space.</summary>
    public Errno Zero(long offsetBytes, long lengthBytes) => Allocate(ZeroRange | KeepSize, offsetBytes, lengthBytes);

    /// <summary>Zeros that need take none.</summary>
    public Errno Punch(long offsetBytes, long lengthBytes) => Allocate(PunchHole | KeepSize, offsetBytes, lengthBytes);

    /// <summary>A discard; here it makes zeros, too.</summary>
    public Errno Discard(long offsetBytes, long lengthBytes) =>
        Call.ioctl(_handle, DiscardRequest, [offsetBytes, lengthBytes]) == 0 ? Errno.None : LastErrno;

    public Errno Sync() => Call.fdatasync(_handle) == 0 ? Errno.None : LastErrno;

    public void Dispose()
    {
        _handle.Dispose();
        Marshal.FreeHGlobal(_memory);
    }

    private Errno Allocate(int mode, long offsetBytes, long lengthBytes) =>
        Call.fallocate(_handle, mode, offsetBytes, lengthBytes) == 0 ? Errno.None : LastErrno;

#pragma warning disable SYSLIB1054, CA5392, IDE1006, SA1300 // The C library's own names; no pointers, so no unsafe code for them.
    private static class Call
    {
        [DllImport("libc", SetLastError = true)]
        public static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

        [DllImport("libc", SetLastError = true)]
        public static extern nint pwrite(SafeFileHandle file, nint buffer, nint count, long offset);

        [DllImport("libc", SetLastError = true)]
        public static extern nint pread(SafeFileHandle file, nint buffer, nint count, long offset);

        [DllImport("libc", SetLastError = true)]
        public static extern int fallocate(SafeFileHandle file, int mode, long offset, long length);

        [DllImport("libc", SetLastError = true)]
        public static extern int ioctl(SafeFileHandle file, nuint request, long[] range);

        [DllImport("libc", SetLastError = true)]
        public static extern int fdatasync(SafeFileHandle file);
    }
#pragma warning restore SYSLIB1054, CA5392, IDE1006, SA1300
}
