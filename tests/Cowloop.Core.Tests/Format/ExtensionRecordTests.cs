using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

public class ExtensionRecordTests
{
    private static readonly ExtensionRecord Full = new()
    {
        Id = new Guid("00112233-4455-6677-8899-aabbccddeeff"),
        Generation = 0x0102030405060708,
        BaseLengthBytes = 1_049_088,
        BaseIdentity = new BaseIdentity(UInt128.MaxValue, 2, 3),
        BaseDigest = Fixtures.Filled(32, 9),
        BaseHints = new BaseHints(11, 12, -13, 14),
        BasePath = "../images/größe.img",
        AcceptedChangeCount = 3,
    };

    [Fact]
    public void Comes_back_as_it_was()
    {
        Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(Encoded(Full), out ExtensionRecord? record));

        Assert.Equal(Full.BaseDigest, record!.BaseDigest);
        Assert.Equal(Full, record with { BaseDigest = Full.BaseDigest });
    }

    [Fact]
    public void What_is_not_known_stays_unknown()
    {
        ExtensionRecord least = Full with { BaseDigest = null, BaseHints = null, BasePath = "" };

        Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(Encoded(least), out ExtensionRecord? record));
        Assert.Equal(least, record);
    }

    [Fact]
    public void Only_its_sector_is_written()
    {
        byte[] block = Fixtures.Filled(1024, 0x5A);

        Full.Encode(block);

        Assert.Equal(Fixtures.Filled(512, 0x5A), block[..512]);
    }

    [Fact]
    public void Bytes_that_have_no_meaning_are_kept()
    {
        byte[] block = Encoded(Full);
        block[512 + 22] = 7;

        (Full with { Generation = 9 }).Encode(block);

        Assert.Equal(7, block[512 + 22]);
        Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(block, out ExtensionRecord? record));
        Assert.Equal(9UL, record!.Generation);
    }

    [Fact]
    public void Zeros_and_foreign_bytes_are_no_record()
    {
        Assert.Equal(RecordState.None, ExtensionRecord.TryDecode(new byte[1024], out _));
        Assert.Equal(RecordState.None, ExtensionRecord.TryDecode(Fixtures.Filled(1024, 0xFF), out _));
    }

    [Fact]
    public void One_wrong_bit_is_damage_wherever_it_is()
    {
        for (int position = 8; position < 512; position++)
        {
            byte[] block = Encoded(Full);
            block[512 + position] ^= 0x10;
            Assert.Equal(RecordState.Damaged, ExtensionRecord.TryDecode(block, out ExtensionRecord? record));
            Assert.Null(record);
        }
    }

    [Theory]
    [InlineData(8, 2)]
    [InlineData(12, 32)]
    public void A_later_version_and_an_unknown_demand_are_newer(int position, byte value)
    {
        byte[] block = Encoded(Full);
        block[512 + position] = value;
        Sign(block);

        Assert.Equal(RecordState.Newer, ExtensionRecord.TryDecode(block, out _));
    }

    [Theory]
    [InlineData(11, 2)]
    [InlineData(55, 0x80)]
    public void A_signed_record_with_an_impossible_length_is_damaged(int position, byte value)
    {
        byte[] block = Encoded(Full);
        block[512 + position] = value;
        Sign(block);

        Assert.Equal(RecordState.Damaged, ExtensionRecord.TryDecode(block, out _));
    }

    [Fact]
    public void A_path_is_whole_or_not_there()
    {
        string fits = new('p', ExtensionRecord.MaxPathBytes);
        ExtensionRecord.TryDecode(Encoded(Full with { BasePath = fits }), out ExtensionRecord? record);
        Assert.Equal(fits, record!.BasePath);

        ExtensionRecord.TryDecode(Encoded(Full with { BasePath = fits + "p" }), out record);
        Assert.Equal("", record!.BasePath);
    }

    private static byte[] Encoded(ExtensionRecord record)
    {
        byte[] block = new byte[1024];
        record.Encode(block);
        return block;
    }

    private static void Sign(byte[] block) =>
        BitConverter.TryWriteBytes(block.AsSpan(1020), Crc32C.Compute(block.AsSpan(512, 508)));
}
