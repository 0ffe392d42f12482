using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Cowloop.Tools.Verbs;

/// <summary>What is wrong with a command line, in words of this program: the library's are for those who write parsers.</summary>
internal static class UsageErrors
{
    /// <summary>Writes to standard error what is wrong, a line each, and where the usage is shown.</summary>
    /// <returns>False when nothing is.</returns>
    public static bool Report(ParseResult result)
    {
        IReadOnlyList<string> errors = Find(result);
        foreach (string error in errors)
        {
            Console.Error.WriteLine($"cowloop: {error}");
        }
        if (errors.Count > 0)
        {
            string verb = result.CommandResult.Command is RootCommand ? "" : $" {result.CommandResult.Command.Name}";
            Console.Error.WriteLine($"cowloop: 'cowloop{verb} --help' shows the usage");
        }
        return errors.Count > 0;
    }

    /// <summary>The errors; none when help, the version or completions are asked for.</summary>
    internal static IReadOnlyList<string> Find(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        if (result.Action is not ParseErrorAction && result.Action != command.Action)
        {
            return [];
        }
        if (UnknownOption(result) is string option)
        {
            return [$"there is no option '{option}'; before a name that begins with a dash, give --"];
        }
        if (command is RootCommand)
        {
            string unknown = result.UnmatchedTokens.Count > 0 ? result.UnmatchedTokens[0] : "";
            return [$"there is no verb '{unknown}'; there are {string.Join(", ", command.Subcommands.Select(verb => verb.Name))}"];
        }
        return [.. result.Errors.Select(error => Describe(error, result)).Distinct()];
    }

    private static string Describe(ParseError error, ParseResult result) => error.SymbolResult switch
    {
        ArgumentResult { Tokens.Count: 0 } argument => $"{argument.Argument.Name} is missing",
        OptionResult { Tokens.Count: 0 } option => $"{option.Option.Name} needs a value",
        CommandResult when result.UnmatchedTokens.Count > 0 => $"'{result.UnmatchedTokens[0]}' is one argument too many",
        _ => error.Message.ReplaceLineEndings("").Replace('\t', ' '),
    };

    /// <summary>The library takes an option that it does not know for a name. Nobody wants a cowfile called --reapir.</summary>
    private static string? UnknownOption(ParseResult result)
    {
        IEnumerable<Token> operands = result.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash).Where(token => token.Type == TokenType.Argument);
        Token[] values = [.. result.CommandResult.Children.OfType<OptionResult>().SelectMany(option => option.Tokens)];
        return operands.FirstOrDefault(token => token.Value.Length > 1 && token.Value[0] == '-' && !values.Any(value => ReferenceEquals(value, token)))?.Value;
    }
}
