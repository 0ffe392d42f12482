namespace Cowloop.SystemTests.Support;

/// <summary>A test that needs root, FUSE and loop devices, and what it names; skipped with the reason where one is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    /// <param name="needs">Names of programs, and <c>fs:NAME</c> for a filesystem of the kernel.</param>
    public RootFactAttribute(params string[] needs)
    {
        Needs = needs;
        Skip = Requirements.Missing(needs);
    }

    public IReadOnlyList<string> Needs { get; }
}
