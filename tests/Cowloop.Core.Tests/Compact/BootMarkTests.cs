using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

public class BootMarkTests
{
    [Fact]
    public void Each_boot_has_its_own()
    {
        byte[] one = MarkOf(CompactStores.BootOf(1));
        byte[] other = MarkOf(CompactStores.BootOf(2));

        Assert.Equal(one, MarkOf(CompactStores.BootOf(1)));
        Assert.NotEqual(one, other);
        Assert.Equal("\u007FCOWBOOT"u8.ToArray(), one[..8]);
        Assert.Equal(CompactStores.BootOf(1), new Guid(one.AsSpan(8, 16), bigEndian: true));
        Assert.Equal(Crc32C.Compute(one.AsSpan(0, 508)), BitConverter.ToUInt32(one, 508));
    }

    private static byte[] MarkOf(Guid bootId)
    {
        byte[] sector = Fixtures.Filled(BootMark.LengthBytes, 0xFF);
        BootMark.Encode(sector, bootId);
        return sector;
    }
}
