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

    // In all three: options only when asked for, and file names where the program has nothing to say.
    private const string Bash = """
        # bash completion for cowloop
        _cowloop() {
            local line=${COMP_LINE:0:COMP_POINT} item
            line="cowloop ${line#*"$1"}"
            COMPREPLY=()
            while IFS= read -r item; do
                [[ -n $item && $item == "$2"* && ($item != -* || $2 == -*) ]] && COMPREPLY+=("$item")
            done < <("${1/#\~/$HOME}" "[suggest:${#line}]" "$line" 2>/dev/null)
            [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
        }
        complete -o default -F _cowloop cowloop

        """;

    private const string Zsh = """
        #compdef cowloop
        # zsh completion for cowloop
        _cowloop() {
            local line="cowloop ${(j: :)words[2,CURRENT-1]} $PREFIX" item
            local -a names assignments
            for item in ${(f)"$(${~words[1]} "[suggest:${#line}]" "$line" 2>/dev/null)"}; do
                if [[ $item == *= ]]; then
                    assignments+=("$item")
                elif [[ $item != -* || $PREFIX == -* ]]; then
                    names+=("$item")
                fi
            done
            compadd -a names
            compadd -S '' -a assignments
            if (( ! compstate[nmatches] )); then
                compset -P '*='
                _files
            fi
        }
        if [ "$funcstack[1]" = _cowloop ]; then
            _cowloop "$@"
        else
            compdef _cowloop cowloop
        fi

        """;

    private const string Fish = """
        # fish completion for cowloop
        function __cowloop_items
            set -l words (commandline -opc)
            set -l word (commandline -ct)
            set -l program $words[1]
            set -e words[1]
            command -q $program; or return
            set -l line "cowloop $words $word"
            for item in ($program "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null | string match -v '')
                if not string match -q -- '-*' $item; or string match -q -- '-*' $word
                    echo $item
                end
            end
        end
        complete -c cowloop -n 'count (__cowloop_items) >/dev/null' -f -a '(__cowloop_items)'

        """;
}
