namespace Cowloop.Core;

/// <summary>
/// The one error type of the control path: what a user is told. The data path returns <see cref="Core.Errno"/> instead.
/// </summary>
/// <param name="errno">The number that decides the compatible text and the exit code.</param>
/// <param name="reason">What failed and on which path, as one sentence without a final full stop.</param>
/// <param name="hint">What the user can do next, or null.</param>
public sealed class CowloopException(Errno errno, string reason, string? hint = null) : Exception(reason)
{
    /// <summary>The number that decides the compatible text and the exit code.</summary>
    public Errno Errno { get; } = errno;

    /// <summary>What the user can do next, or null.</summary>
    public string? Hint { get; } = hint;

    /// <summary>What exactly failed, for tools that have a text of their own for it.</summary>
    public Fault Fault { get; init; }

    /// <summary>Absolute path of the file the error is about, or null. The reason names it the way the user did.</summary>
    public string? Path { get; init; }

    /// <summary>The same error, about a file.</summary>
    public CowloopException About(string path) => new(Errno, Message, Hint) { Path = path, Fault = Fault };
}
