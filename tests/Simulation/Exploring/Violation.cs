namespace Cowloop.Simulation.Exploring;

/// <summary>Something that must never be, and how to see it again.</summary>
/// <param name="Text">What is wrong, and when.</param>
/// <param name="Story">What was done.</param>
public sealed record Violation(string Text, Story Story)
{
    public override string ToString() => $"{Text}\n  Assert.Null(explorer.Check({Story}));";
}
