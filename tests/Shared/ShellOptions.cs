namespace Cowloop.Tests.Support;

/// <summary>How a program is run.</summary>
internal sealed record ShellOptions
{
    /// <summary>Its current directory; null for the tests' own.</summary>
    public string? Directory { get; init; }

    /// <summary>What it reads from standard input.</summary>
    public string Input { get; init; } = "";

    /// <summary>Variables that are added to its environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>How long it may take.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(120);
}
