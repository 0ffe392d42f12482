using Cowloop.Core;
using Cowloop.Linux;
using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Tests.Work;

public sealed class OutputFileTests : IDisposable
{
    private readonly WorkDirectory _directory = new();
    private readonly FileIdentity _source;

    public OutputFileTests()
    {
        _directory.Write("source", [1]);
        _source = IdentityOf("source");
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_name_comes_with_the_whole_file()
    {
        using (OutputFile output = Prepare("result"))
        {
            output.Create().Write(0, [1, 2, 3], Fault.WriteData);
            Assert.False(File.Exists(_directory["result"]));
            output.Commit();
        }
        Assert.Equal([1, 2, 3], _directory.Read("result"));
        Assert.Equal(["result", "source"], _directory.Names);
    }

    [Fact]
    public void Preparing_makes_nothing()
    {
        DirectorySnapshot before = DirectorySnapshot.Of(_directory.Path);

        Prepare("result").Dispose();

        before.MustBeUnchanged();
    }

    [Fact]
    public void Without_its_name_nothing_is_left()
    {
        using (OutputFile output = Prepare("result"))
        {
            output.Create().Write(0, [1, 2, 3], Fault.WriteData);
        }
        Assert.Equal(["source"], _directory.Names);
    }

    [Fact]
    public void T67_a_file_that_exists_is_replaced_by_the_whole_one()
    {
        _directory.Write("result", new byte[300_000]);
        using (OutputFile output = Prepare("result"))
        {
            output.Create().Write(0, [1, 2, 3], Fault.WriteData);
            Assert.Equal(300_000, new FileInfo(_directory["result"]).Length);
            output.Commit();
        }
        Assert.Equal([1, 2, 3], _directory.Read("result"));
    }

    [Fact]
    public void A_file_that_exists_stays_when_the_new_one_does_not_come_to_be()
    {
        _directory.Write("result", [9]);
        using (OutputFile output = Prepare("result"))
        {
            output.Create().Write(0, [1, 2, 3], Fault.WriteData);
        }
        Assert.Equal([9], _directory.Read("result"));
        Assert.Equal(["result", "source"], _directory.Names);
    }

    [Fact]
    public void The_result_is_its_owners_alone()
    {
        using OutputFile output = Prepare("result");
        output.Create();
        output.Commit();

        UnixFileMode others = File.GetUnixFileMode(_directory["result"]) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal(UnixFileMode.None, others);
    }

    [Fact]
    public void A_name_without_a_directory_is_one_of_the_current_directory()
    {
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = _directory.Path;
        try
        {
            using OutputFile output = OutputFile.Prepare("result", _source, overwrite: true);
            output.Create();
            output.Commit();
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
        Assert.Equal(["result", "source"], _directory.Names);
    }

    [Fact]
    public void A_file_that_exists_is_kept_unless_it_may_be_replaced()
    {
        _directory.Write("result", [9]);

        var exception = Assert.Throws<CowloopException>(() => OutputFile.Prepare(_directory["result"], _source, overwrite: false));

        Assert.Equal(Errno.EEXIST, exception.Errno);
        Assert.Contains("--force", exception.Hint, StringComparison.Ordinal);
        Assert.Equal([9], _directory.Read("result"));
    }

    [Fact]
    public void A_file_that_appears_meanwhile_is_kept()
    {
        using OutputFile output = Prepare("result");
        output.Create();
        _directory.Write("result", [9]);

        var exception = Assert.Throws<CowloopException>(output.Commit);

        Assert.Equal(Errno.EEXIST, exception.Errno);
        output.Dispose();
        Assert.Equal([9], _directory.Read("result"));
        Assert.Equal(["result", "source"], _directory.Names);
    }

    [NeedsFact("ln")]
    public void The_source_is_never_replaced_under_any_of_its_names()
    {
        Shell.Run("ln", _directory["source"], _directory["second-name"]);
        Shell.Run("ln", "-s", "source", _directory["link"]);
        Directory.CreateDirectory(_directory["below"]);

        foreach (string name in new[] { "source", "second-name", "link", "below/../source" })
        {
            var exception = Assert.Throws<CowloopException>(() => Prepare(name));
            Assert.Equal(Errno.EINVAL, exception.Errno);
            Assert.Contains("is the file to read from", exception.Message, StringComparison.Ordinal);
        }
        Assert.Equal([1], _directory.Read("source"));
    }

    [NeedsFact("ln")]
    public void Behind_a_symbolic_link_the_file_is_replaced_and_the_link_stays()
    {
        Directory.CreateDirectory(_directory["below/deeper"]);
        _directory.Write("below/target", [9]);
        Shell.Run("ln", "-s", "../target", _directory["below/deeper/second"]);
        Shell.Run("ln", "-s", "below/deeper/second", _directory["link"]);
        using (OutputFile output = Prepare("link"))
        {
            output.Create().Write(0, [1, 2, 3], Fault.WriteData);
            output.Commit();
        }
        Assert.Equal([1, 2, 3], _directory.Read("below/target"));
        Assert.Equal("below/deeper/second", PosixFile.ReadLink(_directory["link"]));
        Assert.Equal("../target", PosixFile.ReadLink(_directory["below/deeper/second"]));
        Assert.Equal(["below", "link", "source"], _directory.Names);
    }

    [NeedsFact("ln")]
    public void A_symbolic_link_to_nothing_is_filled()
    {
        Shell.Run("ln", "-s", _directory["target"], _directory["link"]);
        using (OutputFile output = Prepare("link"))
        {
            output.Create();
            output.Commit();
        }
        Assert.Equal([], _directory.Read("target"));
        Assert.Equal(["link", "source", "target"], _directory.Names);
    }

    [NeedsFact("ln")]
    public void Symbolic_links_in_a_circle_are_an_error()
    {
        Shell.Run("ln", "-s", "b", _directory["a"]);
        Shell.Run("ln", "-s", "a", _directory["b"]);

        Assert.Equal(Errno.ELOOP, Assert.Throws<CowloopException>(() => Prepare("a")).Errno);
    }

    [Fact]
    public void A_file_in_use_is_not_replaced()
    {
        _directory.Write("result", [9]);
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(_directory["result"], out PosixFile? user));
        using (user)
        {
            Assert.Equal(Errno.None, user!.TryLock(exclusive: false));

            Assert.Equal(Errno.EBUSY, Assert.Throws<CowloopException>(() => Prepare("result")).Errno);
        }
    }

    [Fact]
    public void Nobody_can_begin_to_use_what_is_being_replaced()
    {
        _directory.Write("result", [9]);
        using OutputFile output = Prepare("result");
        Assert.Equal(Errno.None, PosixFile.TryOpenRead(_directory["result"], out PosixFile? user));
        using (user)
        {
            Assert.Equal(Errno.EAGAIN, user!.TryLock(exclusive: false));
        }
    }

    [Theory]
    [InlineData("none/result", Errno.ENOENT)]
    [InlineData("source/result", Errno.ENOTDIR)]
    [InlineData(".", Errno.EISDIR)]
    [InlineData("/dev/null", Errno.EINVAL)]
    public void Where_no_file_can_be_the_error_says_so(string name, Errno errno)
    {
        Assert.Equal(errno, Assert.Throws<CowloopException>(() =>
        {
            using OutputFile output = Prepare(name);
            output.Create();
        }).Errno);
        Assert.Equal(["source"], _directory.Names);
    }

    [Fact]
    public void An_empty_name_is_no_name() =>
        Assert.Equal(Errno.ENOENT, Assert.Throws<CowloopException>(() => OutputFile.Prepare("", _source, overwrite: true)).Errno);

    [Fact]
    public void A_name_that_is_too_long_is_an_error_before_any_work() =>
        Assert.Equal(Errno.ENAMETOOLONG, Assert.Throws<CowloopException>(() => Prepare(new string('x', 256))).Errno);

    private OutputFile Prepare(string name) => OutputFile.Prepare(_directory[name], _source, overwrite: true);

    private FileIdentity IdentityOf(string name)
    {
        Assert.Equal(Errno.None, FileIdentity.TryGet(_directory[name], out FileIdentity identity));
        return identity;
    }
}
