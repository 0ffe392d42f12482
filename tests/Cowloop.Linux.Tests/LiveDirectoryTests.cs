using Cowloop.Core;
using Cowloop.Core.Live;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

/// <summary>On the real tmpfs of this machine, with a cowfile that nobody else has.</summary>
public sealed class LiveDirectoryTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly PosixFile _cowfile;
    private readonly LiveKey _key;

    public LiveDirectoryTests()
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_temp["my.cow"], out PosixFile? cowfile));
        _cowfile = cowfile!;
        _key = LiveDirectory.KeyOf(_cowfile);
    }

    public void Dispose()
    {
        LiveDirectory.RemoveAll(_key);
        _cowfile.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public void The_key_is_that_of_the_boot_and_the_file()
    {
        Assert.Equal(Guid.Parse(File.ReadAllText("/proc/sys/kernel/random/boot_id")), _key.BootId);
        Assert.Equal(_cowfile.Identity.Inode, _key.Inode);
        Assert.Equal(Errno.None, PosixFile.TryCreate(_temp["other.cow"], out PosixFile? other));
        using (other)
        {
            Assert.NotEqual(_key, LiveDirectory.KeyOf(other!));
            Assert.Equal(_key.FileSystemId, LiveDirectory.KeyOf(other!).FileSystemId);
        }
    }

    [RootFact("/dev/shm")]
    public void What_was_kept_is_found_until_it_is_removed()
    {
        LiveDirectory directory = Make();
        using (PosixFile kept = directory.TryCreate(_key)!)
        {
            Assert.Equal(Errno.None, kept.WriteAt(0, "kept"u8));
        }
        Assert.Equal("tmpfs", new DriveInfo(directory.Path).DriveFormat);

        Assert.Equal(Errno.None, LiveDirectory.TryFind(_key, out PosixFile? found));
        using (found)
        {
            Assert.Equal(4, found!.LengthBytes);
        }
        directory.Remove(_key);
        Assert.Equal(Errno.None, LiveDirectory.TryFind(_key, out found));
        Assert.Null(found);
    }

    [RootFact("/dev/shm")]
    public void A_new_file_takes_the_place_of_an_old_one()
    {
        LiveDirectory directory = Make();
        using (PosixFile old = directory.TryCreate(_key)!)
        {
            Assert.Equal(Errno.None, old.WriteAt(0, "old"u8));
        }

        using PosixFile file = directory.TryCreate(_key)!;

        Assert.Equal(0, file.LengthBytes);
    }

    [RootFact("/dev/shm")]
    public void A_symbolic_link_in_its_place_is_an_error_and_never_followed()
    {
        LiveDirectory directory = Make();
        directory.TryCreate(_key)!.Dispose();
        string path = Directory.GetFiles(directory.Path, $"*-{_key.Inode:x16}").Single();
        File.Delete(path);
        File.WriteAllText(_temp["target"], "");
        File.CreateSymbolicLink(path, _temp["target"]);

        Assert.Equal(Errno.ELOOP, LiveDirectory.TryFind(_key, out PosixFile? found));
        Assert.Null(found);
    }

    private static LiveDirectory Make()
    {
        LiveDirectory? directory = LiveDirectory.TryMake(out string why);
        Assert.Equal("", why);
        return directory!;
    }
}
