using System.Reflection;
using System.Xml.Linq;

namespace Cowloop.Architecture.Tests.Support;

/// <summary>The projects of src, their assemblies, and what each may know.</summary>
internal static class Projects
{
    /// <summary>References point one way. A new project needs a line here.</summary>
    public static IReadOnlyDictionary<string, string[]> MayKnow { get; } = new Dictionary<string, string[]>
    {
        ["Cowloop.Core"] = [],
        ["Cowloop.Linux"] = ["Cowloop.Core"],
        ["Cowloop.Fuse"] = ["Cowloop.Core", "Cowloop.Linux"],
        ["Cowloop.Control"] = ["Cowloop.Core"],
        ["Cowloop.Daemon"] = ["Cowloop.Control", "Cowloop.Core", "Cowloop.Fuse", "Cowloop.Linux"],
        ["Cowloop.Tools"] = ["Cowloop.Control", "Cowloop.Core", "Cowloop.Linux"],
    };

    /// <summary>The two programs have names that users type.</summary>
    public static string AssemblyNameOf(string project) => project switch
    {
        "Cowloop.Daemon" => "cowloopd",
        "Cowloop.Tools" => "cowloop",
        _ => project,
    };

    public static Assembly Load(string project) => Assembly.Load(AssemblyNameOf(project));

    public static XDocument Read(string project) => XDocument.Load(Path.Combine(Repository.Root, "src", project, $"{project}.csproj"));
}
