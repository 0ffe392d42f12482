using Cowloop.Core;
using Cowloop.Linux;

namespace Cowloop.Fuse.Tests.Support;

/// <summary>
/// Sends a frame through the dispatcher as a worker does, in one buffer where the reply overwrites the request. Frames
/// are hexadecimal texts, as they cross /dev/fuse on a little-endian machine; blanks, and what follows a #, do not count.
/// </summary>
internal sealed class Frames(FlatTree tree)
{
    private const int PayloadOffset = 4096;
    private const int RequestOffset = PayloadOffset - 80;

    private readonly FuseDispatcher _dispatcher = new(tree);

    /// <summary>Sends a request.</summary>
    /// <returns>The reply's frame, or null when there is none.</returns>
    public string? Send(string frame)
    {
        byte[] message = Bytes(frame);
        using var buffer = new NativeBuffer(PayloadOffset + FuseDispatcher.MaxTransferBytes);
        // What a request before left there.
        buffer.Span.Fill(0xEE);
        message.CopyTo(buffer.Span[RequestOffset..]);
        Assert.True(FuseRequest.TryParse(buffer.Span.Slice(RequestOffset, message.Length), out FuseRequest request));
        ulong unique = request.Unique;
        var reply = new FuseReply(buffer.Span[(PayloadOffset - FuseReply.HeaderBytes)..]);

        Errno? errno = _dispatcher.Dispatch(request, reply, out int payloadBytes);

        return errno is Errno result ? Convert.ToHexStringLower(reply.Finish(unique, result, payloadBytes)) : null;
    }

    /// <summary>Checks a whole exchange, byte by byte.</summary>
    public void Expect(string request, string reply) => Assert.Equal(Convert.ToHexStringLower(Bytes(reply)), Send(request));

    /// <summary>Checks that a request is answered with an error and nothing else.</summary>
    public void ExpectError(Errno errno, string request)
    {
        byte[] unique = Bytes(request)[8..16];
        byte[] reply = [16, 0, 0, 0, .. BitConverter.GetBytes(-(int)errno), .. unique];
        Assert.Equal(Convert.ToHexStringLower(reply), Send(request));
    }

    public static byte[] Bytes(string frame) => Convert.FromHexString(string.Concat(
        frame.Split('\n').Select(line => line.Split('#')[0].Replace(" ", "", StringComparison.Ordinal))));
}
