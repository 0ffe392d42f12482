using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class NewFileWriterTests
{
    [Fact]
    public void Whole_pages_of_zeros_are_not_written()
    {
        byte[] source = new byte[5 * 4096];
        source[4096] = 1;
        source[4 * 4096 - 1] = 2;

        Assert.Equal(["write 4096+4096", "write 12288+4096"], Calls(0, source));
    }

    [Fact]
    public void Pages_that_are_not_zero_are_written_together() => Assert.Equal(["write 0+12289"], Calls(0, Fixtures.Filled(3 * 4096 + 1, 1)));

    [Fact]
    public void Pages_are_those_of_the_file()
    {
        byte[] source = new byte[3 * 4096];
        source[0] = 1;
        source[^1] = 1;

        Assert.Equal(["write 1024+3072", "write 12288+1024"], Calls(1024, source));
    }

    [Fact]
    public void Zeros_alone_and_nothing_at_all_are_no_write()
    {
        Assert.Empty(Calls(512, new byte[100_000]));
        Assert.Empty(Calls(512, []));
    }

    [Fact]
    public void What_is_written_reads_as_the_source()
    {
        var random = new Random(4096);
        for (int round = 0; round < 200; round++)
        {
            byte[] source = new byte[random.Next(1, 50_000)];
            for (int count = random.Next(8); count > 0; count--)
            {
                source[random.Next(source.Length)] = 1;
            }
            int offset = random.Next(20_000);
            var memory = new MemoryFile();

            NewFileWriter.Write(new CheckedFile(memory, "new"), offset, source, Fault.WriteData);

            memory.SetLength(offset + source.Length);
            Assert.Equal(source, memory.ToArray()[offset..]);
        }
    }

    [Fact]
    public void An_error_has_the_callers_fault()
    {
        var file = new CheckedFile(new MemoryFile { SpaceLimitBytes = 0 }, "new");

        var exception = Assert.Throws<CowloopException>(() => NewFileWriter.Write(file, 0, [1], Fault.WriteBitmap));

        Assert.Equal((Errno.ENOSPC, Fault.WriteBitmap), (exception.Errno, exception.Fault));
    }

    private static IEnumerable<string> Calls(long offset, byte[] source)
    {
        var tracing = new TracingFile(new MemoryFile());
        NewFileWriter.Write(new CheckedFile(tracing, "new"), offset, source, Fault.WriteData);
        return tracing.Calls;
    }
}
