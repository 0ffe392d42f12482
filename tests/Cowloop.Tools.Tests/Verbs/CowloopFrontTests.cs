using Cowloop.Tests.Support;
using Cowloop.Tools.Tests.Support;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

public class CowloopFrontTests
{
    public static TheoryData<string> Verbs => [.. CowloopFront.Create().Subcommands.Select(verb => verb.Name)];

    /// <summary>Nothing of it may come into the variable of a script.</summary>
    [Fact]
    public void Without_a_verb_the_help_is_an_error()
    {
        CommandResult result = Run().MustExitWith(2);

        Assert.Equal("", result.Output);
        Assert.Equal(Run("--help").MustSucceed().Output, result.Error);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("attach")]
    [InlineData("attach", "disk.img", "--reapir")]
    public void A_wrong_command_line_exits_with_2_and_prints_nothing(params string[] arguments) =>
        Run(arguments).MustExitWith(2).MustBeForPeople(lineCount: 3);

    [Fact]
    public void The_help_has_all_verbs()
    {
        string help = Run("--help").MustPrint(Run("-h").Output).Output;

        Assert.All(CowloopFront.Create().Subcommands, verb => Assert.Contains($"\n  {verb.Name} ", help, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_help_of_a_verb_ends_with_its_example(string name)
    {
        var verb = (Verb)CowloopFront.Create().Subcommands.Single(command => command.Name == name);

        CommandResult result = Run(name, "--help").MustSucceed();

        Assert.EndsWith($"\nExample:\n  {verb.Example}\n", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
    }

    /// <summary>Options take words in capitals, as the man page writes them; a word of its own for each would say nothing.</summary>
    [Theory]
    [MemberData(nameof(Verbs))]
    public void Values_of_options_have_names_for_people(string name) => Assert.All(
        CowloopFront.Create().Subcommands.Single(command => command.Name == name).Options.Where(option => option.ValueType != typeof(bool) && option.Name != "--help"),
        option => Assert.Matches("^[A-Z]+$", option.HelpName));

    [Fact]
    public void The_version_is_told() => Assert.Matches("^cowloop [0-9]+\\.[0-9]+\\.[0-9]+\n$", Run("--version").MustSucceed().Output);

    [Fact]
    public void A_name_that_begins_with_an_at_sign_is_a_file() =>
        Run("info", "@names").MustComplain(2, "@names cannot be opened for reading: No such file or directory");

    private static CommandResult Run(params string[] arguments) => Captured.Run($"cowloop {string.Join(' ', arguments)}", () => CowloopFront.Run(arguments));
}
