using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class OwnDirectoryTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void It_is_made_with_what_is_above_it_for_all_to_read()
    {
        string path = _directory["above/run"];
        OwnDirectory.Ensure(path);

        Assert.Equal("755", Shell.Run("stat", "-c", "%a", path).Line);
        Assert.Equal("755", Shell.Run("stat", "-c", "%a", _directory["above"]).Line);
        OwnDirectory.Ensure(path);
    }

    [Theory]
    [InlineData("755")]
    [InlineData("700")]
    [InlineData("2750")]
    public void One_that_only_its_owner_may_write_to_is_taken_as_it_is(string mode)
    {
        Directory.CreateDirectory(_directory["run"]);
        Shell.Run("chmod", mode, _directory["run"]);
        OwnDirectory.Ensure(_directory["run"]);

        Assert.Equal(mode, Shell.Run("stat", "-c", "%a", _directory["run"]).Line);
    }

    [Theory]
    [InlineData("775")]
    [InlineData("757")]
    [InlineData("1777")]
    public void One_that_others_may_write_to_is_refused(string mode)
    {
        Directory.CreateDirectory(_directory["run"]);
        Shell.Run("chmod", mode, _directory["run"]);

        CowloopException exception = Assert.Throws<CowloopException>(() => OwnDirectory.Ensure(_directory["run"]));
        Assert.Equal(Errno.EPERM, exception.Errno);
        Assert.Contains($"mode {mode}", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"chmod go-w {_directory["run"]}", exception.Hint, StringComparison.Ordinal);
    }

    [RootTheory("chown")]
    [InlineData(false)]
    [InlineData(true)]
    public void One_of_somebody_else_is_refused_also_behind_a_link(bool isLink)
    {
        Directory.CreateDirectory(_directory["theirs"]);
        Shell.Run("chown", "65534", _directory["theirs"]);
        string path = _directory[isLink ? "link" : "theirs"];
        if (isLink)
        {
            File.CreateSymbolicLink(path, _directory["theirs"]);
        }

        CowloopException exception = Assert.Throws<CowloopException>(() => OwnDirectory.Ensure(path));
        Assert.Equal(Errno.EPERM, exception.Errno);
        Assert.Contains($"{path} belongs to user 65534", exception.Message, StringComparison.Ordinal);
        Assert.Contains("chown root", exception.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_in_its_place_is_refused()
    {
        _directory.MakeFile("run", 0);

        Assert.Contains(_directory["run"], Assert.Throws<CowloopException>(() => OwnDirectory.Ensure(_directory["run"])).Message, StringComparison.Ordinal);
        Assert.Contains(_directory["run"], Assert.Throws<CowloopException>(() => OwnDirectory.Ensure(_directory["run/below"])).Message, StringComparison.Ordinal);
    }
}
