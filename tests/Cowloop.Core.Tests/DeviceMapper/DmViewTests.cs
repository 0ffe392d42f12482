using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.DeviceMapper;

public class DmViewTests
{
    private const int ChunkBytes = 512;

    [Fact]
    public void Every_range_reads_as_the_snapshot_does()
    {
        var random = new Random(1);
        byte[] origin = Fixtures.RandomBytes(random, 20 * ChunkBytes);
        byte[] expected = [.. origin];
        var store = new DmStore(ChunkBytes);
        foreach (int chunk in new[] { 3, 19, 4, 0, 10, 11, 12 })
        {
            byte[] content = Fixtures.RandomBytes(random, ChunkBytes);
            store.Add(chunk, content);
            content.CopyTo(expected, chunk * ChunkBytes);
        }
        CheckedFile file = store.ToFile();
        using var view = new DmView(file.File, ExceptionTable.Read(file, origin.Length), new FlatFile(origin), origin.Length);

        for (int count = 0; count < 2000; count++)
        {
            int start = random.Next(origin.Length);
            byte[] target = new byte[random.Next(origin.Length - start + 1)];
            Assert.Equal(Errno.None, view.ReadAt(start, target));
            Assert.Equal(expected[start..(start + target.Length)], target);
        }
        Assert.Equal(origin.Length, view.LengthBytes);
        Assert.Equal(Errno.EIO, view.ReadAt(origin.Length - 1, new byte[2]));
        Assert.Equal(Errno.EIO, view.ReadAt(-1, new byte[2]));
        Assert.Equal(Errno.EROFS, view.WriteAt(0, new byte[1]));
    }

    [Fact]
    public void What_cannot_be_read_is_told()
    {
        byte[] origin = new byte[4 * ChunkBytes];
        byte[] store = new DmStore(ChunkBytes).Add(1, new byte[ChunkBytes]).ToArray();
        var table = ExceptionTable.Read(DmStore.Named(store), origin.Length);
        var fault = new PlannedFault(1, PlannedFault.ForGood, Errno.EIO, FaultMoment.BeforeTheCall);

        using var withBadStore = new DmView(new FaultyFile(new FlatFile(store), fault), table, new FlatFile(origin), origin.Length);
        Assert.Equal(Errno.None, withBadStore.ReadAt(0, new byte[ChunkBytes]));
        Assert.Equal(Errno.EIO, withBadStore.ReadAt(0, new byte[ChunkBytes + 1]));

        using var withBadOrigin = new DmView(new FlatFile(store), table, new FaultyFile(new FlatFile(origin), fault), origin.Length);
        Assert.Equal(Errno.None, withBadOrigin.ReadAt(ChunkBytes, new byte[ChunkBytes]));
        Assert.Equal(Errno.EIO, withBadOrigin.ReadAt(ChunkBytes, new byte[ChunkBytes + 1]));
    }

    [Fact]
    public void Nothing_of_it_is_called_a_hole()
    {
        byte[] store = new DmStore(ChunkBytes).ToArray();
        using var view = new DmView(new FlatFile(store), ExceptionTable.Read(DmStore.Named(store), 4096), new FlatFile(new byte[4096]), 4096);

        Assert.Equal(Errno.None, view.NextData(100, out long startBytes, out long endBytes));
        Assert.Equal((100, 4096), (startBytes, endBytes));
    }
}
