using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class CheckedFileTests
{
    private const Fault AnyFault = Fault.ReadBitmap;

    [Fact]
    public void What_is_written_is_read_back()
    {
        var file = new CheckedFile(new MemoryFile(), "my.cow");

        file.Write(100, [1, 2, 3], AnyFault);

        byte[] read = new byte[4];
        file.Read(99, read, AnyFault);
        Assert.Equal([0, 1, 2, 3], read);
        Assert.Equal(103, file.LengthBytes);
        Assert.Equal("my.cow", file.Name);
    }

    [Theory]
    [InlineData(0, 101, 101)]
    [InlineData(100, 1, 101)]
    [InlineData(500, 10, 510)]
    public void Reading_behind_the_end_tells_that_the_file_is_incomplete(long offset, int length, long needed)
    {
        var file = new CheckedFile(new MemoryFile(new byte[100]), "my.cow");

        var exception = Assert.Throws<CowloopException>(() => file.Read(offset, new byte[length], Fault.ReadData));

        Assert.Equal((Errno.None, Fault.ReadData), (exception.Errno, exception.Fault));
        Assert.Equal($"my.cow is incomplete: it ends at byte 100, and what is needed reaches to byte {needed}", exception.Message);
        Assert.Equal("restore it from a copy", exception.Hint);
    }

    [Fact]
    public void The_last_bytes_can_be_read()
    {
        var file = new CheckedFile(new MemoryFile(Fixtures.Filled(100, 7)), "my.cow");
        byte[] read = new byte[60];

        file.Read(40, read, AnyFault);
        file.Read(100, [], AnyFault);

        Assert.Equal(Fixtures.Filled(60, 7), read);
    }

    [Theory]
    [InlineData("read 0+10", "my.cow cannot be read at byte 0: Input/output error")]
    [InlineData("write 20+10", "my.cow cannot be written at byte 20: Input/output error")]
    [InlineData("punch 4096+8192", "my.cow cannot be cleared at byte 4096: Input/output error")]
    [InlineData("setlength 50", "my.cow cannot be given a length at byte 50: Input/output error")]
    [InlineData("allocate 0+4096", "my.cow cannot be allocated at byte 0: Input/output error")]
    [InlineData("nextdata 30", "my.cow cannot be searched at byte 30: Input/output error")]
    [InlineData("nextdata 24", "my.cow cannot be searched at byte 24: Input/output error")]
    [InlineData("sync", "my.cow cannot be made durable: Input/output error")]
    public void Every_error_names_the_file_and_the_place(string call, string reason)
    {
        var tracing = new TracingFile(new MemoryFile(new byte[100]));
        var file = new CheckedFile(tracing, "my.cow");
        tracing.FailOnce(call, Errno.EIO);

        var exception = Assert.Throws<CowloopException>(() =>
        {
            file.Read(0, new byte[10], AnyFault);
            file.Write(20, new byte[10], AnyFault);
            file.TryPunch(4096, 8192, AnyFault);
            file.SetLength(50, AnyFault);
            file.Reserve(0, 4096, AnyFault);
            file.NextData(30, AnyFault);
            file.Next(new DataPieces(tracing, 24, 16, 8, 8), AnyFault);
            file.Sync(AnyFault);
        });

        Assert.Equal((Errno.EIO, AnyFault, reason), (exception.Errno, exception.Fault, exception.Message));
        Assert.Equal("the kernel's log may say more", exception.Hint);
    }

    [Fact]
    public void A_full_disk_has_a_hint()
    {
        var file = new CheckedFile(new MemoryFile { SpaceLimitBytes = 4096 }, "my.cow");

        var exception = Assert.Throws<CowloopException>(() => file.Write(0, new byte[5000], Fault.WriteData));

        Assert.Equal((Errno.ENOSPC, Fault.WriteData), (exception.Errno, exception.Fault));
        Assert.Equal("free some space there and run it again", exception.Hint);
    }

    [Fact]
    public void Holes_are_punched_and_found()
    {
        var memory = new MemoryFile(Fixtures.Filled(3 * 4096, 1));
        var file = new CheckedFile(memory, "my.cow");

        Assert.True(file.TryPunch(0, 4096, AnyFault));

        Assert.Equal((4096, 3 * 4096), file.NextData(0, AnyFault));
        Assert.Equal(0, memory.ToArray()[0]);
    }

    [Fact]
    public void Where_holes_cannot_be_punched_nothing_changes()
    {
        var memory = new MemoryFile(Fixtures.Filled(4096, 1)) { CanPunch = false };
        var file = new CheckedFile(memory, "my.cow");

        Assert.False(file.TryPunch(0, 4096, AnyFault));

        Assert.Equal(Fixtures.Filled(4096, 1), memory.ToArray());
    }

    [Fact]
    public void Space_is_reserved_where_the_filesystem_can()
    {
        var able = new MemoryFile();
        var unable = new MemoryFile { CanAllocate = false };

        new CheckedFile(able, "able").Reserve(0, 5000, AnyFault);
        new CheckedFile(unable, "unable").Reserve(0, 5000, AnyFault);

        Assert.Equal((8192, 0), (able.UsedBytes, unable.UsedBytes));
        var full = new CheckedFile(new MemoryFile { SpaceLimitBytes = 4096 }, "full");
        Assert.Equal(Errno.ENOSPC, Assert.Throws<CowloopException>(() => full.Reserve(0, 5000, AnyFault)).Errno);
    }

    [Fact]
    public void The_length_can_be_set_both_ways()
    {
        var file = new CheckedFile(new MemoryFile(new byte[100]), "my.cow");

        file.SetLength(10_000, AnyFault);
        Assert.Equal(10_000, file.LengthBytes);
        file.SetLength(5, AnyFault);
        Assert.Equal(5, file.LengthBytes);
    }
}
