using Cowloop.Core;
using Cowloop.Core.Maintenance;

namespace Cowloop.Tools.Work;

/// <summary>A file as a stream that is read or written once, from its start to its end: for compressors.</summary>
/// <param name="file">The file; not owned.</param>
internal sealed class CheckedStream(CheckedFile file) : Stream
{
    private long _positionBytes;

    /// <summary>True when a reader has been told that the file ends here.</summary>
    public bool HasEnded { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="CowloopException">The file can't be read.</exception>
    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, Math.Max(0, file.LengthBytes - _positionBytes));
        file.Read(_positionBytes, buffer[..count], Fault.ReadData);
        _positionBytes += count;
        HasEnded |= count == 0 && !buffer.IsEmpty;
        return count;
    }

    /// <inheritdoc/>
    /// <exception cref="CowloopException">The file can't be written.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        file.Write(_positionBytes, buffer, Fault.WriteData);
        _positionBytes += buffer.Length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Nothing is kept back here; durable is what the file's own sync makes.</summary>
    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
