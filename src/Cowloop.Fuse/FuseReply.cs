using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Cowloop.Core;
using static Cowloop.Fuse.FuseAbi;

namespace Cowloop.Fuse;

/// <summary>
/// Builds a reply in a worker's buffer: the header ends where the payload starts, so both go out in one piece and data
/// read from a file needs no copy.
/// </summary>
internal readonly ref struct FuseReply
{
    /// <summary>Length of the header in front of the payload.</summary>
    public const int HeaderBytes = 16;

    private readonly Span<byte> _buffer;

    /// <param name="buffer">Header and payload space.</param>
    public FuseReply(Span<byte> buffer) => _buffer = buffer;

    /// <summary>Where the payload goes.</summary>
    public Span<byte> Payload => _buffer[HeaderBytes..];

    /// <summary>Puts a structure at the front of the payload.</summary>
    /// <returns>Its length.</returns>
    public int Put<T>(in T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(Payload, value);
        return Unsafe.SizeOf<T>();
    }

    /// <summary>Finishes the reply.</summary>
    /// <param name="unique">Number of the request.</param>
    /// <param name="errno">An error has no payload.</param>
    /// <param name="payloadBytes">Length of the payload.</param>
    /// <returns>What is to be sent.</returns>
    public ReadOnlySpan<byte> Finish(ulong unique, Errno errno, int payloadBytes)
    {
        int length = HeaderBytes + (errno == Errno.None ? payloadBytes : 0);
        PutHeader(_buffer, unique, errno, length);
        return _buffer[..length];
    }

    /// <summary>Puts the header of a reply alone somewhere.</summary>
    /// <param name="target">Gets it.</param>
    /// <param name="unique">Number of the request.</param>
    /// <param name="errno">The result.</param>
    /// <param name="lengthBytes">Length of the reply, header included.</param>
    public static void PutHeader(Span<byte> target, ulong unique, Errno errno, int lengthBytes) =>
        MemoryMarshal.Write(target, new fuse_out_header { len = (uint)lengthBytes, error = -(int)errno, unique = unique });
}
