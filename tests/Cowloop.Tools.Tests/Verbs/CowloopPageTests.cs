using System.CommandLine;
using System.CommandLine.Help;
using System.Text.RegularExpressions;
using Cowloop.Tests.Support;
using Cowloop.Tools.Verbs;

namespace Cowloop.Tools.Tests.Verbs;

/// <summary>cowloop(8) and the parser know the same verbs, options and arguments; and examples are command lines that the parser takes.</summary>
public partial class CowloopPageTests
{
    private static readonly RootCommand Root = CowloopFront.Create();
    private static readonly ManPage Page = ManPage.OfCommand("cowloop");
    private static readonly IReadOnlyDictionary<string, ManPage> Sections = Page.Subsections();

    public static TheoryData<string> Verbs => [.. Root.Subcommands.Select(verb => verb.Name)];

    public static TheoryData<string> Pages => [.. Directory.EnumerateFiles(ManPage.Directory).Select(path => Path.GetFileName(path))];

    [Fact]
    public void Every_verb_has_its_part_and_every_part_its_verb() =>
        Assert.Equal(Root.Subcommands.Select(verb => verb.Name).Order(), Sections.Keys.Order());

    [Fact]
    public void The_list_in_the_description_has_all_verbs() => Assert.Equal(
        Root.Subcommands.Select(verb => verb.Name).Order(),
        Page.Section("DESCRIPTION").Lines.Where(line => line.StartsWith(".It Cm ", StringComparison.Ordinal)).Select(line => line[7..]).Order());

    [Fact]
    public void The_options_of_all_verbs_are_those_of_the_front() => Assert.Equal(
        Root.Options.SelectMany(NamesOf).Order(),
        Page.Section("OPTIONS").Options.Order());

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_part_of_a_verb_has_its_options_and_no_other(string name) => Assert.Equal(
        Verb(name).Options.Where(option => option is not HelpOption).SelectMany(NamesOf).Order(),
        Sections[name].Options.Order());

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Every_option_is_described_under_all_its_names_and_with_its_value(string name)
    {
        foreach (Option option in Verb(name).Options.Where(option => option is not HelpOption))
        {
            string names = string.Join(" , ", NamesOf(option).OrderBy(alias => alias.Length).Select(alias => $"Fl {alias[1..]}"));
            string value = option.ValueType == typeof(bool) ? "" : $" Ar {option.HelpName}";
            Assert.Contains($".It {names}{value}", Sections[name].Lines);
        }
    }

    /// <summary>Only what follows the options: they may have values.</summary>
    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_synopsis_of_a_verb_has_its_options_and_arguments(string name)
    {
        string synopsis = Assert.Single(Sections[name].Lines, line => line.StartsWith($".D1 Nm cowloop Cm {name}", StringComparison.Ordinal));
        Assert.All(
            Verb(name).Options.Where(option => option is not HelpOption),
            option => Assert.Single(NamesOf(option), alias => synopsis.Contains($" Fl {alias[1..]} ", StringComparison.Ordinal) || synopsis.EndsWith($" Fl {alias[1..]}", StringComparison.Ordinal)));
        string arguments = synopsis[(synopsis.LastIndexOf(" Fl ", StringComparison.Ordinal) + 1)..];
        foreach (Argument argument in Verb(name).Arguments)
        {
            Assert.Equal(argument.Name.ToUpperInvariant(), argument.Name);
            Match word = Regex.Match(arguments, $@"\b{argument.Name}( \.\.\.)?");
            Assert.True(word.Success, $"{argument.Name} is missing in {synopsis}");
            Assert.Equal(argument.Arity.MaximumNumberOfValues > 1, word.Groups[1].Success);
        }
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_part_of_a_verb_tells_its_exit_status_and_has_an_example_of_it(string name)
    {
        Assert.Contains(Sections[name].Lines, line => line.StartsWith("Exit status: ", StringComparison.Ordinal));
        Assert.Contains(Sections[name].Examples, example => example.Contains($"cowloop {name}", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_example_in_the_help_of_a_verb_is_one_of_it_and_parses(string name)
    {
        string example = Assert.IsType<Verb>(Verb(name)).Example;
        Assert.Contains($"cowloop {name}", example, StringComparison.Ordinal);
        MustParse(example);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void What_the_pages_show_of_cowloop_parses(string page) => Assert.All(ManPage.Read(page).Examples, MustParse);

    /// <summary>Else the tests above would look at nothing.</summary>
    [Fact]
    public void The_tests_see_what_they_look_for()
    {
        Assert.Contains("--number", Sections["attach"].Options);
        Assert.Contains("mount $(cowloop attach disk.img my.cow) /mnt\n", Sections["attach"].Examples);
        Assert.Equal(["attach disk.img my.cow"], CallsIn("mount $(cowloop attach disk.img my.cow) /mnt").Select(call => string.Join(' ', call)));
        Assert.Equal(["detach /dev/cow/0", "list"], CallsIn("cowloop detach /dev/cow/0 && cowloop list >x").Select(call => string.Join(' ', call)));
        Assert.NotEmpty(UsageErrors.Find(CowloopFront.Parse(Root, "attach", "--frobnicate", "disk.img", "my.cow")));
    }

    private static Command Verb(string name) => Root.Subcommands.Single(verb => verb.Name == name);

    private static IEnumerable<string> NamesOf(Option option) => option.Aliases.Append(option.Name);

    private static void MustParse(string script)
    {
        foreach (string[] call in CallsIn(script))
        {
            IReadOnlyList<string> errors = UsageErrors.Find(CowloopFront.Parse(Root, call));
            Assert.True(errors.Count == 0, $"cowloop {string.Join(' ', call)}: {string.Join("; ", errors)}");
        }
    }

    private static IEnumerable<string[]> CallsIn(string script) => Call().Matches(script)
        .Select(match => match.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => word.Trim('"', '\'')).ToArray());

    /// <summary>A call ends where the shell says so.</summary>
    [GeneratedRegex(@"(?<![\w/])cowloop ([^|&;>)\n]+)")]
    private static partial Regex Call();
}
