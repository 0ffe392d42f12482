using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>A file in one array of fixed capacity. No call allocates, so that a test can count what the engine allocates.</summary>
internal sealed class FlatFile(byte[] content, long lengthBytes) : IBlockFile
{
    public FlatFile(byte[] content)
        : this(content, content.Length)
    {
    }

    public long LengthBytes { get; private set; } = lengthBytes;

    public Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        if (offsetBytes + target.Length > LengthBytes)
        {
            return Errno.EIO;
        }
        content.AsSpan((int)offsetBytes, target.Length).CopyTo(target);
        return Errno.None;
    }

    public Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        source.CopyTo(content.AsSpan((int)offsetBytes));
        LengthBytes = Math.Max(LengthBytes, offsetBytes + source.Length);
        return Errno.None;
    }

    public Errno Punch(long offsetBytes, long lengthBytes)
    {
        content.AsSpan((int)offsetBytes, (int)lengthBytes).Clear();
        return Errno.None;
    }

    public Errno SetLength(long lengthBytes)
    {
        if (lengthBytes < LengthBytes)
        {
            content.AsSpan((int)lengthBytes, (int)(LengthBytes - lengthBytes)).Clear();
        }
        LengthBytes = lengthBytes;
        return lengthBytes <= content.Length ? Errno.None : Errno.EFBIG;
    }

    public Errno Allocate(long offsetBytes, long lengthBytes) => Errno.None;

    public Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = offsetBytes;
        endBytes = Math.Max(offsetBytes, LengthBytes);
        return Errno.None;
    }

    public Errno Sync() => Errno.None;

    public void Dispose()
    {
    }
}
