using Cowloop.Core;
using Cowloop.Core.Files;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux;

/// <summary>
/// Takes the pages of files as they lie in the page cache and hands them on in one message, which spares one of two copies. For one thread.
/// </summary>
/// <remarks>
/// The kernel copies when the message is sent: until then a page can be written to, and shows what was written, as in a read that comes a little later.
/// </remarks>
public sealed unsafe class PagePipe : IReadTarget, IDisposable
{
    /// <summary>The most that a message can hold, header included, when its pieces lie at page boundaries.</summary>
    public const int CapacityBytes = 1 << 20;

    // Smaller pieces are copied faster than their pages are handed over.
    private const int MinPieceBytes = 16 * 1024;
    private const int WasteBytes = 16 * 1024;

    private readonly SafeFileHandle _reader;
    private readonly SafeFileHandle _writer;
    private int _heldBytes;

    private PagePipe(SafeFileHandle reader, SafeFileHandle writer)
    {
        _reader = reader;
        _writer = writer;
    }

    /// <summary>Makes a pipe.</summary>
    /// <returns>Null when there can't be one as large as is needed: too many descriptors, or pages in pipes.</returns>
    public static PagePipe? TryCreate()
    {
        int* ends = stackalloc int[2];
        if (LibC.pipe2(ends, LibC.O_CLOEXEC | LibC.O_NONBLOCK) != 0)
        {
            return null;
        }
        var pipe = new PagePipe(LibC.ToHandle(ends[0]), LibC.ToHandle(ends[1]));
        if (LibC.fcntl_flags(pipe._writer, LibC.F_SETPIPE_SZ, CapacityBytes) >= CapacityBytes)
        {
            return pipe;
        }
        pipe.Dispose();
        return null;
    }

    /// <summary>Begins a message, which is empty, with bytes that are copied.</summary>
    public Errno Put(ReadOnlySpan<byte> header)
    {
        fixed (byte* start = header)
        {
            nint result = LibC.write(_writer, start, header.Length);
            _heldBytes += (int)Math.Max(0, result);
            return result == header.Length ? Errno.None : Errno.EAGAIN;
        }
    }

    /// <inheritdoc/>
    /// <returns>
    /// <see cref="Errno.EAGAIN"/> when the pieces are too small, or too many; <see cref="Errno.EOPNOTSUPP"/> for a file without pages of its own.
    /// </returns>
    public Errno Take(IBlockFile file, long offsetBytes, int lengthBytes)
    {
        if (file is not PosixFile source)
        {
            return Errno.EOPNOTSUPP;
        }
        if (lengthBytes < MinPieceBytes)
        {
            return Errno.EAGAIN;
        }
        for (int done = 0; done < lengthBytes;)
        {
            long from = offsetBytes + done;
            nint result = LibC.splice(source.Handle, &from, _writer, null, lengthBytes - done, LibC.SPLICE_F_NONBLOCK);
            if (result > 0)
            {
                done += (int)result;
                _heldBytes += (int)result;
                continue;
            }
            Errno errno = result == 0 ? Errno.EIO : LibC.LastErrno;
            if (errno != Errno.EINTR)
            {
                return errno == Errno.EINVAL ? Errno.EOPNOTSUPP : errno;
            }
        }
        return Errno.None;
    }

    /// <summary>Sends the message in one piece. Nothing of it is left, whatever the result.</summary>
    public Errno SendTo(SafeFileHandle target)
    {
        ArgumentNullException.ThrowIfNull(target);
        // Without SPLICE_F_MOVE: a page that belongs to a file stays there.
        nint result = LibC.splice(_reader, null, target, null, _heldBytes, 0);
        Errno errno = result == _heldBytes ? Errno.None : result < 0 ? LibC.LastErrno : Errno.EIO;
        _heldBytes -= (int)Math.Max(0, result);
        Drop();
        return errno;
    }

    /// <summary>Throws the message away.</summary>
    public void Drop()
    {
        byte* waste = stackalloc byte[WasteBytes];
        while (_heldBytes > 0)
        {
            nint result = LibC.read(_reader, waste, WasteBytes);
            if (result <= 0 && LibC.LastErrno != Errno.EINTR)
            {
                // Empty: whoever did not take the message whole has dropped the rest.
                _heldBytes = 0;
            }
            _heldBytes -= (int)Math.Max(0, result);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _writer.Dispose();
    }
}
