using Cowloop.Core.Compact;

namespace Cowloop.Core.Tests.Compact;

public class TableSectorTests
{
    private const ulong Key = 0x0102_0304_0506_0708;

    [Fact]
    public void A_sealed_sector_is_sound_where_it_belongs()
    {
        byte[] sector = Sealed();

        Assert.True(TableSector.IsSound(sector, Key, 7));
        Assert.False(TableSector.IsSound(sector, Key, 8));
        Assert.False(TableSector.IsSound(sector, Key + 1, 7));
        Assert.False(TableSector.IsBlank(sector));
    }

    [Fact]
    public void Every_damaged_bit_shows()
    {
        byte[] sector = Sealed();
        for (int bit = 0; bit < sector.Length * 8; bit++)
        {
            sector[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.False(TableSector.IsSound(sector, Key, 7));
            sector[bit / 8] ^= (byte)(1 << bit % 8);
        }
    }

    [Fact]
    public void One_that_was_never_written_is_blank_and_not_sound()
    {
        byte[] sector = new byte[512];
        Assert.True(TableSector.IsBlank(sector));
        Assert.False(TableSector.IsSound(sector, 0, 0));
    }

    /// <summary>Content that is all zeros is something else than nothing.</summary>
    [Fact]
    public void Empty_content_is_not_blank()
    {
        byte[] sector = new byte[512];
        TableSector.Seal(sector, Key, 0);
        Assert.False(TableSector.IsBlank(sector));
        Assert.True(TableSector.IsSound(sector, Key, 0));
    }

    private static byte[] Sealed()
    {
        byte[] sector = Fixtures.Filled(512, 0x33);
        TableSector.Seal(sector, Key, 7);
        Assert.Equal(Fixtures.Filled(TableSector.PayloadBytes, 0x33), sector[..TableSector.PayloadBytes]);
        return sector;
    }
}
