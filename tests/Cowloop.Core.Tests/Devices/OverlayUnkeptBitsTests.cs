using Cowloop.Core.Devices;
using Cowloop.Core.Live;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Where live bits can't be kept, a write is acknowledged only when the bits of its blocks are in the cowfile, whoever has set them.</summary>
public class OverlayUnkeptBitsTests
{
    [Fact]
    public void A_write_to_a_block_whose_bit_is_being_published_waits_for_that()
    {
        var file = new TracingFile(new MemoryFile());
        Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord, new LiveBits(null, default));
        Thread? second = null;
        bool hasWaited = false;
        // The first write has set the bit and makes its data durable, to publish it then.
        file.DuringNext("write 4096+1024", () => file.DuringNext("sync", () =>
        {
            second = Together.StartWaiter(() => overlay.Fill(0, 512, 2));
            hasWaited = second.IsAlive;
        }));

        Assert.Equal(Errno.None, overlay.Fill(0, 1024, 1));
        second!.Join();

        Assert.True(hasWaited);
    }

    [Fact]
    public void A_write_to_a_block_whose_bit_is_published_needs_no_sync()
    {
        var file = new TracingFile(new MemoryFile());
        Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord, new LiveBits(null, default));
        overlay.Fill(0, 1024, 1);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Fill(0, 512, 2));

        Assert.Equal(["write 4096+512"], file.Calls);
    }
}
