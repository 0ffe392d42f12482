using System.Text;
using Cowloop.Fuse.Tests.Support;

namespace Cowloop.Fuse.Tests;

public class FuseRequestTests
{
    private const string Lookup = """
        2f000000 01000000 0807060504030201 0100000000000000 00000000 00000000 d2040000 00000000  # LOOKUP in the root
        6469736b2d3000  # "disk-0"
        """;

    [Fact]
    public void A_header_is_read()
    {
        Assert.True(FuseRequest.TryParse(Frames.Bytes(Lookup), out FuseRequest request));

        Assert.Equal(FuseOpcode.FUSE_LOOKUP, request.Opcode);
        Assert.Equal(0x0102030405060708ul, request.Unique);
        Assert.Equal(1ul, request.Node);
        Assert.Equal(7, request.Body.Length);
        Assert.Equal("disk-0", request.Name());
    }

    [Fact]
    public void A_frame_that_is_cut_anywhere_is_refused()
    {
        byte[] frame = Frames.Bytes(Lookup);

        Assert.All(Enumerable.Range(0, frame.Length), length => Assert.False(FuseRequest.TryParse(frame.AsSpan(0, length), out _)));
    }

    [Fact]
    public void A_frame_longer_than_it_says_is_refused() =>
        Assert.False(FuseRequest.TryParse([.. Frames.Bytes(Lookup), 0], out _));

    [Fact]
    public void A_header_alone_has_no_arguments()
    {
        byte[] frame = Frames.Bytes(Lookup)[..40];
        frame[0] = 40;

        Assert.True(FuseRequest.TryParse(frame, out FuseRequest request));

        Assert.True(request.Body.IsEmpty);
        Assert.False(request.TryArguments(out FuseAbi.fuse_read_in _));
        Assert.Equal("", request.Name());
    }

    [Fact]
    public void Arguments_and_what_follows_them_are_told_apart()
    {
        byte[] frame = Frames.Bytes("""
            2c000000 14000000 0100000000000000 0200000000000000 00000000 00000000 d2040000 00000000
            41424344
            """);
        Assert.True(FuseRequest.TryParse(frame, out FuseRequest request));

        Assert.True(request.TryArguments(out ushort arguments));

        Assert.Equal(0x4241, arguments);
        Assert.Equal("CD", Encoding.ASCII.GetString(request.PayloadBehind<ushort>()));
    }
}
