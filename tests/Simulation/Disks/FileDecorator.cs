using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Simulation.Disks;

/// <summary>Passes every call on, after <see cref="Before"/> has agreed and unless it answers an error.</summary>
public abstract class FileDecorator(IBlockFile inner) : IBlockFile
{
    public long LengthBytes => inner.LengthBytes;

    protected IBlockFile Inner => inner;

    public virtual Errno ReadAt(long offsetBytes, Span<byte> target)
    {
        Errno errno = Before(new FileCall(FileOp.Read, offsetBytes, target.Length));
        return errno == Errno.None ? After(inner.ReadAt(offsetBytes, target)) : errno;
    }

    public virtual Errno WriteAt(long offsetBytes, ReadOnlySpan<byte> source)
    {
        Errno errno = Before(new FileCall(FileOp.Write, offsetBytes, source.Length));
        return errno == Errno.None ? After(inner.WriteAt(offsetBytes, source)) : errno;
    }

    public virtual Errno Punch(long offsetBytes, long lengthBytes)
    {
        Errno errno = Before(new FileCall(FileOp.Punch, offsetBytes, lengthBytes));
        return errno == Errno.None ? After(inner.Punch(offsetBytes, lengthBytes)) : errno;
    }

    public Errno SetLength(long lengthBytes)
    {
        Errno errno = Before(new FileCall(FileOp.SetLength, 0, lengthBytes));
        return errno == Errno.None ? After(inner.SetLength(lengthBytes)) : errno;
    }

    public virtual Errno Allocate(long offsetBytes, long lengthBytes)
    {
        Errno errno = Before(new FileCall(FileOp.Allocate, offsetBytes, lengthBytes));
        return errno == Errno.None ? After(inner.Allocate(offsetBytes, lengthBytes)) : errno;
    }

    public virtual Errno NextData(long offsetBytes, out long startBytes, out long endBytes)
    {
        startBytes = endBytes = offsetBytes;
        Errno errno = Before(new FileCall(FileOp.NextData, offsetBytes));
        return errno == Errno.None ? After(inner.NextData(offsetBytes, out startBytes, out endBytes)) : errno;
    }

    public virtual Errno Sync()
    {
        Errno errno = Before(new FileCall(FileOp.Sync));
        return errno == Errno.None ? After(inner.Sync()) : errno;
    }

    public void Dispose() => inner.Dispose();

    protected abstract Errno Before(FileCall call);

    protected virtual Errno After(Errno result) => result;
}
