using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

public class OverlayFreezeTests
{
    [Fact]
    public void A_frozen_device_refuses_changes_and_serves_the_rest()
    {
        var memory = new MemoryFile();
        var file = new TracingFile(memory);
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 1);
        overlay.Freeze();
        file.Forget();

        Assert.Equal(Errno.EROFS, overlay.Fill(0, 1024, 2));
        Assert.Equal(Errno.EROFS, overlay.Fill(1024, 1024, 2));
        Assert.Equal(Errno.EROFS, overlay.Zero(0, 1024, mayUnmap: true, fua: false));
        Assert.Equal(Errno.EROFS, overlay.Zero(5, 10, mayUnmap: true, fua: false));
        Assert.Empty(file.Calls);
        Assert.Equal("01 01", overlay.Sectors(0, 1024));
        Assert.Equal(Errno.None, overlay.Flush());
        Assert.Equal(Errno.None, overlay.Clean());
        Assert.Equal(Errno.None, overlay.Failure);

        overlay.Thaw();
        Assert.Equal(Errno.None, overlay.Fill(1024, 1024, 2));
        Assert.Equal("01 01 02 02", overlay.Sectors(0, 2048));
        Assert.Equal(Errno.None, overlay.Close());
        CowfileCheck.AssertClean(memory, new(1024));
    }

    [Fact]
    public void A_frozen_device_can_be_closed()
    {
        var memory = new MemoryFile();
        Overlay overlay = Disk.Open(Fixtures.R, memory);
        overlay.Fill(0, 1024, 1);
        overlay.Freeze();

        Assert.Equal(Errno.None, overlay.Close());

        CowfileCheck.AssertClean(memory, new(1024));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whoever_excludes_writers_waits_for_the_write_under_way(bool cleans)
    {
        var file = new TracingFile(new MemoryFile());
        using Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 1);
        bool wasWaiting = false;
        Thread? other = null;
        file.DuringNext("write 5120+1024", () =>
        {
            other = Together.StartWaiter(cleans ? () => overlay.Clean() : overlay.Freeze);
            wasWaiting = other.IsAlive;
        });

        Assert.Equal(Errno.None, overlay.Fill(1024, 1024, 2));
        other!.Join();

        Assert.True(wasWaiting);
        Assert.Equal(cleans ? Errno.None : Errno.EROFS, overlay.Fill(1024, 1024, 3));
        Assert.Equal(cleans ? "03 03" : "02 02", overlay.Sectors(1024, 1024));
    }
}
