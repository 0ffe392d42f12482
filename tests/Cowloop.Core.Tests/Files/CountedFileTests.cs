using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Files;

public class CountedFileTests
{
    [Fact]
    public void Counts_reads_and_writes_also_failed_ones()
    {
        var counted = new CountedFile(new MemoryFile(new byte[4096]));
        byte[] buffer = new byte[1024];

        counted.ReadAt(0, buffer);
        counted.ReadAt(4096, buffer);
        counted.ReadTo(0, 1024, new PieceTarget());
        counted.WriteAt(0, buffer);

        Assert.Equal((3, 1), (counted.ReadCount, counted.WriteCount));
    }

    [Fact]
    public void What_is_read_elsewhere_is_read_from_the_file_itself()
    {
        var memory = new MemoryFile(Fixtures.Filled(4096, 7));
        var pieces = new PieceTarget();

        Assert.Equal(Errno.None, new CountedFile(memory).ReadTo(1024, 10, pieces));

        Assert.Same(memory, Assert.Single(pieces.Files));
        Assert.Equal(Fixtures.Filled(10, 7), pieces.Content);
    }

    [Fact]
    public void Passes_every_call_on()
    {
        var memory = new MemoryFile(Fixtures.Filled(8192, 7));
        var trace = new TracingFile(memory);
        var counted = new CountedFile(trace);
        byte[] buffer = new byte[1024];

        Assert.Equal(8192, counted.LengthBytes);
        Assert.Equal(Errno.None, counted.ReadAt(1024, buffer));
        Assert.Equal(Errno.None, counted.WriteAt(0, buffer));
        Assert.Equal(Errno.None, counted.Punch(4096, 1024));
        Assert.Equal(Errno.None, counted.SetLength(9216));
        Assert.Equal(Errno.None, counted.Allocate(0, 4096));
        Assert.Equal(Errno.None, counted.NextData(5, out long data, out long end));
        Assert.Equal(Errno.None, counted.Sync());
        counted.Dispose();

        Assert.Equal(7, buffer[0]);
        Assert.Equal((5, 8192), (data, end));
        Assert.Equal(1, memory.DisposeCount);
        Assert.Equal(
            ["read 1024+1024", "write 0+1024", "punch 4096+1024", "setlength 9216", "allocate 0+4096", "nextdata 5", "sync"],
            trace.Calls);
    }

    [Fact]
    public void Opening_counts_as_the_status_text_wants_it()
    {
        var counted = new CountedFile(new FlatFile(Fixtures.R));

        Disk.OpenCowfile(counted, new MemoryFile());

        Assert.Equal(4, counted.ReadCount);
    }
}
