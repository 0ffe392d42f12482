using Cowloop.Core.Compact;
using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Compact;

public class CompactLayoutTests
{
    public static TheoryData<int> Sizes => new(Enumerable.Range(12, 9).Select(power => 1 << power));

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Nothing_overlaps_and_nothing_is_left_out(int chunkBytes)
    {
        var layout = new CompactLayout(new CowLayout(5_000_000), chunkBytes);

        Assert.Equal(0, layout.GroupsOffsetBytes % 4096);
        Assert.InRange(
            layout.GroupsOffsetBytes - CompactLayout.ZeroMapOffsetBytes - (layout.DeviceChunkCount + 7) / 8,
            1,
            4096 + layout.ZeroMapSectorCount * 16L + 512);
        Assert.Equal(layout.GroupsOffsetBytes, layout.TableOffsetBytes(0));
        for (int group = 0; group < 3; group++)
        {
            Assert.Equal(layout.TableOffsetBytes(group) + 32 * 512, layout.TableEndBytes(group));
            int first = group * layout.ChunksPerGroup;
            Assert.Equal(layout.TableEndBytes(group), layout.ChunkOffsetBytes(first));
            Assert.Equal(layout.ChunkOffsetBytes(first) + chunkBytes, layout.ChunkOffsetBytes(first + 1));
            Assert.Equal(layout.ChunkOffsetBytes(first + layout.ChunksPerGroup - 1) + chunkBytes, layout.TableOffsetBytes(group + 1));
        }
        Assert.InRange(layout.DescriptorsPerSector * layout.DescriptorBytes, 496 - layout.DescriptorBytes + 1, 496);
    }

    /// <summary>With the largest device and the smallest chunks.</summary>
    [Fact]
    public void Nothing_overflows()
    {
        var layout = new CompactLayout(new CowLayout(CowLayout.MaxClassicBlockCount), CompactLayout.MinChunkBytes);
        int last = (int)layout.DeviceChunkCount - 1;

        Assert.Equal(1 << 30, layout.DeviceChunkCount);
        Assert.Equal(3, layout.BlockCountOf(last));
        Assert.InRange(layout.ChunkOffsetBytes(last), layout.Device.DeviceBytes - 4096, layout.Device.DeviceBytes * 101 / 100);
        Assert.Equal(last + 1, layout.ChunkCountFor(layout.ChunkOffsetBytes(last) + 4096));
        Assert.Equal(int.MaxValue / layout.ChunksPerGroup, layout.GroupCountFor(long.MaxValue));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_length_says_what_is_there(int chunkBytes)
    {
        var layout = new CompactLayout(new CowLayout(1000), chunkBytes);
        int perGroup = layout.ChunksPerGroup;

        Assert.Equal((0, 0), At(0));
        Assert.Equal((0, 0), At(layout.TableEndBytes(0) - 1));
        Assert.Equal((1, 0), At(layout.TableEndBytes(0)));
        Assert.Equal((1, 0), At(layout.TableEndBytes(0) + chunkBytes - 1));
        Assert.Equal((1, 1), At(layout.ChunkOffsetBytes(1)));
        Assert.Equal((1, perGroup), At(layout.TableOffsetBytes(1)));
        Assert.Equal((1, perGroup), At(layout.TableEndBytes(1) - 1));
        Assert.Equal((2, perGroup), At(layout.TableEndBytes(1)));
        Assert.Equal((2, perGroup + 1), At(layout.ChunkOffsetBytes(perGroup + 1)));

        (int, int) At(long lengthBytes) => (layout.GroupCountFor(lengthBytes), layout.ChunkCountFor(lengthBytes));
    }

    [Fact]
    public void The_last_chunk_need_not_be_whole()
    {
        var layout = new CompactLayout(new CowLayout(130), 64 << 10);

        Assert.Equal(3, layout.DeviceChunkCount);
        Assert.Equal([64, 64, 2], Enumerable.Range(0, 3).Select(chunk => layout.BlockCountOf(chunk)));
        byte[] bits = new byte[8];
        layout.FillBits(2, bits);
        Assert.Equal(3UL, BitConverter.ToUInt64(bits));
        Assert.False(layout.TryAddBits([4, 0, 0, 0, 0, 0, 0, 0], 2, new BlockBits(new ulong[128])));
        Assert.True(layout.TryAddBits([2, 0, 0, 0, 0, 0, 0, 0], 2, new BlockBits(new ulong[128])));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Bits_go_to_a_descriptor_and_back(int chunkBytes)
    {
        var random = new Random(chunkBytes);
        var layout = new CompactLayout(new CowLayout(8192 - 3), chunkBytes);
        ulong[] words = new ulong[128];
        for (int block = 0; block < layout.Device.BlockCount; block++)
        {
            words[block / 64] |= (ulong)random.Next(2) << block % 64;
        }
        ulong[] found = new ulong[128];
        for (int chunk = 0; chunk < layout.DeviceChunkCount; chunk++)
        {
            byte[] bits = new byte[layout.DescriptorBytes - ChunkDescriptor.BitsOffset];
            layout.CopyBits(words, chunk, bits);
            Assert.True(layout.TryAddBits(bits, chunk, new BlockBits(found)));
        }
        Assert.Equal(words, found);

        // Bits that only a larger device would have.
        byte[] full = Fixtures.Filled(layout.DescriptorBytes - ChunkDescriptor.BitsOffset, 0xFF);
        Assert.False(layout.TryAddBits(full, layout.DeviceChunkCount - 1, new BlockBits(found)));
        Assert.Equal(words, found);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2048)]
    [InlineData(4097)]
    [InlineData(12288)]
    [InlineData(2 << 20)]
    public void Other_sizes_are_none(int chunkBytes)
    {
        Assert.False(CompactLayout.IsChunkSize(chunkBytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompactLayout(new CowLayout(1), chunkBytes));
    }
}
