namespace Cowloop.Core.Files;

/// <summary>
/// All that Core needs from the operating system: one open file or block device. Implementations are real
/// (Cowloop.Linux), in memory, simulated or faulty. Safe for concurrent use by many threads.
/// </summary>
/// <remarks>Every transfer is complete or an error; buffers belong to the caller and are not kept.</remarks>
public interface IBlockFile : IDisposable
{
    /// <summary>Length in bytes now.</summary>
    long LengthBytes { get; }

    /// <summary>Fills <paramref name="target"/> from <paramref name="offsetBytes"/>. Reaching the end of file first is <see cref="Errno.EIO"/>.</summary>
    Errno ReadAt(long offsetBytes, Span<byte> target);

    /// <summary>
    /// As <see cref="ReadAt"/>, to where the caller wants it. What consists of parts of other files names these, and what passes calls on to another file
    /// passes on this one, too.
    /// </summary>
    Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target) => target.Take(this, offsetBytes, lengthBytes);

    /// <summary>Writes all of <paramref name="source"/>. After an error any part of it may have been written.</summary>
    Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source);

    /// <summary>Gives the range's space back; it then reads as zeros. The length does not change.</summary>
    Errno Punch(long offsetBytes, long lengthBytes);

    /// <summary>
    /// Makes a range zeros, as a write of zeros would. On <see cref="Errno.EOPNOTSUPP"/> nothing has changed, and the zeros are to be written. What passes
    /// calls on to another file passes on this one, too.
    /// </summary>
    /// <param name="offsetBytes">Start of the range.</param>
    /// <param name="lengthBytes">Length of the range.</param>
    /// <param name="mayUnmap">True: its space is given back. False: its space is reserved.</param>
    /// <param name="doneBytes">How much of it is zeros, from its start, for good: all of it, or what was done before an error.</param>
    Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, out long doneBytes)
    {
        Errno errno = Punch(offsetBytes, lengthBytes);
        errno = errno == Errno.None && !mayUnmap ? Allocate(offsetBytes, lengthBytes) : errno;
        doneBytes = errno == Errno.None ? lengthBytes : 0;
        return errno;
    }

    /// <summary>Cuts the file, or lengthens it with a hole.</summary>
    Errno SetLength(long lengthBytes);

    /// <summary>Reserves space, so that a later write to the range can't meet <see cref="Errno.ENOSPC"/>. The content does not change.</summary>
    Errno Allocate(long offsetBytes, long lengthBytes);

    /// <summary>
    /// Finds the first stretch at or after <paramref name="offsetBytes"/> that is not a hole. A file that does not know its holes
    /// is one stretch of data.
    /// </summary>
    /// <param name="offsetBytes">Where to look from.</param>
    /// <param name="startBytes">The first byte of data; when there is none, the length of the file, or the offset if that lies behind it.</param>
    /// <param name="endBytes">The first byte behind the stretch; equal to the start when there is no data.</param>
    Errno NextData(long offsetBytes, out long startBytes, out long endBytes);

    /// <summary>Makes all completed writes, punches and length changes durable.</summary>
    /// <returns>
    /// <see cref="Errno.EAGAIN"/> when it takes space that is not there: nothing is lost, and a later call makes up for it. After any other error what was
    /// not durable may be gone, and no later call can be trusted.
    /// </returns>
    Errno Sync();
}
