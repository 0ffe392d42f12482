namespace Cowloop.Tests.Support;

/// <summary>A test that needs something of the system: it is skipped, with the reason, where that is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NeedsFactAttribute : FactAttribute
{
    /// <param name="needs">As for <see cref="Requirements.Missing"/>.</param>
    public NeedsFactAttribute(params string[] needs) => Skip = Requirements.Missing(needs);
}

/// <summary>As <see cref="NeedsFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NeedsTheoryAttribute : TheoryAttribute
{
    /// <param name="needs">As for <see cref="NeedsFactAttribute"/>.</param>
    public NeedsTheoryAttribute(params string[] needs) => Skip = Requirements.Missing(needs);
}

/// <summary>A test that needs root besides.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootFactAttribute : FactAttribute
{
    /// <param name="needs">As for <see cref="NeedsFactAttribute"/>.</param>
    public RootFactAttribute(params string[] needs) => Skip = Requirements.MissingAsRoot(needs);
}

/// <summary>As <see cref="RootFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RootTheoryAttribute : TheoryAttribute
{
    /// <param name="needs">As for <see cref="NeedsFactAttribute"/>.</param>
    public RootTheoryAttribute(params string[] needs) => Skip = Requirements.MissingAsRoot(needs);
}
