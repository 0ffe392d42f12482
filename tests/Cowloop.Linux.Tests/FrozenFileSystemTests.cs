using Cowloop.Core;
using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class FrozenFileSystemTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [RootFact(LoopDisk.Control, "mkfs.ext4", "fs:ext4")]
    public void Its_image_is_clean_and_changes_wait()
    {
        string image = MakeImage();
        using var mount = Mount.Of(image, _directory["mnt"], "-o", "loop");
        File.WriteAllText(mount["before"], "there\n");
        Task writer;
        using (FrozenFileSystem.Freeze(mount.Path, _ => true))
        {
            string copy = _directory["copy"];
            Shell.Run("cp", image, copy);
            Shell.Run("e2fsck", "-fn", copy);
            writer = Task.Factory.StartNew(
                () => File.WriteAllText(mount["after"], "late\n"), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            Assert.False(writer.Wait(100));
            Assert.Equal("there\n", File.ReadAllText(mount["before"]));
            using Mount frozen = Mount.Of(copy, _directory["frozen"], "-o", "loop");
            Assert.Equal("there\n", File.ReadAllText(frozen["before"]));
            Assert.False(File.Exists(frozen["after"]));
        }
        Poll.UntilDone("the writer goes on", writer);
        Assert.Equal("late\n", File.ReadAllText(mount["after"]));
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4", "fs:ext4")]
    public void It_is_refused_twice_and_thawed_once()
    {
        using var mount = Mount.Of(MakeImage(), _directory["mnt"], "-o", "loop");
        FrozenFileSystem frozen = FrozenFileSystem.Freeze(mount.Path, _ => true);
        CowloopException exception = Assert.Throws<CowloopException>(() => FrozenFileSystem.Freeze(mount.Path, _ => true));
        Assert.Equal(Errno.EBUSY, exception.Errno);
        Assert.Contains($"the filesystem on {mount.Path} cannot be frozen", exception.Message, StringComparison.Ordinal);
        Assert.Contains("fsfreeze --unfreeze", exception.Hint, StringComparison.Ordinal);
        frozen.Dispose();
        frozen.Dispose();
        File.WriteAllText(mount["thawed"], "yes\n");
    }

    [RootFact(LoopDisk.Control, "mkfs.ext4", "fs:ext4")]
    public void The_one_on_another_device_is_left_alone()
    {
        using var mount = Mount.Of(MakeImage(), _directory["mnt"], "-o", "loop");
        Assert.Equal(Errno.None, FileIdentity.TryGet(mount.Path, out FileIdentity identity));
        DeviceNumber? asked = null;
        CowloopException exception = Assert.Throws<CowloopException>(() => FrozenFileSystem.Freeze(mount.Path, number =>
        {
            asked = number;
            return false;
        }));
        Assert.Contains($"{mount.Path} is on another device", exception.Message, StringComparison.Ordinal);
        Assert.Equal(identity.Device, asked);
        File.WriteAllText(mount["still"], "writable\n");
    }

    [RootFact]
    public void One_that_can_not_be_frozen_is_told()
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => FrozenFileSystem.Freeze("/proc", _ => true));
        Assert.Contains("/proc", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<CowloopException>(() => FrozenFileSystem.Freeze(_directory["nowhere"], _ => true));
        Assert.Equal(Errno.ENOENT, exception.Errno);
        Assert.Contains(_directory["nowhere"], exception.Message, StringComparison.Ordinal);
    }

    private string MakeImage()
    {
        string image = _directory.MakeFile("image", 16 << 20);
        Shell.Run("mkfs.ext4", "-q", image);
        return image;
    }
}
