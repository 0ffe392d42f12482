using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

/// <summary>Files without a name: gone with their last opening.</summary>
public class PosixFileUnnamedTests
{
    [Fact]
    public void In_a_directory_it_is_a_file_that_nobody_sees()
    {
        using var directory = TempDirectory.OnDisk();
        Assert.Equal(Errno.None, PosixFile.TryCreateUnnamed(directory.Path, out PosixFile? file));
        using (file)
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
            MustBeUsable(file!);
            Assert.Equal(FileKind.Regular, file!.Identity.Kind);
            Assert.Equal(Errno.None, FileIdentity.TryGet(directory.Path, out FileIdentity place));
            Assert.Equal(place.Device, file.Identity.Device);
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    [Fact]
    public void In_memory_it_is_a_file_too()
    {
        Assert.Equal(Errno.None, PosixFile.TryCreateInMemory("cowloop test", out PosixFile? file));
        using (file)
        {
            MustBeUsable(file!);
            Assert.Contains(
                Directory.GetFileSystemEntries("/proc/self/fd"),
                link => new FileInfo(link).LinkTarget?.StartsWith("/memfd:cowloop test", StringComparison.Ordinal) == true);
        }
    }

    [Fact]
    public void Two_of_them_are_two()
    {
        Assert.Equal(Errno.None, PosixFile.TryCreateInMemory("same", out PosixFile? one));
        Assert.Equal(Errno.None, PosixFile.TryCreateInMemory("same", out PosixFile? other));
        using (one)
        using (other)
        {
            Assert.False(one!.Identity.IsSameAs(other!.Identity));
        }
    }

    [Fact]
    public void Where_there_can_be_none_the_reason_is_told()
    {
        using var directory = new TempDirectory();
        Assert.Equal(Errno.ENOENT, PosixFile.TryCreateUnnamed(directory["nowhere"], out PosixFile? none));
        Assert.Null(none);
        Assert.Equal(Errno.ENOTDIR, PosixFile.TryCreateUnnamed(directory.MakeFile("file", 0), out none));
        Assert.Null(none);
        Assert.NotEqual(Errno.None, PosixFile.TryCreateUnnamed("/proc", out none));
        Assert.Null(none);
    }

    private static void MustBeUsable(PosixFile file)
    {
        byte[] bytes = [1, 2, 3, 4];
        Assert.Equal(Errno.None, file.SetLength(1 << 20));
        Assert.Equal(Errno.None, file.WriteAt(500_000, bytes));
        byte[] read = new byte[4];
        Assert.Equal(Errno.None, file.ReadAt(500_000, read));
        Assert.Equal(bytes, read);
        Assert.Equal(Errno.None, file.Punch(0, 1 << 20));
        Assert.Equal(Errno.None, file.ReadAt(500_000, read));
        Assert.Equal(new byte[4], read);
        Assert.Equal(Errno.None, file.Sync());
    }
}
