namespace Cowloop.Tests.Support;

/// <summary>
/// A test that needs something of the system: it is skipped, with the reason, where that is missing. It is found out
/// before the test starts, never by a failure in its middle.
/// </summary>
public class NeedsFactAttribute : FactAttribute
{
    /// <summary>Names what the test needs.</summary>
    /// <param name="needs">Absolute paths that must exist, and names of programs.</param>
    public NeedsFactAttribute(params string[] needs)
    {
        ArgumentNullException.ThrowIfNull(needs);
        if (needs.FirstOrDefault(need => !IsThere(need)) is string missing)
        {
            Skip = $"needs {missing}";
        }
    }

    private static bool IsThere(string need) => need.StartsWith('/') ? Path.Exists(need) : Programs.Find(need) is not null;
}

/// <summary>A test that needs root besides.</summary>
public sealed class RootFactAttribute : NeedsFactAttribute
{
    /// <summary>As for <see cref="NeedsFactAttribute"/>.</summary>
    public RootFactAttribute(params string[] needs)
        : base(needs)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Skip = "needs root";
        }
    }
}
