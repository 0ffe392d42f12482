using Cowloop.Tests.Support;
using Cowloop.Tools.Applets;
using Cowloop.Tools.Tests.Support;

namespace Cowloop.Tools.Tests.Applets;

/// <summary>Command lines as the C library's parser reads them (specification 5.1).</summary>
public class ClassicOptionsTests
{
    [Theory]
    [InlineData("", "", "")]
    [InlineData("a b", "", "a b")]
    [InlineData("-f a", "f", "a")]
    [InlineData("-f -n a", "f n", "a")]
    [InlineData("-fnv a", "f n v", "a")]
    [InlineData("-vv a", "v v", "a")]
    [InlineData("a -f b -n", "f n", "a b")]
    [InlineData("--dry-run a", "dry-run", "a")]
    [InlineData("a -fn --dry-run", "f n dry-run", "a")]
    [InlineData("-f -- -n --x", "f", "-n --x")]
    [InlineData("-- -- a", "", "-- a")]
    [InlineData("--", "", "")]
    [InlineData("- a", "", "- a")]
    public void Options_and_operands_are_told_apart(string line, string options, string operands)
    {
        ClassicOptions? parsed = Parse(Words(line));

        Assert.NotNull(parsed);
        Assert.Equal(Words(options), parsed.Options);
        Assert.Equal(Words(operands), parsed.Operands);
    }

    [Fact]
    public void An_empty_operand_is_one() => Assert.Equal(["", "a"], Parse(["", "a"])!.Operands);

    [Theory]
    [InlineData("-x a", "./cowrepair: invalid option -- 'x'\n")]
    [InlineData("-fxn a", "./cowrepair: invalid option -- 'x'\n")]
    [InlineData("a -n -9", "./cowrepair: invalid option -- '9'\n")]
    [InlineData("-f- a", "./cowrepair: invalid option -- '-'\n")]
    [InlineData("--frobnicate a", "./cowrepair: unrecognized option '--frobnicate'\n")]
    [InlineData("--f a", "./cowrepair: unrecognized option '--f'\n")]
    [InlineData("--dry-run=yes a", "./cowrepair: unrecognized option '--dry-run=yes'\n")]
    public void An_option_that_nobody_knows_is_named(string line, string message)
    {
        CommandResult result = Captured.Run(line, () => Parse(Words(line)) is null ? 1 : 0);

        Assert.Equal((1, "", message), (result.ExitCode, result.Output, result.Error));
    }

    [Fact]
    public void Has_knows_every_name_of_an_option()
    {
        ClassicOptions options = Parse(["-f", "--dry-run"])!;

        Assert.True(options.Has("f"));
        Assert.True(options.Has("force", "f"));
        Assert.True(options.Has("dry-run"));
        Assert.False(options.Has("n", "v"));
        Assert.False(options.Has("dry"));
    }

    private static ClassicOptions? Parse(string[] arguments) => ClassicOptions.Parse("./cowrepair", arguments, "fnv", "dry-run", "help");

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
