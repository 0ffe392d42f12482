using Cowloop.Core;
using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class PosixFileTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_written_is_read_back_complete()
    {
        using PosixFile file = Create("file");
        byte[] written = RandomBytes(5_000_003);
        byte[] read = new byte[written.Length];

        Assert.Equal(Errno.None, file.WriteAt(4097, written));
        Assert.Equal(Errno.None, file.ReadAt(4097, read));

        Assert.Equal(written, read);
        Assert.Equal(4097 + written.Length, file.LengthBytes);
    }

    [Fact]
    public void The_end_of_the_file_is_an_error_not_a_short_read()
    {
        using PosixFile file = Create("file");
        file.WriteAt(0, RandomBytes(1000));

        Assert.Equal(Errno.None, file.ReadAt(0, new byte[1000]));
        Assert.Equal(Errno.EIO, file.ReadAt(0, new byte[1001]));
        Assert.Equal(Errno.EIO, file.ReadAt(1000, new byte[1]));
        Assert.Equal(Errno.None, file.ReadAt(1000, []));
    }

    [Fact]
    public void A_file_opened_for_reading_is_not_written()
    {
        File.WriteAllText(_directory["file"], "text");

        Assert.Equal(Errno.None, PosixFile.TryOpenRead(_directory["file"], out PosixFile? file));
        using (file)
        {
            Assert.Equal(Errno.EBADF, file!.WriteAt(0, "TEXT"u8));
        }
        Assert.Equal("text", File.ReadAllText(_directory["file"]));
    }

    [Fact]
    public void Errors_are_numbers()
    {
        Assert.Equal(Errno.ENOENT, PosixFile.TryOpenRead(_directory["none"], out PosixFile? missing));
        Assert.Equal(Errno.EISDIR, PosixFile.TryOpenReadWrite(_directory.Path, out PosixFile? directory));
        Assert.Equal(Errno.ENOTDIR, PosixFile.TryOpenRead(_directory.MakeFile("file", 1) + "/below", out _));
        using PosixFile file = Open("file");
        Assert.Equal(Errno.EINVAL, file.ReadAt(-1, new byte[1]));
        Assert.Equal(Errno.EINVAL, file.WriteAt(-1, new byte[1]));
        Assert.Equal(Errno.EINVAL, file.SetLength(-1));
        Assert.Null(missing);
        Assert.Null(directory);
    }

    [Fact]
    public void Create_never_takes_a_file_that_exists()
    {
        Create("file").Dispose();

        Assert.Equal(Errno.EEXIST, PosixFile.TryCreate(_directory["file"], out PosixFile? second));
        Assert.Null(second);
        Assert.Equal(Errno.ENOENT, PosixFile.TryCreate(_directory["none/file"], out _));
    }

    [Fact]
    public void A_new_file_is_its_owners_alone()
    {
        Create("file").Dispose();

        UnixFileMode others = File.GetUnixFileMode(_directory["file"]) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal(UnixFileMode.None, others);
    }

    [Fact]
    public void Unlink_takes_the_name_away()
    {
        Create("file").Dispose();

        Assert.Equal(Errno.None, PosixFile.Unlink(_directory["file"]));
        Assert.False(File.Exists(_directory["file"]));
        Assert.Equal(Errno.ENOENT, PosixFile.Unlink(_directory["file"]));
    }

    [Fact]
    public void Rename_puts_a_file_in_the_place_of_another()
    {
        Create("new").Dispose();
        File.WriteAllText(_directory["new"], "new");
        File.WriteAllText(_directory["old"], "old");

        Assert.Equal(Errno.None, PosixFile.Rename(_directory["new"], _directory["old"]));

        Assert.False(File.Exists(_directory["new"]));
        Assert.Equal("new", File.ReadAllText(_directory["old"]));
    }

    [Fact]
    public void Rename_answers_error_numbers()
    {
        Create("file").Dispose();
        Directory.CreateDirectory(_directory["directory"]);

        Assert.Equal(Errno.ENOENT, PosixFile.Rename(_directory["none"], _directory["file"]));
        Assert.Equal(Errno.ENOENT, PosixFile.Rename(_directory["file"], _directory["none/file"]));
        Assert.Equal(Errno.EISDIR, PosixFile.Rename(_directory["file"], _directory["directory"]));
        Assert.True(File.Exists(_directory["file"]));
    }

    [NeedsFact("ln")]
    public void A_symbolic_link_is_read_as_it_is_written()
    {
        Create("file").Dispose();
        Shell.Run("ln", "-s", "../some/where", _directory["link"]);

        Assert.Equal("../some/where", PosixFile.ReadLink(_directory["link"]));
        Assert.Null(PosixFile.ReadLink(_directory["file"]));
        Assert.Null(PosixFile.ReadLink(_directory["none"]));
    }

    /// <summary>What stands before ".." is not where it leads back to: a normalised path would be another one.</summary>
    [NeedsFact("ln")]
    public void A_file_can_be_created_and_renamed_behind_a_symbolic_link()
    {
        Directory.CreateDirectory(_directory["a/b"]);
        Shell.Run("ln", "-s", "a/b", _directory["link"]);

        Assert.Equal(Errno.None, PosixFile.TryCreate(_directory["link/../new"], out PosixFile? file));
        file!.Dispose();
        Assert.Equal(Errno.None, PosixFile.Rename(_directory["link/../new"], _directory["link/../newer"]));

        Assert.True(File.Exists(_directory["a/newer"]));
    }

    [Fact]
    public void A_punched_range_reads_as_zeros_and_the_rest_stays()
    {
        using PosixFile file = Create("file");
        byte[] content = RandomBytes(64 * 1024);
        file.WriteAt(0, content);

        Assert.Equal(Errno.None, file.Punch(5000, 20_000));

        content.AsSpan(5000, 20_000).Clear();
        Assert.Equal(content, ReadAll(file));
    }

    [Fact]
    public void A_punch_gives_space_back_and_keeps_the_length()
    {
        using PosixFile file = Create("file");
        file.WriteAt(0, RandomBytes(1 << 20));
        file.Sync();
        long before = AllocatedBytes("file");

        Assert.Equal(Errno.None, file.Punch(0, 1 << 20));

        Assert.True(AllocatedBytes("file") <= before - (1 << 20));
        Assert.Equal(1 << 20, file.LengthBytes);
    }

    [Fact]
    public void Allocate_takes_space_and_changes_no_content()
    {
        using PosixFile file = Create("file");
        file.SetLength(1 << 20);
        file.WriteAt(4096, "text"u8);

        Assert.Equal(Errno.None, file.Allocate(0, 1 << 20));

        Assert.True(AllocatedBytes("file") >= 1 << 20);
        byte[] expected = new byte[1 << 20];
        "text"u8.CopyTo(expected.AsSpan(4096));
        Assert.Equal(expected, ReadAll(file));
    }

    [Fact]
    public void SetLength_cuts_and_lengthens_with_zeros()
    {
        using PosixFile file = Create("file");
        file.WriteAt(0, RandomBytes(3000));

        Assert.Equal(Errno.None, file.SetLength(1000));
        Assert.Equal(1000, file.LengthBytes);
        Assert.Equal(Errno.None, file.SetLength(3000));

        Assert.Equal(-1, ReadAll(file).AsSpan(1000).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void NextData_finds_data_behind_holes()
    {
        using PosixFile file = Create("file");
        file.SetLength(8 << 20);
        file.WriteAt(4 << 20, new byte[4096]);

        Assert.Equal((Errno.None, 4L << 20, (4L << 20) + 4096), NextData(file, 0));
        Assert.Equal((Errno.None, (4L << 20) + 100, (4L << 20) + 4096), NextData(file, (4 << 20) + 100));
        Assert.Equal((Errno.None, 8L << 20, 8L << 20), NextData(file, 5 << 20));
        Assert.Equal((Errno.None, 8L << 20, 8L << 20), NextData(file, 8 << 20));
    }

    /// <summary>"No data" would hide what lies behind: a caller takes it for the end.</summary>
    [Fact]
    public void NextData_finds_data_behind_a_hole_that_is_being_punched()
    {
        using PosixFile file = Create("file");
        file.WriteAt(1 << 20, new byte[4096]);
        bool isDone = false;
        var puncher = new Thread(() =>
        {
            while (!Volatile.Read(ref isDone))
            {
                file.WriteAt(0, [1]);
                file.Punch(0, 4096);
            }
        });
        puncher.Start();
        try
        {
            for (int look = 0; look < 50_000; look++)
            {
                (Errno errno, long startBytes, long endBytes) = NextData(file, 0);
                Assert.Equal(Errno.None, errno);
                Assert.True(endBytes > startBytes, $"look {look}: nothing behind byte {startBytes}");
            }
        }
        finally
        {
            Volatile.Write(ref isDone, true);
            puncher.Join();
        }
    }

    [Fact]
    public void Sync_succeeds_on_a_file()
    {
        using PosixFile file = Create("file");
        file.WriteAt(0, RandomBytes(1000));

        Assert.Equal(Errno.None, file.Sync());
    }

    [RootFact]
    public void A_full_filesystem_is_ENOSPC_and_what_fitted_stays()
    {
        using var small = Mount.Of("tmpfs", Directory.CreateDirectory(_directory["small"]).FullName, "-t", "tmpfs", "-o", "size=1m");
        using PosixFile file = Create("small/file");
        byte[] first = RandomBytes(512 * 1024);

        Assert.Equal(Errno.None, file.WriteAt(0, first));
        Assert.Equal(Errno.ENOSPC, file.WriteAt(first.Length, RandomBytes(1 << 20)));
        Assert.Equal(Errno.ENOSPC, file.Allocate(4 << 20, 1 << 20));
        byte[] read = new byte[first.Length];
        Assert.Equal(Errno.None, file.ReadAt(0, read));
        Assert.Equal(first, read);

        Assert.Equal(Errno.None, file.Punch(0, 1 << 20));
        Assert.Equal(Errno.None, file.WriteAt(0, first));
    }

    [Fact]
    public void An_exclusive_lock_excludes_every_other_opening()
    {
        using PosixFile first = Create("file");
        using PosixFile second = Open("file");

        Assert.Equal(Errno.None, first.TryLock(exclusive: true));

        Assert.Equal(Errno.EAGAIN, second.TryLock(exclusive: true));
        Assert.Equal(Errno.EAGAIN, second.TryLock(exclusive: false));
    }

    [Fact]
    public void Shared_locks_go_together_and_keep_an_exclusive_one_out()
    {
        using PosixFile first = Create("file");
        using PosixFile second = Open("file");
        using PosixFile third = Open("file");

        Assert.Equal(Errno.None, first.TryLock(exclusive: false));
        Assert.Equal(Errno.None, second.TryLock(exclusive: false));

        Assert.Equal(Errno.EAGAIN, third.TryLock(exclusive: true));
    }

    [Fact]
    public void A_lock_ends_with_its_opening_and_not_with_another_one()
    {
        PosixFile first = Create("file");
        using PosixFile second = Open("file");
        Assert.Equal(Errno.None, first.TryLock(exclusive: true));

        // A classic POSIX lock would go now.
        Open("file").Dispose();
        Assert.Equal(Errno.EAGAIN, second.TryLock(exclusive: true));

        first.Dispose();
        Assert.Equal(Errno.None, second.TryLock(exclusive: true));
    }

    [NeedsFact("mkfifo")]
    public void Opening_a_pipe_does_not_wait_for_its_other_end()
    {
        Shell.Run("mkfifo", _directory["pipe"]);

        Task<FileKind> opening = Task.Run(() =>
        {
            Assert.Equal(Errno.None, PosixFile.TryOpenRead(_directory["pipe"], out PosixFile? file));
            using (file)
            {
                return file!.Identity.Kind;
            }
        });

        Assert.Equal(FileKind.Other, Poll.UntilDone("the pipe is open", opening));
    }

    [NeedsFact("ln")]
    public void Two_names_of_a_file_have_one_identity()
    {
        using PosixFile file = Create("file");
        Shell.Run("ln", _directory["file"], _directory["second-name"]);
        using PosixFile same = Open("second-name");
        using PosixFile other = Create("other");

        Assert.Equal(file.Identity, same.Identity);
        Assert.True(file.Identity.IsSameAs(same.Identity));
        Assert.False(file.Identity.IsSameAs(other.Identity));
        Assert.Equal(FileKind.Regular, file.Identity.Kind);
        Assert.Equal(512, file.SectorSize);
    }

    [RootFact(LoopDisk.Control)]
    public void A_block_device_has_its_own_length_and_sector_size()
    {
        using var disk = new LoopDisk(lengthBytes: 3 * LoopDisk.MiB, sectorSize: 4096);
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(disk.Node, out PosixFile? file));
        using (file)
        {
            Assert.Equal(FileKind.BlockDevice, file!.Identity.Kind);
            Assert.Equal(disk.Device.Number, file.Identity.TargetDevice);
            Assert.Equal(3 * LoopDisk.MiB, file.LengthBytes);
            Assert.Equal(4096, file.SectorSize);
            // A device does not know its holes.
            Assert.Equal((Errno.None, 12345L, file.LengthBytes), NextData(file, 12345));
            Assert.Equal(Errno.EIO, file.ReadAt(file.LengthBytes, new byte[512]));
        }
    }

    private PosixFile Create(string name)
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_directory[name], out PosixFile? file));
        return file!;
    }

    private PosixFile Open(string name)
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(_directory[name], out PosixFile? file));
        return file!;
    }

    private long AllocatedBytes(string name) => 512 * long.Parse(Shell.Run("stat", "--format=%b", _directory[name]).Output);

    private static (Errno Errno, long StartBytes, long EndBytes) NextData(PosixFile file, long offsetBytes) =>
        (file.NextData(offsetBytes, out long startBytes, out long endBytes), startBytes, endBytes);

    private static byte[] ReadAll(PosixFile file)
    {
        byte[] content = new byte[file.LengthBytes];
        Assert.Equal(Errno.None, file.ReadAt(0, content));
        return content;
    }

    private static byte[] RandomBytes(int lengthBytes)
    {
        byte[] bytes = new byte[lengthBytes];
        new Random(lengthBytes).NextBytes(bytes);
        return bytes;
    }
}
