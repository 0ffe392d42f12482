using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;

namespace Cowloop.Fuse.Tests;

public class DiskFileTests
{
    private readonly MemoryDisk _disk = new(8192);
    private readonly DiskFile _file;

    public DiskFileTests() => _file = new DiskFile(_disk, new SharedWorkers(8));

    [Fact]
    public void It_is_released_with_its_last_opening()
    {
        _file.Open(out ulong first);
        _file.Open(out ulong second);
        Assert.False(_file.Released.IsCompleted);

        _file.Release(first);
        Assert.False(_file.Released.IsCompleted);
        _file.Release(second);
        Assert.True(_file.Released.IsCompletedSuccessfully);
    }

    [Fact]
    public void It_is_not_released_before_it_is_opened() => Assert.False(_file.Released.IsCompleted);

    [Fact]
    public void A_released_file_is_not_opened_again()
    {
        _file.Open(out ulong handle);
        _file.Release(handle);

        Assert.Equal(Errno.ENODEV, _file.Open(out _));
    }

    [Fact]
    public void A_release_too_many_changes_nothing()
    {
        _file.Open(out ulong handle);
        _file.Release(handle);

        _file.Release(handle);

        Assert.True(_file.Released.IsCompletedSuccessfully);
        Assert.Equal(Errno.ENODEV, _file.Open(out _));
    }

    [Fact]
    public void Many_openings_at_once_release_it_once()
    {
        _file.Open(out ulong first);
        Parallel.For(0, 1000, _ =>
        {
            Assert.Equal(Errno.None, _file.Open(out ulong handle));
            _file.Release(handle);
        });
        Assert.False(_file.Released.IsCompleted);

        _file.Release(first);

        Assert.True(_file.Released.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_read_is_cut_at_the_end_of_the_device()
    {
        _disk.Content[8191] = 42;
        byte[] target = new byte[512];

        Assert.Equal(Errno.None, _file.Read(0, 8000, target, out int lengthBytes));

        Assert.Equal(192, lengthBytes);
        Assert.Equal(42, target[191]);
        Assert.Equal(["read 8000+192"], _disk.Calls);
        Assert.Equal(Errno.None, _file.Read(0, 8192, target, out lengthBytes));
        Assert.Equal(0, lengthBytes);
        Assert.Equal(Errno.None, _file.Read(0, long.MaxValue, target, out lengthBytes));
        Assert.Equal(0, lengthBytes);
    }

    [Fact]
    public void Changes_reach_the_device()
    {
        Assert.Equal(Errno.None, _file.Write(1000, "text"u8));
        Assert.Equal(Errno.None, _file.Zero(0, 512, mayUnmap: true));
        Assert.Equal(Errno.None, _file.Zero(512, 512, mayUnmap: false));
        Assert.Equal(Errno.None, _file.Sync());

        Assert.Equal(["write 1000+4", "unmap 0+512", "zero 512+512", "flush"], _disk.Calls);
    }

    [Fact]
    public void The_devices_errors_are_the_files()
    {
        _disk.Answer = Errno.ENOSPC;

        Assert.Equal(Errno.ENOSPC, _file.Read(0, 0, new byte[1], out _));
        Assert.Equal(Errno.ENOSPC, _file.Write(0, new byte[1]));
        Assert.Equal(Errno.ENOSPC, _file.Zero(0, 1, mayUnmap: true));
        Assert.Equal(Errno.ENOSPC, _file.Sync());
    }

    [Fact]
    public void It_is_as_long_as_the_device_and_its_owners_alone()
    {
        Assert.Equal(8192, _file.LengthBytes);
        Assert.Equal(0x180u, _file.Permissions); // 0600
    }
}
