using Cowloop.Core;
using Cowloop.Core.Files;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

public sealed class PagePipeTests : IDisposable
{
    private const int KiB = 1024;

    private readonly TempDirectory _directory = new();
    private readonly byte[] _content = new byte[2048 * KiB];
    private readonly PosixFile _file;
    private readonly PagePipe _pipe;

    public PagePipeTests()
    {
        new Random(1).NextBytes(_content);
        File.WriteAllBytes(_directory["file"], _content);
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(_directory["file"], out PosixFile? file));
        _file = file!;
        _pipe = PagePipe.TryCreate()!;
    }

    public void Dispose()
    {
        _pipe.Dispose();
        _file.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(0, 512 * KiB)]
    [InlineData(5000, 128 * KiB + 77)]
    [InlineData(2048 * KiB - 16 * KiB, 16 * KiB)]
    public void A_message_is_its_header_and_what_was_read(int offsetBytes, int lengthBytes)
    {
        Assert.Equal(Errno.None, _pipe.Put("header"u8));
        Assert.Equal(Errno.None, _pipe.Take(_file, offsetBytes, lengthBytes));

        Assert.Equal([.. "header"u8, .. _content.AsSpan(offsetBytes, lengthBytes)], Sent());
    }

    [Fact]
    public void Pieces_follow_each_other()
    {
        Assert.Equal(Errno.None, _pipe.Take(_file, 1 << 20, 100 * KiB));
        Assert.Equal(Errno.None, _pipe.Take(_file, 4096, 20 * KiB));

        Assert.Equal([.. _content.AsSpan(1 << 20, 100 * KiB), .. _content.AsSpan(4096, 20 * KiB)], Sent());
    }

    [Fact]
    public void What_was_dropped_is_in_no_later_message()
    {
        Assert.Equal(Errno.None, _pipe.Put("dropped"u8));
        Assert.Equal(Errno.None, _pipe.Take(_file, 0, 300 * KiB));
        _pipe.Drop();
        Assert.Equal(Errno.None, _pipe.Put("sent"u8));

        Assert.Equal("sent"u8.ToArray(), Sent());
        Assert.Empty(Sent());
    }

    [Fact]
    public void What_is_too_much_for_it_is_not_waited_for()
    {
        Assert.Equal(Errno.EAGAIN, _pipe.Take(_file, 0, _content.Length));
        Assert.Equal(Errno.EAGAIN, _pipe.Put("x"u8));
        _pipe.Drop();
        Assert.Equal(Errno.None, _pipe.Put("x"u8));
    }

    [Fact]
    public void Small_pieces_and_files_without_pages_are_left_to_others()
    {
        Assert.Equal(Errno.EAGAIN, _pipe.Take(_file, 0, 16 * KiB - 1));
        Assert.Equal(Errno.EOPNOTSUPP, _pipe.Take(new CountedFile(_file), 0, 64 * KiB));
    }

    [Fact]
    public void Behind_the_end_of_a_file_there_is_nothing() => Assert.Equal(Errno.EIO, _pipe.Take(_file, _content.Length - 100, 64 * KiB));

    [Fact]
    public void After_an_error_of_the_target_the_pipe_is_empty()
    {
        Assert.Equal(Errno.None, _pipe.Take(_file, 0, 64 * KiB));
        using (SafeFileHandle readOnly = File.OpenHandle(_directory["file"]))
        {
            Assert.Equal(Errno.EBADF, _pipe.SendTo(readOnly));
        }
        Assert.Empty(Sent());
    }

    private byte[] Sent()
    {
        File.WriteAllBytes(_directory["sent"], []);
        using (SafeFileHandle target = File.OpenHandle(_directory["sent"], FileMode.Open, FileAccess.Write))
        {
            Assert.Equal(Errno.None, _pipe.SendTo(target));
        }
        return File.ReadAllBytes(_directory["sent"]);
    }
}
