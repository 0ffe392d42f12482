using Cowloop.Core;
using Cowloop.Linux.Tests.Support;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Linux.Tests;

public class MountsTests
{
    private const string Fuse = "/dev/fuse";

    [Fact]
    public void The_root_is_listed()
    {
        MountEntry root = Mounts.List().Last(entry => entry.MountPoint == "/");

        FileIdentity.TryGet("/", out FileIdentity identity);
        Assert.Equal(identity.Device, root.Device);
        Assert.NotEmpty(root.FileSystemType);
        Assert.NotEmpty(root.Source);
    }

    [RootFact]
    public void Escaped_names_are_read_as_they_are()
    {
        using var directory = new TempDirectory();
        string mountPoint = Directory.CreateDirectory(directory["a blank\ttab\nline\\040back ä"]).FullName;
        using var mounted = Mount.Of("a source", mountPoint, "-t", "tmpfs", "-o", "size=1m");

        MountEntry entry = Assert.Single(Mounts.List(), entry => entry.MountPoint == mountPoint);

        FileIdentity.TryGet(mountPoint, out FileIdentity identity);
        Assert.Equal(new MountEntry(FileIdentity.MountIdOf(mountPoint), "/", mountPoint, identity.Device, "a source", "tmpfs", IsReadOnly: false), entry);
    }

    [RootFact]
    public void Read_only_is_the_filesystem_and_not_one_view_of_it()
    {
        using var directory = new TempDirectory();
        string writable = Directory.CreateDirectory(directory["writable"]).FullName;
        string view = Directory.CreateDirectory(directory["view"]).FullName;
        using var first = Mount.Of("tmpfs", writable, "-t", "tmpfs", "-o", "size=1m");
        using var second = Mount.Of(writable, view, "--bind", "-o", "ro");

        Assert.False(Assert.Single(Mounts.List(), entry => entry.MountPoint == view).IsReadOnly);

        Shell.Run("mount", "-o", "remount,ro", writable);
        Assert.True(Assert.Single(Mounts.List(), entry => entry.MountPoint == view).IsReadOnly);
    }

    [RootFact]
    public void A_part_of_a_filesystem_has_that_part_as_its_root()
    {
        using var directory = new TempDirectory();
        using var whole = Mount.Of("tmpfs", directory["whole"], "-t", "tmpfs", "-o", "size=1m");
        Directory.CreateDirectory(whole["a part"]);
        using var part = Mount.Of(whole["a part"], directory["part"], "--bind");

        MountEntry entry = Assert.Single(Mounts.List(), entry => entry.MountPoint == part.Path);

        Assert.Equal("/a part", entry.Root);
        Assert.Equal(entry.Id, FileIdentity.MountIdOf(part.Path));
        Assert.NotEqual(entry.Id, FileIdentity.MountIdOf(whole["a part"]));
        Assert.Equal(0ul, FileIdentity.MountIdOf(directory["missing"]));
    }

    [RootFact(Fuse)]
    public void A_readable_mount_is_listed_until_it_is_detached()
    {
        using var directory = new TempDirectory();
        using FuseDevice connection = FuseDevice.Open();

        Mounts.MountFuseReadOnly(connection.Handle, directory.Path, "test-source");

        MountEntry entry = Assert.Single(Mounts.List(), entry => entry.MountPoint == directory.Path);
        Assert.Equal(("test-source", "fuse.cowloop", true), (entry.Source, entry.FileSystemType, entry.IsReadOnly));
        Assert.Equal(Errno.None, Mounts.Detach(directory.Path));
        Assert.DoesNotContain(Mounts.List(), entry => entry.MountPoint == directory.Path);
        Assert.Equal(Errno.EINVAL, Mounts.Detach(directory.Path));
    }

    [RootFact(Fuse)]
    public void A_detached_mount_is_in_no_list_and_ends_with_its_handle()
    {
        using FuseDevice connection = FuseDevice.Open();
        byte[] request = new byte[2 << 20];

        using (Mounts.MountFuseDetached(connection.Handle, 1 << 20))
        {
            // It is alive: the kernel introduces itself.
            Assert.Equal(Errno.None, connection.Receive(request, out _));
            Assert.DoesNotContain(Mounts.List(), entry => entry.FileSystemType == "fuse" && entry.Source == "cowloop");
        }

        Errno end = Errno.None;
        Poll.Until("the filesystem is gone", () => (end = connection.Receive(request, out _)) is not (Errno.None or Errno.EINTR or Errno.ENOENT));
        Assert.Equal(Errno.ENODEV, end);
    }

    [RootFact]
    public void What_is_no_FUSE_connection_is_refused_with_a_hint()
    {
        using var directory = new TempDirectory();
        using SafeFileHandle file = File.OpenHandle(directory.MakeFile("file", 1));

        CowloopException readable = Assert.Throws<CowloopException>(() => Mounts.MountFuseReadOnly(file, directory.Path, "test"));
        CowloopException detached = Assert.Throws<CowloopException>(() => Mounts.MountFuseDetached(file, 1 << 20));

        Assert.Equal((Errno.EINVAL, Errno.EINVAL), (readable.Errno, detached.Errno));
        Assert.Contains(directory.Path, readable.Message, StringComparison.Ordinal);
        Assert.Contains("modprobe fuse", detached.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_below_a_directory_is_opened_by_name()
    {
        using var directory = new TempDirectory();
        File.WriteAllText(directory["file"], "text");
        using PosixDirectory below = PosixDirectory.Open(directory.Path);

        using SafeFileHandle file = Mounts.OpenBelow(below.Handle, "file");

        Assert.Equal(4, RandomAccess.GetLength(file));
        CowloopException missing = Assert.Throws<CowloopException>(() => Mounts.OpenBelow(below.Handle, "none"));
        Assert.Equal(Errno.ENOENT, missing.Errno);
        Assert.Contains("none", missing.Message, StringComparison.Ordinal);
    }
}
