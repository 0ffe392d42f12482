using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static Cowloop.Fuse.FuseAbi;

namespace Cowloop.Fuse;

/// <summary>One request as it lies in a worker's buffer: header, arguments, payload. Pure decoding; no descriptor.</summary>
internal readonly ref struct FuseRequest
{
    private readonly ReadOnlySpan<byte> _message;

    /// <summary>Reads a request.</summary>
    /// <param name="message">What was received.</param>
    /// <param name="request">The request.</param>
    /// <returns>False when it is shorter than it says or than a header.</returns>
    public static bool TryParse(ReadOnlySpan<byte> message, out FuseRequest request)
    {
        request = default;
        if (message.Length < Unsafe.SizeOf<fuse_in_header>())
        {
            return false;
        }
        ref readonly fuse_in_header header = ref MemoryMarshal.AsRef<fuse_in_header>(message);
        if (header.len != message.Length)
        {
            return false;
        }
        request = new FuseRequest(message);
        return true;
    }

    private FuseRequest(ReadOnlySpan<byte> message) => _message = message;

    public FuseOpcode Opcode => MemoryMarshal.AsRef<fuse_in_header>(_message).opcode;

    public ulong Unique => MemoryMarshal.AsRef<fuse_in_header>(_message).unique;

    public ulong Node => MemoryMarshal.AsRef<fuse_in_header>(_message).nodeid;

    /// <summary>All behind the header.</summary>
    public ReadOnlySpan<byte> Body => _message[Unsafe.SizeOf<fuse_in_header>()..];

    /// <summary>Reads the arguments.</summary>
    /// <returns>False when the request is too short for them.</returns>
    public bool TryArguments<T>(out T arguments)
        where T : unmanaged => MemoryMarshal.TryRead(Body, out arguments);

    /// <summary>What follows the arguments: the data of a write.</summary>
    public ReadOnlySpan<byte> PayloadBehind<T>()
        where T : unmanaged => Body[Unsafe.SizeOf<T>()..];

    /// <summary>The name of a lookup, which ends with a zero byte.</summary>
    public string Name()
    {
        int end = Body.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? Body : Body[..end]);
    }
}
