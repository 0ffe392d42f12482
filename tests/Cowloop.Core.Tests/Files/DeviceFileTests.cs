using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Files;

public class DeviceFileTests
{
    [Fact]
    public void Shows_the_device_and_refuses_every_change()
    {
        using Overlay device = Disk.Open(Fixtures.R, new MemoryFile());
        device.Fill(1000, 100, 0xAB);
        var file = new DeviceFile(device, 0, device.Info.LengthBytes);
        byte[] read = new byte[102];

        Assert.Equal(1 << 20, file.LengthBytes);
        Assert.Equal(Errno.None, file.ReadAt(999, read));
        Assert.Equal((Fixtures.R[999], 0xAB, 0xAB, Fixtures.R[1100]), (read[0], read[1], read[100], read[101]));
        Assert.Equal(read, PieceTarget.Read(file, 999, read.Length));
        Assert.Equal(Errno.EIO, file.ReadTo((1 << 20) - 1, 2, new PieceTarget()));
        Assert.Equal(Errno.None, file.NextData(12345, out long data, out long end));
        Assert.Equal((12345, 1 << 20), (data, end));
        Assert.Equal(Errno.None, file.Sync());
        Assert.Equal(Errno.EROFS, file.WriteAt(0, [1]));
        Assert.Equal(Errno.EROFS, file.Punch(0, 1024));
        Assert.Equal(Errno.EROFS, file.SetLength(0));
        Assert.Equal(Errno.EROFS, file.Allocate(0, 1024));
    }

    [Fact]
    public void A_partition_ends_where_it_ends()
    {
        using Overlay device = Disk.Open(Fixtures.NumberedSectors(8), new MemoryFile());
        var file = new DeviceFile(device, 1024, 1536);
        byte[] sector = new byte[512];

        Assert.Equal(1536, file.LengthBytes);
        Assert.Equal(Errno.None, file.ReadAt(0, sector));
        Assert.Equal(3, sector[0]);
        Assert.Equal(Errno.None, file.ReadAt(1024, sector));
        Assert.Equal(5, sector[0]);
        Assert.Equal(Errno.EIO, file.ReadAt(1025, sector));
        Assert.Equal(Errno.EIO, file.ReadAt(-1, sector));
        Assert.Equal(Errno.EIO, file.ReadAt(long.MaxValue, sector));
    }

    [Fact]
    public void A_device_over_a_device_keeps_its_own_changes()
    {
        var lowerStore = new MemoryFile();
        var upperStore = new MemoryFile();
        using Overlay lower = Disk.Open(Fixtures.R, lowerStore);
        lower.Fill(0, 4096, 1);
        lower.Freeze();
        Overlay upper = Disk.Open(new DeviceFile(lower, 0, lower.Info.LengthBytes), upperStore);

        Assert.Equal(Errno.None, upper.Fill(1536, 1024, 2));
        Assert.Equal("01 01 01 02 02 01 01 01", upper.Sectors(0, 4096));
        Assert.Equal("01 01 01 01 01 01 01 01", lower.Sectors(0, 4096));
        Assert.Equal(Fixtures.R[5000..9000], upper.Get(5000, 4000));

        Assert.Equal(Errno.None, upper.Close());
        Assert.Equal((1, 0), (upperStore.DisposeCount, lowerStore.DisposeCount));
        upper = Disk.Open(new DeviceFile(lower, 0, lower.Info.LengthBytes), upperStore);
        Assert.Equal("01 01 01 02 02 01 01 01", upper.Sectors(0, 4096));
        Assert.Equal(Errno.None, upper.Close());
    }
}
