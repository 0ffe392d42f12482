using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>
/// The kernel tells a failed writeback to one sync only. Two syncs of a file at the same time would let one take itself for a success.
/// </summary>
public class OverlaySyncOrderTests
{
    [Fact]
    public void A_flush_that_is_syncing_keeps_the_dirty_header_of_another_writer_waiting()
    {
        var file = new TracingFile(new MemoryFile());
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 1);
        overlay.Clean();
        overlay.Fill(0, 1024, 2);
        file.Forget();
        Thread? writer = null;
        IEnumerable<string> duringSync = [];
        file.DuringNext("sync", () =>
        {
            writer = Together.StartWaiter(() => overlay.Fill(8192, 1024, 3));
            duringSync = file.Calls;
        });

        Assert.Equal(Errno.None, overlay.Flush());
        writer!.Join();

        Assert.Equal(["sync"], duringSync);
        Assert.Equal(["sync", "setlength 1052672", "allocate 0+2048", "write 0+1024", "sync", "write 12288+1024"], file.Calls);
    }

    [Fact]
    public void A_flush_that_waited_for_a_failing_header_fails_too()
    {
        var file = new TracingFile(new MemoryFile());
        Overlay overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(0, 1024, 1);
        overlay.Clean();
        overlay.Fill(0, 1024, 2);
        Errno flushed = Errno.None;
        Thread? flusher = null;
        file.OnCall = call =>
        {
            if (call.ToString() != "sync")
            {
                return Errno.None;
            }
            file.OnCall = null;
            flusher = Together.StartWaiter(() => flushed = overlay.Flush());
            return Errno.EIO;
        };

        Assert.NotEqual(Errno.None, overlay.Fill(8192, 1024, 3));
        flusher!.Join();

        Assert.Equal(Errno.EIO, flushed);
    }
}
