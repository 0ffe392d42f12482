namespace Cowloop.Core.Files;

/// <summary>Counts the reads and writes that reach a file: the figures rdoreads, cowreads and cowwrites of the status text (specification 4.9).</summary>
/// <param name="file">The file counted; owned, and disposed with this one.</param>
public sealed class CountedFile(IBlockFile file) : IBlockFile
{
    private long _readCount;
    private long _writeCount;

    /// <summary>Number of <see cref="ReadAt"/> and <see cref="ReadTo"/> calls so far.</summary>
    public long ReadCount => Interlocked.Read(ref _readCount);

    /// <summary>Number of <see cref="WriteAt"/> calls so far.</summary>
    public long WriteCount => Interlocked.Read(ref _writeCount);

    /// <inheritdoc/>
    public long LengthBytes => file.LengthBytes;

    /// <inheritdoc/>
    public Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        Interlocked.Increment(ref _readCount);
        return file.ReadAt(offsetBytes, target);
    }

    /// <inheritdoc/>
    public Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        Interlocked.Increment(ref _readCount);
        return file.ReadTo(offsetBytes, lengthBytes, target);
    }

    /// <inheritdoc/>
    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        Interlocked.Increment(ref _writeCount);
        return file.WriteAt(offsetBytes, source);
    }

    /// <inheritdoc/>
    public Errno Punch(long offsetBytes, long lengthBytes) => file.Punch(offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, out long doneBytes) =>
        file.Zero(offsetBytes, lengthBytes, mayUnmap, out doneBytes);

    /// <inheritdoc/>
    public Errno SetLength(long lengthBytes) => file.SetLength(lengthBytes);

    /// <inheritdoc/>
    public Errno Allocate(long offsetBytes, long lengthBytes) => file.Allocate(offsetBytes, lengthBytes);

    /// <inheritdoc/>
    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes) =>
        file.NextData(offsetBytes, out startBytes, out endBytes);

    /// <inheritdoc/>
    public Errno Sync() => file.Sync();

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
