using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

public class ZeroMapTests
{
    private const ulong Key = 99;

    // Three sectors of it.
    private static readonly CompactLayout Layout = new(new CowLayout(4L * (2 * TableSector.PayloadBits + 5)), 4096);

    [Fact]
    public void What_is_added_is_found_again()
    {
        MemoryFile file = NewFile();
        ZeroMap map = Load(file);
        Assert.Empty(map.All());

        Assert.Equal(Errno.None, map.Add(3960, 4000, out _));
        Assert.Equal(Errno.None, map.Add(7940, 1, out _));

        Assert.False(map.IsDirty);
        Assert.Equal(Enumerable.Range(3960, 4000).Select(chunk => (long)chunk), map.All());
        Assert.Equal(map.All(), Load(file).All());
        Assert.True(map.Has(7940) && map.Has(3960) && !map.Has(3959));
    }

    [Fact]
    public void What_is_noted_is_written_later()
    {
        MemoryFile file = NewFile();
        ZeroMap map = Load(file);
        Assert.Equal(Errno.None, map.Add(1, 2, out _));

        map.Note(1, isSet: false);
        map.Note(5000, isSet: true);

        Assert.True(map.IsDirty);
        Assert.Equal([1L, 2], Load(file).All());
        Assert.Equal(Errno.None, map.WriteDirty());
        Assert.False(map.IsDirty);
        Assert.Equal([2L, 5000], Load(file).All());
    }

    [Fact]
    public void What_could_not_be_written_is_not_added()
    {
        MemoryFile file = NewFile();
        ZeroMap map = Load(new FaultyFile(file, new PlannedFault(3, 1, Errno.EIO, FaultMoment.BeforeTheCall)));

        // Looking for data is the first call; then one sector is written and the other one not.
        Assert.Equal(Errno.EIO, map.Add(3967, 2, out long addedCount));

        Assert.Equal((1, true), (addedCount, map.IsDirty));
        Assert.Equal([3967L], map.All());
        Assert.Equal([3967L], Load(file).All());
        Assert.Equal(Errno.None, map.WriteDirty());
        Assert.Equal(Errno.None, map.Add(3968, 1, out _));
        Assert.Equal([3967L, 3968], Load(file).All());
    }

    [Fact]
    public void A_sector_that_is_damaged_or_another_stores_is_refused()
    {
        MemoryFile file = NewFile();
        Assert.Equal(Errno.None, Load(file).Add(4000, 1, out _));
        byte[] sector = new byte[512];
        Assert.Equal(Errno.None, file.ReadAt(8192 + 512, sector));

        MustBeDamaged(file, Key + 1, 1);
        MemoryFile moved = NewFile();
        Assert.Equal(Errno.None, moved.WriteAt(8192 + 1024, sector));
        MustBeDamaged(moved, Key, 2);
        MemoryFile torn = NewFile();
        sector[300] ^= 1;
        Assert.Equal(Errno.None, torn.WriteAt(8192 + 512, sector));
        MustBeDamaged(torn, Key, 1);

        static void MustBeDamaged(MemoryFile file, ulong key, int number)
        {
            CowloopException refused = Assert.Throws<CowloopException>(() => Load(file, key));
            Assert.Equal(Fault.Damaged, refused.Fault);
            Assert.Equal($"compact store a.cow has a damaged sector {number} of its map of zeros", refused.Message);
        }
    }

    [Fact]
    public void What_cannot_be_read_is_told()
    {
        MemoryFile file = NewFile();
        Assert.Equal(Errno.None, Load(file).Add(1, 1, out _));
        for (int call = 1; call <= 2; call++)
        {
            CowloopException refused = Assert.Throws<CowloopException>(
                () => Load(new FaultyFile(file, new PlannedFault(call, 1, Errno.EIO, FaultMoment.AfterTheCall))));
            Assert.Equal((Fault.ReadBitmap, Errno.EIO), (refused.Fault, refused.Errno));
        }
    }

    /// <summary>A map without a hole, as it is where the filesystem has none or has written them all.</summary>
    [Fact]
    public void A_large_map_is_read_in_large_pieces()
    {
        const int Sectors = 1000;
        var layout = new CompactLayout(new CowLayout(4L * Sectors * TableSector.PayloadBits), 4096);
        var file = new FlatFile(new byte[CompactLayout.ZeroMapOffsetBytes + Sectors * CompactLayout.SectorBytes]);
        long[] chunks = [0, 127L * TableSector.PayloadBits, 128L * TableSector.PayloadBits + 1, (long)Sectors * TableSector.PayloadBits - 1];
        ZeroMap written = Load(file, layout);
        Assert.All(chunks, chunk => Assert.Equal(Errno.None, written.Add(chunk, 1, out _)));
        var counted = new CountedFile(file);

        Assert.Equal(chunks, Load(counted, layout).All());
        Assert.Equal(8, counted.ReadCount);
    }

    private static MemoryFile NewFile() => ChunkTableRig.NewFile(Layout);

    private static ZeroMap Load(IBlockFile file, ulong key = Key) => Load(file, Layout, key);

    private static ZeroMap Load(IBlockFile file, CompactLayout layout, ulong key = Key)
    {
        var map = new ZeroMap(file, layout, key, new ulong[ZeroMap.WordCountFor(layout)]);
        map.Load("a.cow");
        return map;
    }
}
