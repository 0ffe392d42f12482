using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>The largest device that a version 1 header can carry, 4 TiB less one block, and one that is larger.</summary>
public class OverlayLargeTests
{
    private const long LastBlock = CowLayout.MaxClassicBlockCount - 1;

    [Fact]
    public void The_largest_device_works_at_its_edges()
    {
        var baseFile = new MemoryFile();
        baseFile.SetLength(CowLayout.MaxClassicBlockCount * 1024);
        baseFile.WriteAt(LastBlock * 1024, Fixtures.Filled(1024, 7));
        var file = new MemoryFile();

        Overlay overlay = Disk.Open(baseFile, file);
        Assert.Equal(536871936, file.LengthBytes);
        Assert.Equal(Errno.None, overlay.Fill(LastBlock * 1024 + 512, 512, 8));
        Assert.Equal(Errno.None, overlay.Zero(0, 1L << 31, mayUnmap: true, fua: true));
        Assert.Equal(Errno.EINVAL, overlay.Fill(LastBlock * 1024 + 513, 512, 8));
        Assert.Equal(Errno.None, overlay.Close());
        Assert.Equal(536875008 + CowLayout.MaxClassicBlockCount * 1024, file.LengthBytes);

        overlay = Disk.Open(baseFile, file);
        Assert.Equal("00 00 07 08", overlay.Sectors(LastBlock * 1024 - 1024, 2048));
        Assert.Equal((1L << 21) + 1, overlay.UsedBlocks);
        Assert.Equal(Errno.None, overlay.Close());
    }

    [Fact]
    public void A_larger_one_has_a_header_of_version_2()
    {
        const long EndBlock = CowLayout.MaxClassicBlockCount + 1;
        var baseFile = new MemoryFile();
        baseFile.SetLength(EndBlock * 1024);
        baseFile.WriteAt((EndBlock - 1) * 1024, Fixtures.Filled(1024, 7));
        var file = new MemoryFile();

        Overlay overlay = Disk.Open(baseFile, file, Disk.WithRecord);
        Assert.Equal(Errno.None, overlay.Fill(EndBlock * 1024 - 512, 512, 8));
        Assert.Equal(Errno.None, overlay.Close());

        Assert.Equal(CowHeader.LargerVersion, AtRest.HeaderOf(file).Version);
        overlay = Disk.Open(baseFile, file, Disk.WithRecord);
        Assert.Equal("00 00 07 08", overlay.Sectors((EndBlock - 2) * 1024, 2048));
        Assert.Equal(Errno.None, overlay.Close());
    }

    [Fact]
    public void A_plain_one_can_not_be_larger()
    {
        var baseFile = new MemoryFile();
        baseFile.SetLength((CowLayout.MaxClassicBlockCount + 1) * 1024);
        var file = new MemoryFile();

        var exception = Assert.Throws<CowloopException>(() => Disk.Open(baseFile, file));

        Assert.Contains("a plain cowfile", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0, file.LengthBytes);
    }
}
