using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>The largest device that a version 1 header can carry: 4 TiB less one block.</summary>
public class OverlayLargeTests
{
    private const long LastBlock = CowLayout.MaxBlockCount - 1;

    [Fact]
    public void The_largest_device_works_at_its_edges()
    {
        var baseFile = new MemoryFile();
        baseFile.SetLength(CowLayout.MaxBlockCount * 1024);
        baseFile.WriteAt(LastBlock * 1024, Fixtures.Filled(1024, 7));
        var file = new MemoryFile();

        Overlay overlay = Disk.Open(baseFile, file);
        Assert.Equal(536871936, file.LengthBytes);
        Assert.Equal(Errno.None, overlay.Fill(LastBlock * 1024 + 512, 512, 8));
        Assert.Equal(Errno.None, overlay.Zero(0, 1L << 31, mayUnmap: true, fua: true));
        Assert.Equal(Errno.EINVAL, overlay.Fill(LastBlock * 1024 + 513, 512, 8));
        Assert.Equal(Errno.None, overlay.Close());
        Assert.Equal(536875008 + CowLayout.MaxBlockCount * 1024, file.LengthBytes);

        overlay = Disk.Open(baseFile, file);
        Assert.Equal("00 00 07 08", overlay.Sectors(LastBlock * 1024 - 1024, 2048));
        Assert.Equal((1L << 21) + 1, overlay.UsedBlocks);
        Assert.Equal(Errno.None, overlay.Close());
    }
}
