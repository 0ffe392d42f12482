namespace Cowloop.Core.Files;

/// <summary>A read-only file seen as if it were longer: behind its end there are zeros.</summary>
/// <param name="file">The file; owned.</param>
/// <param name="storedBytes">How much of the file is seen.</param>
/// <param name="lengthBytes">The length shown; at least that much.</param>
public sealed class GrownFile(IBlockFile file, long storedBytes, long lengthBytes) : ReadOnlyFile
{
    /// <summary>All of a file.</summary>
    /// <param name="file">The file; owned.</param>
    /// <param name="lengthBytes">The length shown; at least that of the file.</param>
    public GrownFile(IBlockFile file, long lengthBytes)
        : this(file, file?.LengthBytes ?? 0, lengthBytes)
    {
    }

    /// <summary>A file of at least a length: the file itself where it is long enough.</summary>
    /// <param name="file">The file; the result owns it.</param>
    /// <param name="lengthBytes">The length needed.</param>
    public static IBlockFile AtLeast(IBlockFile file, long lengthBytes)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.LengthBytes >= lengthBytes ? file : new GrownFile(file, lengthBytes);
    }

    /// <inheritdoc/>
    public override long LengthBytes => lengthBytes;

    /// <inheritdoc/>
    public override Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes < 0 || offsetBytes > lengthBytes - target.Length)
        {
            return Errno.EIO;
        }
        int readBytes = (int)Math.Clamp(storedBytes - offsetBytes, 0, target.Length);
        target[readBytes..].Clear();
        return readBytes == 0 ? Errno.None : file.ReadAt(offsetBytes, target[..readBytes]);
    }

    /// <inheritdoc/>
    public override Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target) => offsetBytes >= 0 && offsetBytes <= storedBytes - lengthBytes
        ? file.ReadTo(offsetBytes, lengthBytes, target)
        : base.ReadTo(offsetBytes, lengthBytes, target);

    /// <inheritdoc/>
    public override Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = endBytes = Math.Max(offsetBytes, lengthBytes);
        if (offsetBytes >= storedBytes)
        {
            return Errno.None;
        }
        Errno errno = file.NextData(offsetBytes, out long foundBytes, out long foundEndBytes);
        if (errno != Errno.None || (foundEndBytes > foundBytes && foundBytes < storedBytes))
        {
            startBytes = foundBytes;
            endBytes = Math.Min(foundEndBytes, storedBytes);
        }
        return errno;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => file.Dispose();
}
