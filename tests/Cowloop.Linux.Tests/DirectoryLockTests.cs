using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class DirectoryLockTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_taken_lock_is_free_again_when_it_ends()
    {
        DirectoryLock? first = DirectoryLock.TryTake(_directory.Path);

        Assert.NotNull(first);
        Assert.Null(DirectoryLock.TryTake(_directory.Path));
        first.Dispose();
        using DirectoryLock? second = DirectoryLock.TryTake(_directory.Path);
        Assert.NotNull(second);
    }

    [NeedsFact("flock")]
    public void It_keeps_other_processes_out()
    {
        using (DirectoryLock.TryTake(_directory.Path))
        {
            Assert.Equal(1, Shell.Try("flock", "--nonblock", _directory.Path, "true").ExitCode);
        }
        Assert.Equal(0, Shell.Try("flock", "--nonblock", _directory.Path, "true").ExitCode);
    }

    [Fact]
    public void It_leaves_nothing_in_the_directory()
    {
        using (DirectoryLock.TryTake(_directory.Path))
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Path));
        }
    }

    [Fact]
    public void A_missing_directory_is_named()
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => DirectoryLock.TryTake(_directory["none"]));

        Assert.Equal(Errno.ENOENT, exception.Errno);
        Assert.Contains(_directory["none"], exception.Message, StringComparison.Ordinal);
    }
}
