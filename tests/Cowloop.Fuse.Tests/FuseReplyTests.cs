using Cowloop.Core;

namespace Cowloop.Fuse.Tests;

public class FuseReplyTests
{
    [Fact]
    public void A_reply_is_header_and_payload_in_one_piece()
    {
        byte[] buffer = new byte[64];
        var reply = new FuseReply(buffer);

        int payloadBytes = reply.Put(new FuseAbi.fuse_write_out { size = 0x11223344 });

        Assert.Equal(8, payloadBytes);
        Assert.Equal(
            "18000000" + "00000000" + "0807060504030201" + "44332211" + "00000000",
            Convert.ToHexStringLower(reply.Finish(0x0102030405060708, Errno.None, payloadBytes)));
    }

    [Fact]
    public void An_error_is_negative_and_has_no_payload()
    {
        var reply = new FuseReply(new byte[64]);

        Assert.Equal(
            "10000000" + "fbffffff" + "0100000000000000",
            Convert.ToHexStringLower(reply.Finish(1, Errno.EIO, 8)));
    }

    [Fact]
    public void The_payload_is_what_the_header_leaves()
    {
        byte[] buffer = new byte[64];
        var reply = new FuseReply(buffer);

        reply.Payload.Fill(7);

        Assert.Equal(64 - FuseReply.HeaderBytes, reply.Payload.Length);
        Assert.Equal(FuseReply.HeaderBytes, buffer.AsSpan().IndexOf((byte)7));
    }
}
