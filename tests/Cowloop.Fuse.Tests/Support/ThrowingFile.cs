using Cowloop.Core;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>A file with a bug: reading it throws.</summary>
internal sealed class ThrowingFile : FuseFile
{
    public const string Message = "a bug in a file";

    public override long LengthBytes => 4096;

    public override uint Permissions => 0x180; // 0600

    internal override uint OpenFlags => FuseAbi.FOPEN_DIRECT_IO;

    internal override Errno Open(out ulong handle)
    {
        handle = 0;
        return Errno.None;
    }

    internal override Errno Read(ulong handle, long offsetBytes, Span<byte> target, out int lengthBytes) =>
        throw new InvalidOperationException(Message);

    internal override void Release(ulong handle)
    {
    }
}
