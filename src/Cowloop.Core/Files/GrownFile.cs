namespace Cowloop.Core.Files;

/// <summary>A read-only file seen as if it were longer: behind its end there are zeros.</summary>
/// <param name="file">The file; owned.</param>
/// <param name="lengthBytes">The length shown; at least that of the file.</param>
public sealed class GrownFile(IBlockFile file, long lengthBytes) : ReadOnlyFile
{
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
        int storedBytes = (int)Math.Clamp(file.LengthBytes - offsetBytes, 0, target.Length);
        target[storedBytes..].Clear();
        return storedBytes == 0 ? Errno.None : file.ReadAt(offsetBytes, target[..storedBytes]);
    }

    /// <inheritdoc/>
    public override Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = endBytes = Math.Max(offsetBytes, lengthBytes);
        if (offsetBytes >= file.LengthBytes)
        {
            return Errno.None;
        }
        Errno errno = file.NextData(offsetBytes, out long foundBytes, out long foundEndBytes);
        if (errno != Errno.None || foundEndBytes > foundBytes)
        {
            startBytes = foundBytes;
            endBytes = foundEndBytes;
        }
        return errno;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => file.Dispose();
}
