using Xunit.Sdk;

namespace Cowloop.Tests.Support;

/// <summary>What a process left behind.</summary>
/// <param name="Command">The command line.</param>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">All of standard output.</param>
/// <param name="Error">All of standard error.</param>
public sealed record CommandResult(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>Standard output without the line end.</summary>
    public string Line => Output.TrimEnd('\n');

    /// <summary>The lines of standard error.</summary>
    public string[] ErrorLines => Error.TrimEnd('\n').Split('\n');

    public CommandResult MustSucceed() => MustExitWith(0);

    public CommandResult MustExitWith(int exitCode) => ExitCode == exitCode ? this : throw Failure($"exit code {exitCode} was expected");

    /// <summary>Success with exactly this on standard output, and nothing on standard error.</summary>
    public CommandResult MustPrint(string output)
    {
        MustSucceed();
        if (Output != output)
        {
            throw Failure($"standard output should be:\n{output}");
        }
        return Error.Length == 0 ? this : throw Failure("standard error should be empty");
    }

    /// <summary>An error as a user should see it, however it is worded: the right exit code, all of this on standard error and nothing on standard output.</summary>
    /// <param name="exitCode">The exit code.</param>
    /// <param name="parts">What standard error must say somewhere.</param>
    public CommandResult MustComplain(int exitCode, params string[] parts)
    {
        MustExitWith(exitCode);
        foreach (string part in parts)
        {
            if (!Error.Contains(part, StringComparison.Ordinal))
            {
                throw Failure($"standard error should say \"{part}\"");
            }
        }
        return Error.Length > 0 ? MustBeForPeople(lineCount: 3) : throw Failure("standard error should say what is wrong");
    }

    /// <summary>An error as a user should see it: the right exit code, this first line, then the reason, nothing on standard output and no stack trace.</summary>
    /// <param name="exitCode">The exit code.</param>
    /// <param name="firstLine">The first line, whole.</param>
    /// <param name="reasons">What the rest must say.</param>
    public CommandResult MustRefuse(int exitCode, string firstLine, params string[] reasons)
    {
        MustExitWith(exitCode);
        if (ErrorLines[0] != firstLine)
        {
            throw Failure($"the first line should be \"{firstLine}\"");
        }
        string rest = string.Join('\n', ErrorLines.Skip(1));
        foreach (string reason in reasons)
        {
            if (!rest.Contains(reason, StringComparison.Ordinal))
            {
                throw Failure($"the reason should say \"{reason}\"");
            }
        }
        return MustBeForPeople(lineCount: 2);
    }

    /// <summary>At most so many lines, none of them a stack trace.</summary>
    public CommandResult MustBeForPeople(int lineCount)
    {
        if (Error.Contains("   at ", StringComparison.Ordinal) || Error.Contains("Exception", StringComparison.Ordinal))
        {
            throw Failure("a stack trace is nothing for a user");
        }
        if (ErrorLines.Length > lineCount)
        {
            throw Failure($"at most {lineCount} lines were expected");
        }
        return Output.Length == 0 ? this : throw Failure("standard output should be empty");
    }

    public override string ToString() => $"$ {Command}\nexit code: {ExitCode}\nstandard output:\n{Output}\nstandard error:\n{Error}";

    private XunitException Failure(string text) => new($"{text}\n{this}");
}
