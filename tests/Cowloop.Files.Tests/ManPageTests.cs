using System.Text.RegularExpressions;

namespace Cowloop.Files.Tests;

/// <summary>Every command has its page, and what page and <c>--help</c> say of it agrees. The verbs of cowloop are compared with its parser elsewhere.</summary>
public partial class ManPageTests : ToolTest
{
    private static readonly string[] OptionsOfAll = ["--help", "--version"];

    private static readonly string[] Commands = [.. Directory.EnumerateFiles(Repository.Binaries, "cow*").Select(path => Path.GetFileName(path)).Where(IsCommand).Order()];

    /// <summary>Those with a <c>--help</c> of their own.</summary>
    public static TheoryData<string> CommandsWithHelp => [.. Commands.Where(command => command != "cowloop")];

    /// <summary>The service has parameters instead.</summary>
    public static TheoryData<string> CommandsWithOperands => [.. Commands.Where(command => command is not ("cowloop" or "cowloopd"))];

    public static TheoryData<string> Pages => [.. Directory.EnumerateFiles(ManPage.Directory).Select(path => Path.GetFileName(path))];

    [Fact]
    public void Every_command_has_a_page_and_every_page_a_command() => Assert.Equal(
        Commands.Select(command => $"{command}.8"),
        Directory.EnumerateFiles(ManPage.Directory, "*.8").Select(path => Path.GetFileName(path)).Order());

    [Theory]
    [MemberData(nameof(CommandsWithHelp))]
    public void The_page_has_the_options_of_the_help_and_no_other(string command) => Assert.Equal(
        ManPage.OptionsInText(OtherCommand().Replace(Help(command).Split("\nExample:")[0], ""))
            .Concat(OptionsOfAll)
            .Distinct()
            .Order(),
        ManPage.OfCommand(command).Options.Order());

    [Theory]
    [MemberData(nameof(CommandsWithOperands))]
    public void Every_usage_line_is_a_form_of_the_synopsis(string command)
    {
        IReadOnlyList<IReadOnlyList<string>> forms = ManPage.OfCommand(command).Forms;
        string[][] usages = [.. UsageLines(command)];
        Assert.NotEmpty(usages);
        Assert.All(usages, usage => Assert.Contains(forms, form => IsWithin(usage, form)));
    }

    [Theory]
    [MemberData(nameof(CommandsWithOperands))]
    public void The_page_calls_the_operands_as_the_usage_does(string command) => Assert.Equal(
        UsageLines(command).SelectMany(usage => usage).Where(word => word[0] != '-').Distinct().Order(),
        ManPage.OfCommand(command).Section("SYNOPSIS").Operands.Order());

    [Fact]
    public void The_service_has_the_parameters_of_its_help() => Assert.Equal(
        ["cowfile", "maxcows", "option", "rdofile"],
        Parameter().Matches(Help("cowloopd")).Select(match => match.Groups[1].Value)
            .Intersect(MarkedParameter().Matches(string.Join('\n', ManPage.OfCommand("cowloopd").Lines)).Select(match => match.Groups[1].Value))
            .Order());

    [Theory]
    [MemberData(nameof(Pages))]
    public void Examples_have_only_options_that_there_are(string page)
    {
        foreach (Match call in ClassicCall().Matches(string.Concat(ManPage.Read(page).Examples)).Where(call => Commands.Contains(call.Groups[1].Value)))
        {
            Assert.Empty(ManPage.OptionsInText(call.Groups[2].Value).Except(ManPage.OfCommand(call.Groups[1].Value).Options));
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_has_the_parts_that_readers_look_for(string page)
    {
        string[] headings = [.. ManPage.Read(page).Lines.Where(line => line.StartsWith(".Sh ", StringComparison.Ordinal)).Select(line => line[4..])];
        string[] wanted = page.EndsWith(".8", StringComparison.Ordinal)
            ? ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]
            : ["NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"];
        Assert.Equal(wanted, headings.Intersect(wanted));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Pages_that_are_referred_to_exist(string page)
    {
        string[] missing = [.. ManPage.Read(page).Lines
            .Select(line => Reference().Match(line))
            .Where(match => match.Success && !File.Exists(Path.Combine(ManPage.Directory, $"{match.Groups[1]}.{match.Groups[2]}")))
            .Select(match => match.Value)];
        Assert.Empty(missing);
    }

    [NeedsTheory("mandoc")]
    [MemberData(nameof(Pages))]
    public void Mandoc_has_nothing_to_say(string page) =>
        Shell.Run("mandoc", "-T", "lint", "-W", "warning", Path.Combine(ManPage.Directory, page)).MustPrint("");

    [NeedsTheory("man", "groff")]
    [MemberData(nameof(Pages))]
    public void Man_has_nothing_to_say_and_shows_no_line_too_long(string page)
    {
        var options = new ShellOptions { Environment = new Dictionary<string, string> { ["MANWIDTH"] = "80", ["LC_ALL"] = "C.UTF-8" } };
        CommandResult shown = Shell.Try(options, "man", "--warnings", "-l", Path.Combine(ManPage.Directory, page)).MustSucceed();
        Assert.Equal("", shown.Error);
        Assert.DoesNotContain(shown.Output.Split('\n'), line => line.Length > 80);
    }

    private static bool IsCommand(string name) => CommandName().IsMatch(name);

    private static string Help(string command) => Shell.Run(Repository.Program(command), "--help").Output;

    /// <summary>The words of every form that the help shows: options and operands, without their brackets.</summary>
    private static IEnumerable<string[]> UsageLines(string command)
    {
        string program = Repository.Program(command);
        return Help(command).Split("\n\n")[0].Split('\n')
            .Select(line => line.Replace("Usage:", "", StringComparison.Ordinal).Trim())
            .Where(line => line.StartsWith(program, StringComparison.Ordinal))
            .Select(line => line[program.Length..].Split('\t')[0].Replace("[v]", "", StringComparison.Ordinal))
            .Select(line => UsageWord().Matches(line).Select(word => word.Value).ToArray());
    }

    /// <summary>True when all words are in a form, in the same order.</summary>
    private static bool IsWithin(IEnumerable<string> words, IEnumerable<string> form)
    {
        var rest = new Queue<string>(words);
        foreach (string word in form)
        {
            if (rest.TryPeek(out string? next) && next == word)
            {
                rest.Dequeue();
            }
        }
        return rest.Count == 0;
    }

    [GeneratedRegex("^cow[a-z]+$")]
    private static partial Regex CommandName();

    [GeneratedRegex(@"--?[A-Za-z][\w-]*|[A-Za-z]+")]
    private static partial Regex UsageWord();

    /// <summary>What it says of itself begins with a path.</summary>
    [GeneratedRegex(@"(?<![\w/])cow[a-z]+ -\S+")]
    private static partial Regex OtherCommand();

    [GeneratedRegex(@"^ +(\w+)=", RegexOptions.Multiline)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^\.It Cm (\w+) Ns = ", RegexOptions.Multiline)]
    private static partial Regex MarkedParameter();

    [GeneratedRegex(@"(?<![\w/])(cow[a-z]+) ([^|&;>)\n]+)")]
    private static partial Regex ClassicCall();

    [GeneratedRegex(@"^\.Xr (cow\w+) (\d)")]
    private static partial Regex Reference();
}
