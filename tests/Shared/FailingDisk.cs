namespace Cowloop.Tests.Support;

/// <summary>
/// A filesystem that has space on a disk that has none when the test says so: a write is taken, and its sync fails, as with a thin volume or a broken disk.
/// Needs root, mount, losetup and mkfs.ext4.
/// </summary>
internal sealed class FailingDisk : IDisposable
{
    private const long DiskBytes = 32 << 20;

    private readonly TempDirectory _temp = new();
    private readonly Mount _memory;
    private readonly LoopBack _disk;
    private Mount _files;

    public FailingDisk()
    {
        _memory = Mount.Of("cowtest", _temp["memory"], "-t", "tmpfs", "-o", "size=64m");
        using (FileStream image = File.Create(_memory["disk"]))
        {
            image.SetLength(DiskBytes);
        }
        Shell.Run("mkfs.ext4", "-q", "-b", "4096", "-N", "64", "-O", "^has_journal", "-E", "lazy_itable_init=0", _memory["disk"]);
        _disk = LoopBack.Of(_memory["disk"]);
        _files = Mount.Of(_disk.Path, _temp["files"]);
    }

    /// <summary>A path on it.</summary>
    public string this[string name] => _files[name];

    /// <summary>From now on the disk takes only what it has a place for already, as the filesystem's own blocks.</summary>
    public void Fail()
    {
        Shell.Run("sync", "--file-system", _files.Path);
        Shell.Try("dd", "if=/dev/zero", $"of={_memory["filler"]}", "bs=4k", "status=none");
    }

    /// <summary>The disk works again; what has failed before is lost.</summary>
    public void Recover() => File.Delete(_memory["filler"]);

    /// <summary>What is read from now on comes from the disk.</summary>
    public void ForgetCached()
    {
        _files.Unmount();
        _files = Mount.Of(_disk.Path, _files.Path);
    }

    public void Dispose()
    {
        Recover();
        _files.Dispose();
        _disk.Dispose();
        _memory.Dispose();
        _temp.Dispose();
    }
}
