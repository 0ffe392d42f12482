using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What <c>cowloop completion</c> prints makes real shells complete.</summary>
public partial class CompletionTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const string Prompt = "READY> ";

    /// <summary>What each shell reads when it starts, and how it is started in the test's directory.</summary>
    private static readonly Dictionary<string, (string File, string Setup, string Command)> Shells = new()
    {
        ["bash"] = ("rc", "source <(cowloop completion bash); PS1='READY> '", "exec bash --noprofile --rcfile rc -i"),
        ["zsh"] = (".zshrc", "autoload -U compinit; compinit -u -D; source <(cowloop completion zsh); PS1='READY> '", "ZDOTDIR=. exec zsh -d -i"),
        ["fish"] = ("rc", "cowloop completion fish | source; function fish_prompt; echo -n 'READY> '; end", "HOME=. exec fish --no-config -C 'source rc' -i"),
    };

    public static TheoryData<string> Names => [.. Shells.Keys];

    [NeedsTheory("bash", "zsh", "fish", "script")]
    [MemberData(nameof(Names))]
    public void Verbs_file_names_and_options_are_completed_at_a_terminal(string shell)
    {
        Golden.ImageG2.Write(Temp["changes.cow"]);
        using Terminal terminal = Start(shell);
        terminal.Type("cowloop che\tchan\t--js\t\n");
        terminal.WaitFor("\"ok\": true");
    }

    [NeedsTheory("bash", "zsh", "fish", "script")]
    [MemberData(nameof(Names))]
    public void The_value_of_an_option_is_completed_with_file_names(string shell)
    {
        Golden.ImageG2.Write(Temp["changes.cow"]);
        NumbersBase("the.base");
        using Terminal terminal = Start(shell);
        terminal.Type("cowloop check changes.cow --ba\tthe\t\n");
        terminal.WaitFor("changes.cow: no problems found");
    }

    [RootTheory("bash", "zsh", "fish", "script")]
    [MemberData(nameof(Names))]
    public void Active_devices_are_completed(string shell)
    {
        Attach(NumbersBase());
        using Terminal terminal = Start(shell);
        terminal.Type("cowloop detach \t\n");
        Poll.Until("the only device is detached", () => Service.ActiveDevices().Count == 0);
    }

    [NeedsTheory("bash", "zsh", "fish", "script")]
    [MemberData(nameof(Names))]
    public void Parameters_of_load_are_completed_and_then_their_files(string shell)
    {
        NumbersBase("the.base");
        using Terminal terminal = Start(shell);
        // Only one file is named: that is refused, and shows what was completed.
        terminal.Type("cowloop load rdo\tthe\tmaxc\tx\n");
        terminal.WaitFor("maxcows=x is not a number");
        terminal.Type("cowloop load rdo\tthe\toption\t\n");
        terminal.WaitFor("only one filename specified");
    }

    /// <summary>As a copy that is not installed, called by its path.</summary>
    [NeedsTheory("bash", "zsh", "fish", "script")]
    [MemberData(nameof(Names))]
    public void The_program_is_asked_that_was_typed(string shell)
    {
        Golden.ImageG2.Write(Temp["changes.cow"]);
        using Terminal terminal = Start(shell, isInPath: false);
        terminal.Type($"{Path.GetFullPath(Repository.Program("cowloop"))} che\tchan\t\n");
        terminal.WaitFor("changes.cow: no problems found");
    }

    [NeedsFact("fish")]
    public void Fish_offers_what_there_is()
    {
        Golden.ImageG2.Write(Temp["changes.cow"]);
        Assert.Equal(Verbs(), InFish("cowloop "));
        Assert.Equal(["detach"], InFish("cowloop det"));
        Assert.Equal(["--help", "--wait"], InFish("cowloop unload --"));
        Assert.Equal(["bash", "fish", "zsh"], InFish("cowloop completion "));
        Assert.Equal(["changes.cow"], InFish("cowloop info "));
        Assert.Equal(["changes.cow"], InFish("cowloop info --ranges ch"));
        Assert.Equal(["--base=changes.cow"], InFish("cowloop check --base=ch"));
        Assert.Equal(["cowfile=", "maxcows=", "option=r", "rdofile="], InFish("cowloop load "));
    }

    /// <summary>Where the function has nothing to offer bash completes file names.</summary>
    [NeedsFact("bash")]
    public void Bash_offers_what_there_is()
    {
        Assert.Equal(Verbs(), InBash("cowloop ", ""));
        Assert.Equal(["detach"], InBash("cowloop det", "det"));
        // In the middle of a verb, but no beginning.
        Assert.Empty(InBash("cowloop tach", "tach"));
        Assert.Equal(["--help", "--wait"], InBash("cowloop unload --", "--"));
        Assert.Equal(["bash", "fish", "zsh"], InBash("cowloop completion ", ""));
        Assert.Empty(InBash("cowloop info ", ""));
        Assert.Empty(InBash("cowloop check changes.cow --base ", ""));
        Assert.Equal(["check"], InBash("X=1 cowloop ch", "ch"));
    }

    [NeedsTheory("bash", "zsh", "fish")]
    [MemberData(nameof(Names))]
    public void A_shell_that_does_not_find_the_program_offers_nothing_and_says_nothing(string shell)
    {
        // The scripts are those of a program that has been removed since.
        string script = Service.Cowloop("completion", shell).MustSucceed().Output;
        File.WriteAllText(Temp["script"], script);
        string ask = shell switch
        {
            "bash" => "source ./script; COMP_LINE='cowloop ' COMP_POINT=8; _cowloop cowloop '' cowloop; echo \"${COMPREPLY[*]}\"",
            "zsh" => "autoload -U compinit; compinit -u -D; source ./script",
            _ => "source ./script; complete -C 'cowloop '",
        };
        CommandResult result = Shell.Try(new ShellOptions { Directory = Directory.CreateDirectory(Temp["empty"]).Parent!.FullName }, shell, "-c", ask).MustSucceed();
        Assert.DoesNotContain("attach", result.Output, StringComparison.Ordinal);
        Assert.Equal("", result.Error);
    }

    private ShellOptions Options(bool isInPath = true) => new()
    {
        Directory = Temp.Path,
        Environment = new Dictionary<string, string>(Service.Environment)
        {
            ["PATH"] = $"{(isInPath ? $"{Path.GetFullPath(Repository.Binaries)}:" : "")}{Requirements.ProgramPath}",
            ["TERM"] = "dumb",
        },
    };

    private Terminal Start(string shell, bool isInPath = true)
    {
        (string file, string setup, string command) = Shells[shell];
        File.WriteAllText(Temp[file], setup.Replace("cowloop", Path.GetFullPath(Repository.Program("cowloop")), StringComparison.Ordinal));
        var terminal = new Terminal(Options(isInPath), command);
        terminal.WaitFor(Prompt);
        return terminal;
    }

    private string[] InFish(string line) => Lines(Shell.Try(
        Options(),
        "fish",
        "--no-config",
        "-c",
        $"cowloop completion fish | source; complete -C '{line}'"));

    private string[] InBash(string line, string word) => Lines(Shell.Try(
        Options(),
        "bash",
        "-c",
        "source <(cowloop completion bash); COMP_LINE=$1 COMP_POINT=${#1}; _cowloop cowloop \"$2\" ''; printf '%s\\n' \"${COMPREPLY[@]}\"",
        "bash",
        line,
        word));

    private static string[] Lines(CommandResult result) => [.. result.MustSucceed().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    /// <summary>Those that the help lists.</summary>
    private string[] Verbs() => [.. VerbInHelp().Matches(Service.Cowloop("--help").MustSucceed().Output.Split("Commands:")[1]).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"^  ([\w-]+)", RegexOptions.Multiline)]
    private static partial Regex VerbInHelp();
}
