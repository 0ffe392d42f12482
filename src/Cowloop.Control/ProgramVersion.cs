using System.Reflection;

namespace Cowloop.Control;

/// <summary>The version that is shown to users; set in Directory.Build.props.</summary>
public static class ProgramVersion
{
    /// <summary>For instance <c>0.1.0</c>.</summary>
    public static string Text { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
