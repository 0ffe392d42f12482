using System.Buffers.Binary;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

public class CompactHeaderTests
{
    [Theory]
    [InlineData(4096, 1)]
    [InlineData(65536, 12345)]
    [InlineData(1 << 20, uint.MaxValue)]
    public void What_is_written_is_read(int chunkBytes, long blockCount)
    {
        var header = new CompactHeader(CompactStores.Id, chunkBytes, blockCount);

        byte[] sector = Encoded(header);

        Assert.True(CompactHeader.HasMagic(sector));
        Assert.Equal("\u007FCOMPACT"u8.ToArray(), sector[..8]);
        Assert.Equal(header, CompactHeader.Decode(sector, "x"));
        Assert.Equal(BinaryPrimitives.ReadUInt64LittleEndian(sector.AsSpan(16)), header.Key);
        CompactHeader limited = header with { LimitBytes = long.MaxValue };
        Assert.Equal(limited, CompactHeader.Decode(Encoded(limited), "x"));
    }

    [Fact]
    public void Every_damaged_bit_shows()
    {
        byte[] sector = Encoded(new CompactHeader(CompactStores.Id, 4096, 100));
        for (int bit = 64; bit < sector.Length * 8; bit++)
        {
            sector[bit / 8] ^= (byte)(1 << bit % 8);
            CowloopException refused = Assert.Throws<CowloopException>(() => CompactHeader.Decode(sector, "a.cow"));
            Assert.Equal((Fault.Damaged, "compact store a.cow has a damaged first sector"), (refused.Fault, refused.Message));
            sector[bit / 8] ^= (byte)(1 << bit % 8);
        }
        sector[0] ^= 1;
        Assert.False(CompactHeader.HasMagic(sector));
    }

    [Theory]
    [InlineData(8, 2u)]
    [InlineData(8, 0u)]
    [InlineData(12, 2u)]
    [InlineData(12, 0x80000000u)]
    public void Another_version_and_features_are_refused(int offset, uint value)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => CompactHeader.Decode(With(offset, value, 4), "a.cow"));

        Assert.Equal(Fault.WrongVersion, refused.Fault);
        Assert.Contains("known is version 1", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, 0UL, 4)]
    [InlineData(32, 1024UL, 4)]
    [InlineData(32, 5000UL, 4)]
    [InlineData(32, 2UL << 20, 4)]
    [InlineData(32, 0x80000000UL, 4)]
    [InlineData(40, 0UL, 8)]
    [InlineData(40, 0x3FFFFE001UL, 8)]
    [InlineData(40, ulong.MaxValue, 8)]
    public void Sizes_that_cannot_be_are_refused(int offset, ulong value, int size)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => CompactHeader.Decode(With(offset, value, size), "a.cow"));

        Assert.Equal(Fault.Damaged, refused.Fault);
        Assert.StartsWith("compact store a.cow says that it has ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_that_cannot_be_are_refused()
    {
        byte[] onDevice = Encoded(new CompactHeader(CompactStores.Id, 4096, 100) { IsOnDevice = true, LimitBytes = 1 << 20 });
        foreach (byte[] sector in new[] { With(48, 1UL << 63, 8), onDevice })
        {
            CowloopException refused = Assert.Throws<CowloopException>(() => CompactHeader.Decode(sector, "a.cow"));

            Assert.Equal(Fault.Damaged, refused.Fault);
            Assert.StartsWith("compact store a.cow says that it is limited to ", refused.Message, StringComparison.Ordinal);
        }
    }

    private static byte[] Encoded(CompactHeader header)
    {
        byte[] sector = Fixtures.Filled(CompactHeader.LengthBytes, 0xAA);
        header.Encode(sector);
        return sector;
    }

    private static byte[] With(int offset, ulong value, int size)
    {
        byte[] sector = Encoded(new CompactHeader(CompactStores.Id, 4096, 100));
        Mutator.Put(sector.AsSpan(offset), value, size, bigEndian: false);
        BinaryPrimitives.WriteUInt32LittleEndian(sector.AsSpan(508), Crc32C.Compute(sector.AsSpan(0, 508)));
        return sector;
    }
}
