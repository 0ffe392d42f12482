namespace Cowloop.SystemTests.Support;

/// <summary>As <see cref="RootFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootTheoryAttribute : TheoryAttribute
{
    /// <param name="needs">Names of programs, and <c>fs:NAME</c> for a filesystem of the kernel.</param>
    public RootTheoryAttribute(params string[] needs)
    {
        Needs = needs;
        Skip = Requirements.Missing(needs);
    }

    public IReadOnlyList<string> Needs { get; }
}
