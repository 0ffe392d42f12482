using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>The data path allocates nothing: 0 bytes, not few.</summary>
public class OverlayAllocationTests
{
    private const int BlockCount = 24_000;
    private const int Rounds = 10_000;

    private readonly byte[] _buffer = new byte[4096];

    [Fact]
    public void Reads_writes_zeros_and_flushes_allocate_nothing()
    {
        var layout = new CowLayout(BlockCount);
        Overlay overlay = Disk.Open(new FlatFile(new byte[layout.DeviceBytes]), new FlatFile(new byte[layout.FullLengthBytes], 0));
        Errno worst = Work(overlay, 0, 100);

        Assert.Equal(0, Allocated.By(() => worst |= Work(overlay, 100, Rounds)));
        Assert.Equal(Errno.None, worst);
        Assert.True(overlay.UsedBlocks > Rounds);
        Assert.Equal(Errno.None, overlay.Close());
    }

    /// <summary>Each round touches new blocks, old ones, whole ones and parts, so that every path is taken.</summary>
    private Errno Work(Overlay overlay, int first, int end)
    {
        Errno worst = Errno.None;
        for (int round = first; round < end; round++)
        {
            long offset = round * 2L * 1024;
            worst |= overlay.Write(offset + 100, _buffer.AsSpan(0, 1500), fua: false);
            worst |= overlay.Write(offset, _buffer, fua: false);
            worst |= overlay.Read(offset + 50, _buffer);
            worst |= overlay.Read((BlockCount - 8) * 1024L, _buffer);
            worst |= overlay.Zero(offset + 700, 2500, mayUnmap: round % 2 == 0, fua: false);
            worst |= overlay.Flush();
        }
        return worst;
    }
}
