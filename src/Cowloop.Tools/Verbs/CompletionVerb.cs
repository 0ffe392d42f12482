using System.CommandLine;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop completion: what a shell needs to complete its command lines. The shell asks the program itself, so it is never out of date.</summary>
internal static class CompletionVerb
{
    private static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = Bash,
        ["zsh"] = Zsh,
        ["fish"] = Fish,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Verb(
            "completion",
            "Print a script that makes a shell complete cowloop's command lines.",
            "cowloop completion bash > /etc/bash_completion.d/cowloop")
        {
            shell,
        };
        command.SetAction(result =>
        {
            Console.Write(Scripts[result.GetRequiredValue(shell)]);
            return 0;
        });
        return command;
    }

    private const string Bash = """
        # bash completion for cowloop
        _cowloop() {
            local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} item
            COMPREPLY=()
            while IFS= read -r item; do
                # Options only when asked for: elsewhere file names are wanted.
                [[ $item == -* && $word != -* ]] || COMPREPLY+=("$item")
            done < <(cowloop "[suggest:${#line}]" "$line" 2>/dev/null)
        }
        complete -o default -F _cowloop cowloop

        """;

    private const string Zsh = """
        #compdef cowloop
        # zsh completion for cowloop
        _cowloop() {
            local line="${BUFFER[1,CURSOR]}" word="${words[CURRENT]}" item
            local -a items
            for item in ${(f)"$(cowloop "[suggest:${#line}]" "$line" 2>/dev/null)"}; do
                [[ $item == -* && $word != -* ]] || items+=("$item")
            done
            compadd -a items
            _files
        }
        if [ "$funcstack[1]" = _cowloop ]; then
            _cowloop "$@"
        else
            compdef _cowloop cowloop
        fi

        """;

    private const string Fish = """
        # fish completion for cowloop
        function __cowloop_complete
            set -l line (commandline -cp)
            set -l word (commandline -ct)
            for item in (cowloop "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null)
                if not string match -q -- '-*' $item; or string match -q -- '-*' $word
                    echo $item
                end
            end
        end
        complete -c cowloop -a '(__cowloop_complete)'

        """;
}
