using Cowloop.Core;
using Cowloop.Core.Live;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class LiveDirectoryTests : IDisposable
{
    private const string Memory = "/dev/shm";
    private const string Variable = "COWLOOP_LIVE_DIR";
    private const uint Nobody = 65534;

    private static readonly LiveKey Key = new(Guid.NewGuid(), 0x1234, 99);

    private readonly TempDirectory _memory = TempDirectory.InMemory();
    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);

    public LiveDirectoryTests() => Use(_memory["above/live"]);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Variable, _before);
        _memory.Dispose();
    }

    [Fact]
    public void Without_the_variable_there_are_two_places()
    {
        Environment.SetEnvironmentVariable(Variable, null);
        Assert.Equal(["/run/cowloop/live", "/dev/shm/cowloop/live"], LiveDirectory.Candidates);
    }

    [Fact]
    public void A_relative_name_is_one_from_here()
    {
        Use("here/live");
        Assert.Equal([Path.GetFullPath("here/live")], LiveDirectory.Candidates);
    }

    [NeedsFact(Memory)]
    public void It_is_made_so_that_others_may_look_for_a_file_and_not_read_it()
    {
        LiveDirectory? directory = LiveDirectory.TryMake(out string why);

        Assert.Equal((_memory["above/live"], ""), (directory?.Path, why));
        const UnixFileMode Owners = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(Owners | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute, File.GetUnixFileMode(directory!.Path));
        using PosixFile? file = directory.TryCreate(Key);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Directory.GetFiles(directory.Path).Single()));
        Assert.NotNull(LiveDirectory.TryMake(out _));
    }

    [NeedsFact(Memory)]
    public void A_file_is_found_until_it_is_removed()
    {
        LiveDirectory directory = Make();
        using (PosixFile? file = directory.TryCreate(Key))
        {
            Assert.Equal(Errno.None, file!.WriteAt(0, "kept"u8));
        }

        Assert.Equal("kept", Find(Key));
        Assert.Null(Find(Key with { Inode = 98 }));
        Assert.Null(Find(Key with { FileSystemId = 0x1235 }));
        LiveDirectory.RemoveAll(Key);
        Assert.Null(Find(Key));
        Assert.Empty(Directory.GetFiles(directory.Path));
    }

    [NeedsFact(Memory)]
    public void A_new_file_takes_the_place_of_an_old_one()
    {
        LiveDirectory directory = Make();
        using PosixFile? old = directory.TryCreate(Key);
        Assert.Equal(Errno.None, old!.WriteAt(0, "old"u8));

        using PosixFile? file = directory.TryCreate(Key);

        Assert.Equal(0, file!.LengthBytes);
        Assert.Equal("", Find(Key));
    }

    [Fact]
    public void Nothing_is_made_on_a_disk()
    {
        using var disk = new TempDirectory();
        Use(disk["above/live"]);
        if (new DriveInfo(disk.Path).DriveFormat == "tmpfs")
        {
            return;
        }

        Assert.Null(LiveDirectory.TryMake(out string why));

        Assert.Equal($"{disk["above/live"]}: {disk.Path} is not on tmpfs", why);
        Assert.Empty(Directory.GetFileSystemEntries(disk.Path));
        Directory.CreateDirectory(disk["above/live"]);
        Assert.Null(LiveDirectory.TryMake(out why));
        Assert.Equal($"{disk["above/live"]}: not on tmpfs", why);
    }

    [NeedsTheory(Memory)]
    [InlineData("above")]
    [InlineData("above/live")]
    public void A_directory_that_others_may_write_to_is_not_used(string directory)
    {
        using (PosixFile? file = Make().TryCreate(Key))
        {
            Assert.NotNull(file);
        }
        File.SetUnixFileMode(_memory[directory], File.GetUnixFileMode(_memory[directory]) | UnixFileMode.OtherWrite);

        Assert.Null(LiveDirectory.TryMake(out string why));

        Assert.Contains($"{_memory[directory]} belongs to somebody else, or others may write to it", why, StringComparison.Ordinal);
        // What lies there is not believed either.
        Assert.Null(Find(Key));
    }

    [RootTheory(Memory, "chown")]
    [InlineData("above")]
    [InlineData("above/live")]
    public void Somebody_elses_directory_is_not_used(string directory)
    {
        using (PosixFile? file = Make().TryCreate(Key))
        {
            Assert.NotNull(file);
        }
        Shell.Run("chown", $"{Nobody}", _memory[directory]);

        Assert.Null(LiveDirectory.TryMake(out _));
        Assert.Null(Find(Key));
    }

    [NeedsTheory(Memory)]
    [InlineData("above")]
    [InlineData("above/live")]
    public void A_symbolic_link_is_not_used(string link)
    {
        Make();
        Directory.Move(_memory[link], _memory["elsewhere"]);
        Directory.CreateSymbolicLink(_memory[link], _memory["elsewhere"]);

        Assert.Null(LiveDirectory.TryMake(out _));
    }

    [NeedsFact(Memory)]
    public void A_symbolic_link_in_a_files_place_is_an_error_and_not_followed()
    {
        LiveDirectory directory = Make();
        directory.TryCreate(Key)!.Dispose();
        string path = Directory.GetFiles(directory.Path).Single();
        File.Move(path, _memory["elsewhere"]);
        File.CreateSymbolicLink(path, _memory["elsewhere"]);

        Assert.Equal(Errno.ELOOP, LiveDirectory.TryFind(Key, out PosixFile? file));

        Assert.Null(file);
    }

    [Fact]
    public void The_root_directory_is_no_place()
    {
        Use("/");
        Assert.Null(LiveDirectory.TryMake(out string why));
        Assert.Contains("root directory", why, StringComparison.Ordinal);
    }

    [Fact]
    public void The_key_names_boot_filesystem_and_file()
    {
        using var directory = new TempDirectory();
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(directory.MakeFile("cowfile", 1), out PosixFile? file));
        using (file)
        {
            LiveKey key = LiveDirectory.KeyOf(file!);
            Assert.Equal(new LiveKey(HostProcess.BootId(), file!.FileSystemId, file.Identity.Inode), key);
        }
    }

    private static void Use(string directory) => Environment.SetEnvironmentVariable(Variable, directory);

    private static LiveDirectory Make() => LiveDirectory.TryMake(out string why) ?? throw new InvalidOperationException(why);

    /// <summary>The text that is kept; null when there is no file.</summary>
    private static string? Find(LiveKey key)
    {
        Assert.Equal(Errno.None, LiveDirectory.TryFind(key, out PosixFile? file));
        if (file is null)
        {
            return null;
        }
        using (file)
        {
            byte[] bytes = new byte[file.LengthBytes];
            Assert.Equal(Errno.None, file.ReadAt(0, bytes));
            return System.Text.Encoding.UTF8.GetString(bytes);
        }
    }
}
