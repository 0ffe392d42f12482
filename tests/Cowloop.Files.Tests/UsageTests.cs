namespace Cowloop.Files.Tests;

/// <summary>How the tools explain themselves, and what they make of wrong command lines.</summary>
public class UsageTests : ToolTest
{
    public static TheoryData<string> Tools => ["cowlist", "cowrepair", "cowmerge", "cowpack"];

    [Theory]
    [InlineData]
    [InlineData("-f")]
    [InlineData("-fnv")]
    public void Cowrepair_without_an_operand(params string[] arguments) => MustShowUsage(
        "cowrepair",
        arguments,
        """
        Usage: PROG [-f] [-n] [-v[v]] cowfile

           -f   forced:   repair cowfile which is not dirty
           -n   nomodify: do not modify cowfile (fake mode)
           -v   verbose:  provide extra info

        """);

    [Theory]
    [InlineData("-x", "x")]
    [InlineData("-fxn", "x")]
    [InlineData("-n9", "9")]
    public void Cowrepair_with_an_unknown_option(string option, string letter)
    {
        var file = Keep("G3", Golden.ImageG3);
        MustShowUsage(
            "cowrepair",
            ["G3", option],
            $"""
            PROG: invalid option -- '{letter}'
            Usage: PROG [-f] [-n] [-v[v]] cowfile

               -f   forced:   repair cowfile which is not dirty
               -n   nomodify: do not modify cowfile (fake mode)
               -v   verbose:  provide extra info

            """);
        file.MustBeUnchanged();
    }

    [Theory]
    [InlineData]
    [InlineData("G2", "packed")]
    [InlineData("-z", "G2", "packed")]
    [InlineData("-p", "-u", "G2", "packed")]
    [InlineData("-pu", "G2", "packed")]
    [InlineData("-p", "-p", "G2", "packed")]
    [InlineData("-uu", "G2", "packed")]
    public void Cowpack_without_exactly_one_direction(params string[] arguments)
    {
        Write("G2", Golden.ImageG2);
        MustShowUsage("cowpack", arguments, UsageOfCowpack);
        Assert.Equal(["G2"], Names);
    }

    [Fact]
    public void Cowpack_with_an_unknown_option()
    {
        Write("G2", Golden.ImageG2);
        MustShowUsage("cowpack", ["-px", "G2", "packed"], $"PROG: invalid option -- 'x'\n{UsageOfCowpack}");
        Assert.Equal(["G2"], Names);
    }

    [Fact]
    public void Cowpack_without_operands()
    {
        Write("G2", Golden.ImageG2);
        Write("G2p", Golden.ImageG2.Packed());
        Assert.Equal("Opening cowfile: Bad address", Run("cowpack", "-p").MustComplain(1).ErrorLines[0]);
        Assert.Equal("Opening outputfile: Bad address", Run("cowpack", "-p", "G2").MustComplain(1).ErrorLines[0]);
        Assert.Equal("Opening inputfile: Bad address", Run("cowpack", "-u").MustComplain(1).ErrorLines[0]);
        Assert.Equal("Opening cowfile: Bad address", Run("cowpack", "-u", "G2p").MustComplain(1).ErrorLines[0]);
        Assert.Equal(["G2", "G2p"], Names);
    }

    [Theory]
    [InlineData]
    [InlineData("R")]
    [InlineData("R", "G2", "more")]
    [InlineData("-y", "R")]
    public void Cowmerge_without_exactly_two_operands(params string[] arguments)
    {
        var image = KeepBase();
        Write("G2", Golden.ImageG2);
        MustShowUsage("cowmerge", arguments, "Usage: PROG rdofile cowfile\n\trdofile\tread-only file to be updated\n\tcowfile\tcowfile containing the updates\n");
        image.MustBeUnchanged();
    }

    [Theory]
    [InlineData("cowmerge", "--frobnicate", "R", "G2")]
    [InlineData("cowrepair", "--frobnicate", "G3")]
    [InlineData("cowpack", "-p", "--frobnicate", "G2", "packed")]
    [InlineData("cowmerge", "-q", "R", "G2")]
    public void An_unknown_option_changes_nothing(string tool, params string[] arguments)
    {
        WriteBase();
        Write("G2", Golden.ImageG2);
        Write("G3", Golden.ImageG3);
        Action mustBeUnchanged = KeepAll();
        CommandResult result = Answer("Y", tool, arguments).MustExitWith(1);
        Assert.Contains("Usage:", result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Output);
        mustBeUnchanged();
    }

    [Theory]
    [MemberData(nameof(Tools))]
    public void Help_is_no_error(string tool)
    {
        CommandResult result = Run(tool, "--help").MustSucceed();
        Assert.StartsWith("Usage:", result.Output, StringComparison.Ordinal);
        Assert.Contains(Repository.Program(tool), result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
        Assert.Empty(Names);
    }

    [Theory]
    [InlineData("cowmerge", "--yes")]
    [InlineData("cowmerge", "--dry-run")]
    [InlineData("cowmerge", "--resume")]
    [InlineData("cowpack", "--zstd")]
    [InlineData("cowrepair", "-n")]
    public void Help_names_the_options(string tool, string option) =>
        Assert.Contains(option, Run(tool, "--help").MustSucceed().Output, StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Tools))]
    public void Every_tool_tells_its_version(string tool)
    {
        CommandResult result = Run(tool, "--version").MustSucceed();
        Assert.Matches($"^{tool} [0-9]+\\.[0-9]+\\.[0-9]+[^\n]*\n$", result.Output);
        Assert.Equal("", result.Error);
    }

    /// <summary>A tool that is found by the path calls itself by the bare name.</summary>
    [Fact]
    public void The_tools_call_themselves_as_they_were_called()
    {
        WriteBase();
        string script = $"PATH={Repository.Binaries}:$PATH; cowlist || true; cowmerge R G2 || true; ln -s {Repository.Binaries}/cowlist ./cowlist; ./cowlist";
        CommandResult result = Shell.Try(new ShellOptions { Directory = Temp.Path }, "sh", "-c", script).MustExitWith(1);
        Assert.Contains("Usage: cowlist cowfile\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("cowmerge - can not open G2: No such file or directory\n", result.Error, StringComparison.Ordinal);
        Assert.Contains("Usage: ./cowlist cowfile\n", result.Error, StringComparison.Ordinal);
    }

    private const string UsageOfCowpack = """
        Usage: PROG [-z] <-p | -u> <source> <dest>
         where: -z indicates GZipped input (with -u) or output (with -p)
                -p indicates packing source (a cow file) to dest
                -u indicates unpacking source to dest (a cow file)
        NOTE: -p and -u are mutually exclusive

        """;

    private void MustShowUsage(string tool, string[] arguments, string usage)
    {
        CommandResult result = Run(tool, arguments).MustExitWith(1);
        Assert.StartsWith(usage.Replace("PROG", Repository.Program(tool), StringComparison.Ordinal), result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Output);
    }
}
