using Cowloop.Core;

namespace Cowloop.Tools;

/// <summary>How the tools say what went wrong: a first line as the original's, and a second one with the reason, what to do next, and the file.</summary>
internal static class ErrorReport
{
    /// <summary>Writes both lines to standard error.</summary>
    /// <param name="program">The program as it was called.</param>
    /// <param name="what">What the original names: an action or a file.</param>
    /// <param name="exception">The error.</param>
    public static void Write(string program, string what, CowloopException exception)
    {
        Console.Error.WriteLine($"{what}: {exception.Errno.Text()}");
        Write(program, exception);
    }

    /// <summary>Writes the reason alone.</summary>
    public static void Write(string program, CowloopException exception)
    {
        string hint = exception.Hint is null ? "" : $"; {exception.Hint}";
        string path = exception.Path is null || exception.Message.Contains(exception.Path, StringComparison.Ordinal) ? "" : $" [{exception.Path}]";
        Console.Error.WriteLine($"{Path.GetFileName(program)}: {exception.Message}{hint}{path}");
    }
}
