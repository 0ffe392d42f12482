namespace Cowloop.Files.Tests;

/// <summary>Standard output that takes nothing: what could not be told is an error, and an ordinary one.</summary>
public class OutputTests : ToolTest
{
    [NeedsTheory("/dev/full")]
    [InlineData("cowlist", "G2")]
    [InlineData("cowrepair", "-fn", "G3")]
    [InlineData("cowmerge", "--dry-run", "R", "G2")]
    [InlineData("cowmerge", "R", "G2")]
    [InlineData("cowmerge", "--help")]
    [InlineData("cowpack", "--version")]
    public void A_full_one_is_an_error(string tool, params string[] arguments)
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        Write("G3", Golden.ImageG3);
        Action mustBeUnchanged = KeepAll();
        CommandResult result = InTo("/dev/full", tool, arguments).MustExitWith(1);
        Assert.Contains("No space left on device", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", result.Error, StringComparison.Ordinal);
        mustBeUnchanged();
    }

    [NeedsTheory("/dev/full")]
    [InlineData("cowmerge", "-y", "R", "G2")]
    [InlineData("cowrepair", "G3")]
    public void What_was_done_is_done_and_the_error_does_not_deny_it(string tool, params string[] arguments)
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        Write("G3", Golden.ImageG3);
        CommandResult result = InTo("/dev/full", tool, arguments).MustExitWith(1);
        Assert.Contains("No space left on device", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", result.Error, StringComparison.Ordinal);
        if (tool == "cowmerge")
        {
            Assert.Equal(Golden.MergedG2, FileSnapshot.HashOf(Temp["R"]));
        }
        else
        {
            Assert.Equal(Golden.G3RepairedWide, FileSnapshot.HashOf(Temp["G3"]));
        }
    }

    [Fact]
    public void A_closed_one_is_an_error_or_nothing_but_no_crash()
    {
        Write("G2", Golden.ImageG2);
        CommandResult result = Shell.Try(
            new ShellOptions { Directory = Temp.Path }, "sh", "-c", "exec \"$0\" G2 >&-", Repository.Program("cowlist"));
        Assert.True(result.ExitCode is 0 or 1, result.ToString());
        Assert.DoesNotContain("Exception", result.Error, StringComparison.Ordinal);
    }

    private CommandResult InTo(string file, string tool, string[] arguments) => Shell.Try(
        new ShellOptions { Directory = Temp.Path }, "sh", ["-c", $"exec \"$0\" \"$@\" > {file}", Repository.Program(tool), .. arguments]);
}
