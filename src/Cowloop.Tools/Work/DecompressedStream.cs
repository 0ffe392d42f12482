using ZstdSharp;

namespace Cowloop.Tools.Work;

/// <summary>Decompressed data of which every library's complaint is one and the same exception.</summary>
/// <param name="decompressor">The library's stream; owned.</param>
/// <param name="source">What it reads.</param>
internal sealed class DecompressedStream(Stream decompressor, CheckedStream source) : Stream
{
    /// <summary>What is wrong with the compressed data, in zlib's words; null as long as nothing is.</summary>
    public string? Damage { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The compressed data is damaged, or ends too early.</exception>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return decompressor.Read(buffer);
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or ZstdException)
        {
            Damage = source.HasEnded ? "unexpected end of file" : "incorrect data check";
            throw new InvalidDataException(Damage, exception);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            decompressor.Dispose();
        }
        base.Dispose(disposing);
    }
}
