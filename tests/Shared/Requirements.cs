using System.Reflection;

namespace Cowloop.Tests.Support;

/// <summary>What all tests of an assembly need that need root.</summary>
/// <param name="needs">As for <see cref="Requirements.Missing"/>.</param>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class RootTestsNeedAttribute(params string[] needs) : Attribute
{
    public IReadOnlyList<string> Needs { get; } = needs;
}

/// <summary>What this machine has. It is found out before a test starts, never by a failure in its middle.</summary>
internal static class Requirements
{
    private const string FilesystemPrefix = "fs:";

    private static readonly string? MissingForRoot = Environment.IsPrivilegedProcess
        ? Missing([.. typeof(Requirements).Assembly.GetCustomAttribute<RootTestsNeedAttribute>()?.Needs ?? []])
        : "needs root";

    /// <summary>Where programs are looked for: a user's path may lack the directories of the administrator's tools.</summary>
    public static string ProgramPath { get; } = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/local/sbin:/usr/sbin:/sbin";

    /// <summary>Says why a test can't run here, or null when it can.</summary>
    /// <param name="needs">Absolute paths that must exist, names of programs, and <c>fs:NAME</c> for a filesystem of the kernel.</param>
    public static string? Missing(params string[] needs) => needs.FirstOrDefault(need => !Has(need)) is string missing ? $"needs {missing}" : null;

    /// <summary>The same for a test that must be root besides.</summary>
    public static string? MissingAsRoot(params string[] needs) => MissingForRoot ?? Missing(needs);

    /// <summary>Finds a program by its name.</summary>
    public static string? Find(string program) => ProgramPath.Split(':')
        .Where(directory => directory.Length > 0)
        .Select(directory => Path.Combine(directory, program))
        .FirstOrDefault(File.Exists);

    /// <summary>True when the kernel can mount such a filesystem, if need be with a module.</summary>
    public static bool KernelHas(string filesystem)
    {
        if (!IsListed(filesystem) && HasProgram("modprobe"))
        {
            Shell.Try("modprobe", "-q", filesystem);
        }
        return IsListed(filesystem);
    }

    private static bool Has(string need) => need.StartsWith('/')
        ? Path.Exists(need)
        : need.StartsWith(FilesystemPrefix, StringComparison.Ordinal) ? KernelHas(need[FilesystemPrefix.Length..]) : HasProgram(need);

    private static bool IsListed(string filesystem) =>
        File.ReadLines("/proc/filesystems").Any(line => line.Split('\t')[^1] == filesystem);

    private static bool HasProgram(string name) => Find(name) is not null;
}
