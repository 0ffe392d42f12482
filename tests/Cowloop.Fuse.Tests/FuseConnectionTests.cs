using System.Collections.Concurrent;
using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;
using Cowloop.Linux;
using Cowloop.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace Cowloop.Fuse.Tests;

public sealed class FuseConnectionTests : IDisposable
{
    private const string Fuse = "/dev/fuse";

    private readonly TempDirectory _directory = new();
    private readonly FlatTree _tree = new();
    private readonly ConcurrentQueue<string> _log = new();

    public void Dispose()
    {
        _directory.Dispose();
        Assert.Empty(_log);
    }

    [RootFact(Fuse)]
    public void Programs_read_a_text()
    {
        int opening = 0;
        _tree.Add("status", new TextFile(() => $"opening {Interlocked.Increment(ref opening)}\n"));
        using FuseConnection connection = Mount();

        Assert.Equal("opening 1\n", Shell.Run("cat", _directory["status"]).Output);
        Assert.Equal("opening 2\n", Shell.Run("cat", _directory["status"]).Output);
    }

    [RootFact(Fuse)]
    public void One_reader_sees_one_state()
    {
        string text = "old state\n";
        _tree.Add("status", new TextFile(() => text));
        using FuseConnection connection = Mount();
        using var reader = new StreamReader(_directory["status"]);
        Assert.Equal('o', (char)reader.Read());

        text = "another one\n";

        Assert.Equal("ld state\n", reader.ReadToEnd());
        Assert.Equal("another one\n", File.ReadAllText(_directory["status"]));
    }

    [RootFact(Fuse)]
    public void A_long_text_is_read_to_its_end()
    {
        string text = string.Concat(Enumerable.Range(0, 300_000).Select(number => $"{number}\n"));
        _tree.Add("long", new TextFile(() => text));
        using FuseConnection connection = Mount();

        Assert.Equal(text, Shell.Run("cat", _directory["long"]).Output);
    }

    [RootFact(Fuse)]
    public void The_tree_is_listed_with_modes()
    {
        _tree.Add("0", new TextFile(() => ""));
        _tree.Add("0.json", new TextFile(() => ""));
        _tree.Add("disk", new DiskFile(new MemoryDisk(8192), new SharedWorkers(8)));
        using FuseConnection connection = Mount();

        Assert.Equal("0\n0.json\ndisk\n", Shell.Run("ls", _directory.Path).Output);
        Assert.Equal(
            "555 directory 0\n444 regular empty file 0\n600 regular file 8192\n",
            Shell.Run("stat", "--format=%a %F %s", _directory.Path, _directory["0"], _directory["disk"]).Output);
    }

    /// <summary>More names than one answer holds.</summary>
    [RootFact(Fuse)]
    public void A_large_tree_is_listed_completely()
    {
        string[] names = [.. Enumerable.Range(0, 5000).Select(number => $"a-rather-long-name-{number}")];
        Array.ForEach(names, name => _tree.Add(name, new TextFile(() => name)));
        using FuseConnection connection = Mount();

        Assert.Equal(names.Order(), Directory.GetFiles(_directory.Path).Select(path => Path.GetFileName(path)).Order());
    }

    [RootFact(Fuse)]
    public void Files_come_and_go_while_it_is_mounted()
    {
        using FuseConnection connection = Mount();
        Assert.Equal("", Shell.Run("ls", _directory.Path).Output);

        _tree.Add("0", new TextFile(() => "first"));
        Assert.Equal("first", File.ReadAllText(_directory["0"]));
        _tree.Remove("0");
        Assert.False(File.Exists(_directory["0"]));
        _tree.Add("0", new TextFile(() => "second"));

        Assert.Equal("second", File.ReadAllText(_directory["0"]));
        Assert.Equal("0\n", Shell.Run("ls", _directory.Path).Output);
    }

    [RootFact(Fuse, "setpriv")]
    public void Everybody_reads_and_nobody_writes()
    {
        _tree.Add("status", new TextFile(() => "text"));
        using FuseConnection connection = Mount();

        Assert.Equal("text", Shell.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", _directory["status"]).Output);
        CommandResult result = Shell.Try("sh", "-c", $"echo x > {_directory["status"]}");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("Read-only file system", result.Error, StringComparison.Ordinal);
    }

    [RootFact(Fuse)]
    public void Disposal_unmounts()
    {
        FuseConnection connection = Mount();
        Assert.Contains(Mounts.List(), entry => entry.MountPoint == _directory.Path);

        connection.Dispose();

        Assert.DoesNotContain(Mounts.List(), entry => entry.MountPoint == _directory.Path);
    }

    [RootFact(Fuse)]
    public void A_detached_mount_is_reached_by_its_connection_only()
    {
        _tree.Add("disk", new DiskFile(new MemoryDisk(4096), new SharedWorkers(8)));
        using FuseConnection connection = FuseConnection.MountDetached(_tree, _log.Enqueue);
        using SafeFileHandle file = connection.Open("disk");

        Assert.Equal(512, RandomAccess.Read(file, new byte[512], 0));
        Assert.Equal(Errno.None, FileIdentity.TryGet($"/proc/self/fd/{file.DangerousGetHandle()}", out FileIdentity identity));
        Assert.Equal(FileKind.Regular, identity.Kind);
        Assert.DoesNotContain(Mounts.List(), entry => entry.Device == identity.Device);
        Assert.Equal(Errno.ENOENT, Assert.Throws<CowloopException>(() => connection.Open("other")).Errno);
    }

    [RootFact(Fuse)]
    public void A_readable_mount_is_not_opened_by_name()
    {
        using FuseConnection connection = Mount();

        Assert.Throws<InvalidOperationException>(() => connection.Open("status"));
    }

    [RootFact(Fuse)]
    public void A_place_that_is_not_there_is_an_error() => Assert.Equal(
        Errno.ENOENT,
        Assert.Throws<CowloopException>(() => FuseConnection.MountReadable(_tree, _directory["none"], _log.Enqueue)).Errno);

    private FuseConnection Mount()
    {
        // Of the directory below nothing is seen.
        File.SetUnixFileMode(_directory.Path, (UnixFileMode)0x1ED); // 0755
        return FuseConnection.MountReadable(_tree, _directory.Path, _log.Enqueue);
    }
}
