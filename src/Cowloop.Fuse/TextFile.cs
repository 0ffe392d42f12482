using System.Collections.Concurrent;
using System.Text;
using Cowloop.Core;

namespace Cowloop.Fuse;

/// <summary>A read-only text that is made when it is opened, as files in /proc are, so that one reader sees one state.</summary>
/// <param name="makeText">Makes the text; called by any thread.</param>
public sealed class TextFile(Func<string> makeText) : FuseFile
{
    private readonly ConcurrentDictionary<ulong, byte[]> _openings = new();
    private ulong _lastHandle;

    /// <inheritdoc/>
    public override long LengthBytes => 0;

    /// <inheritdoc/>
    public override uint Permissions => 0x124; // 0444

    // Not through the page cache: the length is unknown to it.
    internal override uint OpenFlags => FuseAbi.FOPEN_DIRECT_IO;

    internal override Errno Open(out ulong handle)
    {
        handle = Interlocked.Increment(ref _lastHandle);
        _openings[handle] = Encoding.UTF8.GetBytes(makeText());
        return Errno.None;
    }

    internal override Errno Read(ulong handle, long offsetBytes, Span<byte> target, out int lengthBytes)
    {
        lengthBytes = 0;
        if (!_openings.TryGetValue(handle, out byte[]? text))
        {
            return Errno.EBADF;
        }
        if (offsetBytes < text.Length)
        {
            lengthBytes = (int)Math.Min(target.Length, text.Length - offsetBytes);
            text.AsSpan((int)offsetBytes, lengthBytes).CopyTo(target);
        }
        return Errno.None;
    }

    internal override void Release(ulong handle) => _openings.TryRemove(handle, out _);
}
