namespace Cowloop.Core.Files;

/// <summary>A file that can only be read: every change of it is <see cref="Errno.EROFS"/>, and there is never anything to sync.</summary>
public abstract class ReadOnlyFile : IBlockFile
{
    /// <inheritdoc/>
    public abstract long LengthBytes { get; }

    /// <inheritdoc/>
    public abstract Errno ReadAt(long offsetBytes, Span<byte> target);

    /// <inheritdoc cref="IBlockFile.ReadTo"/>
    public virtual Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return target.Take(this, offsetBytes, lengthBytes);
    }

    /// <inheritdoc/>
    public abstract Errno NextData(long offsetBytes, out long startBytes, out long endBytes);

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno SetLength(long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes) => Errno.EROFS;

    /// <inheritdoc/>
    public Errno Sync() => Errno.None;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what the file owns.</summary>
    /// <param name="disposing">Always true: none of them has a finalizer.</param>
    protected abstract void Dispose(bool disposing);
}
