using Cowloop.Tests.Support;

namespace Cowloop.Tools.Tests.Support;

/// <summary>Runs a part of the program in this process, and keeps what it says.</summary>
internal static class Captured
{
    public static CommandResult Run(string command, Func<int> run)
    {
        (TextWriter outputBefore, TextWriter errorBefore) = (Console.Out, Console.Error);
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        Console.SetOut(output);
        Console.SetError(error);
        try
        {
            int exitCode = run();
            return new CommandResult(command, exitCode, output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(outputBefore);
            Console.SetError(errorBefore);
        }
    }
}
