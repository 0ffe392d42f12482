using Cowloop.Core;

namespace Cowloop.Linux.Tests;

public sealed class CappedFileTests : IDisposable
{
    private const int KiB = 1024;
    private const int LengthBytes = 1024 * KiB;
    private const int LimitBytes = 64 * KiB;

    private readonly PosixFile _file;
    private readonly CappedFile _capped;

    public CappedFileTests()
    {
        Assert.Equal(Errno.None, PosixFile.TryCreateInMemory("capped", out PosixFile? file));
        _file = file!;
        _capped = new CappedFile(_file, LimitBytes);
        Assert.Equal(Errno.None, _capped.SetLength(LengthBytes));
    }

    public void Dispose() => _capped.Dispose();

    [Fact]
    public void Up_to_its_limit_it_is_a_file()
    {
        byte[] bytes = Bytes(LimitBytes, 1);
        Assert.Equal(Errno.None, _capped.WriteAt(128 * KiB, bytes));
        byte[] read = new byte[LimitBytes];
        Assert.Equal(Errno.None, _capped.ReadAt(128 * KiB, read));
        Assert.Equal(bytes, read);
        using PagePipe pipe = PagePipe.TryCreate()!;
        Assert.Equal(Errno.None, _capped.ReadTo(128 * KiB, LimitBytes, pipe));
        Assert.Equal(LengthBytes, _capped.LengthBytes);
        Assert.Equal(Errno.None, _capped.NextData(0, out long start, out long end));
        Assert.Equal((128 * KiB, 192 * KiB), (start, end));
        Assert.Equal(Errno.None, _capped.Sync());
    }

    [Fact]
    public void What_does_not_fit_finds_no_space_and_changes_nothing()
    {
        Assert.Equal(Errno.None, _capped.WriteAt(0, Bytes(48 * KiB, 1)));
        Assert.Equal(Errno.ENOSPC, _capped.WriteAt(256 * KiB, Bytes(32 * KiB, 2)));
        Assert.Equal(Errno.ENOSPC, _capped.Allocate(256 * KiB, 32 * KiB));
        Assert.InRange(_file.AllocatedBytes, 1, LimitBytes);
        byte[] read = new byte[32 * KiB];
        Assert.Equal(Errno.None, _capped.ReadAt(256 * KiB, read));
        Assert.Equal(new byte[32 * KiB], read);
        // The rest can still be had.
        Assert.Equal(Errno.None, _capped.WriteAt(256 * KiB, Bytes(16 * KiB, 2)));
    }

    [Fact]
    public void What_is_there_can_be_overwritten_when_it_is_full()
    {
        Assert.Equal(Errno.None, _capped.WriteAt(0, Bytes(LimitBytes, 1)));
        Assert.Equal(Errno.None, _capped.WriteAt(0, Bytes(LimitBytes, 2)));
        // But not beyond, also when only a part of it is new.
        Assert.Equal(Errno.ENOSPC, _capped.WriteAt(32 * KiB, Bytes(LimitBytes, 3)));
        byte[] read = new byte[LimitBytes];
        Assert.Equal(Errno.None, _capped.ReadAt(0, read));
        Assert.Equal(Bytes(LimitBytes, 2), read);
    }

    [Fact]
    public void What_is_punched_can_be_used_again()
    {
        Assert.Equal(Errno.None, _capped.WriteAt(0, Bytes(LimitBytes, 1)));
        Assert.Equal(Errno.None, _capped.Punch(0, 32 * KiB));
        Assert.Equal(Errno.None, _capped.WriteAt(512 * KiB, Bytes(32 * KiB, 2)));
        Assert.Equal(Errno.ENOSPC, _capped.WriteAt(0, Bytes(4 * KiB, 3)));
    }

    [Fact]
    public void Writers_that_fit_alone_do_not_pass_it_together()
    {
        int fitted = 0;
        Parallel.For(0, 64, index =>
        {
            if (_capped.WriteAt(index * 16 * KiB, Bytes(8 * KiB, (byte)(index + 1))) == Errno.None)
            {
                Interlocked.Increment(ref fitted);
            }
        });
        Assert.Equal(LimitBytes / (8 * KiB), fitted);
        Assert.InRange(_file.AllocatedBytes, LimitBytes / 2, LimitBytes);
    }

    private static byte[] Bytes(int length, byte value)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }
}
