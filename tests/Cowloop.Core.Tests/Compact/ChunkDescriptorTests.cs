using Cowloop.Core.Compact;

namespace Cowloop.Core.Tests.Compact;

public class ChunkDescriptorTests
{
    [Theory]
    [InlineData(4, 16)]
    [InlineData(32, 16)]
    [InlineData(64, 16)]
    [InlineData(128, 24)]
    [InlineData(1024, 136)]
    public void Its_size_is_eight_bytes_and_a_bit_for_each_block(int blocksPerChunk, int lengthBytes) =>
        Assert.Equal(lengthBytes, ChunkDescriptor.LengthBytesFor(blocksPerChunk));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void What_is_written_is_read(int state)
    {
        byte[] bytes = Fixtures.Filled(16, 0xEE);
        new ChunkDescriptor(0xFFFFFFFE, (ChunkState)state, IsWhole: true, FilledRound: 7).Encode(bytes);

        Assert.True(ChunkDescriptor.TryDecode(bytes, out ChunkDescriptor found));
        Assert.Equal(new ChunkDescriptor(0xFFFFFFFE, (ChunkState)state), found);
        // The bits are somebody else's.
        Assert.Equal(Fixtures.Filled(8, 0xEE), bytes[ChunkDescriptor.BitsOffset..]);
    }

    [Theory]
    [InlineData(3u)]
    [InlineData(256u)]
    [InlineData(uint.MaxValue)]
    public void A_state_that_does_not_exist_is_refused(uint state)
    {
        byte[] bytes = new byte[16];
        BitConverter.TryWriteBytes(bytes.AsSpan(4), state);

        Assert.False(ChunkDescriptor.TryDecode(bytes, out _));
    }
}
