using Cowloop.Core;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Tests.Work;

public sealed class CheckedStreamTests : IDisposable
{
    private readonly WorkDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_file_is_read_from_its_start_to_its_end()
    {
        byte[] content = Fixtures.RandomBytes(new Random(1), 100_000);
        _directory.Write("file", content);
        using var stream = new CheckedStream(_directory.Open("file"));
        using var read = new MemoryStream();

        stream.CopyTo(read, 4097);

        Assert.Equal(content, read.ToArray());
    }

    [Fact]
    public void Only_a_reader_that_was_told_knows_the_end()
    {
        _directory.Write("file", new byte[10]);
        using var stream = new CheckedStream(_directory.Open("file"));

        Assert.Equal(10, stream.Read(new byte[10]));
        Assert.Equal(0, stream.Read([]));
        Assert.False(stream.HasEnded);
        Assert.Equal(0, stream.Read(new byte[1]));
        Assert.True(stream.HasEnded);
    }

    [Fact]
    public void A_file_is_written_from_its_start_to_its_end()
    {
        using var stream = new CheckedStream(_directory.Open("file"));

        stream.Write([1, 2]);
        stream.Write([]);
        stream.Write([3]);

        Assert.Equal([1, 2, 3], _directory.Read("file"));
    }

    [NeedsFact("/dev/full")]
    public void A_full_disk_is_an_error()
    {
        using var stream = new CheckedStream(_directory.Open("/dev/full"));

        var exception = Assert.Throws<CowloopException>(() => stream.Write([1]));

        Assert.Equal((Errno.ENOSPC, Fault.WriteData), (exception.Errno, exception.Fault));
    }
}
