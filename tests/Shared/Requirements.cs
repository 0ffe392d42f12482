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
    private const string CapabilityPrefix = "cap:";

    private static readonly Dictionary<string, int> Capabilities = new() { ["ipc_lock"] = 14, ["sys_resource"] = 24 };

    private static readonly Lazy<bool> HasGuestKernel = new(() =>
        Shell.Try(Path.Combine(Repository.Root, "tests/interop/guest.sh"), "--fetch").ExitCode == 0);

    private static readonly string? MissingForRoot = Environment.IsPrivilegedProcess
        ? Missing([.. typeof(Requirements).Assembly.GetCustomAttribute<RootTestsNeedAttribute>()?.Needs ?? []])
        : "needs root";

    /// <summary>Where programs are looked for: a user's path may lack the directories of the administrator's tools.</summary>
    public static string ProgramPath { get; } = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/local/sbin:/usr/sbin:/sbin";

    /// <summary>Says why a test can't run here, or null when it can.</summary>
    /// <param name="needs">
    /// Absolute paths that must exist, names of programs, <c>fs:NAME</c> for a filesystem of the kernel, <c>cap:NAME</c> for a capability of this
    /// process, <c>cgroup:memory</c> for a memory cgroup that can be made, <c>cgroup1:memory</c> and <c>cgroup2:memory</c> for one of that version,
    /// <c>guest:kernel</c> for a kernel that tests/interop/guest.sh can boot: it is downloaded now if need be.
    /// </param>
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

    /// <summary>True when this process has a capability that it may lack even as root of a container.</summary>
    public static bool HasCapability(string name)
    {
        string line = File.ReadLines("/proc/self/status").Single(text => text.StartsWith("CapEff:", StringComparison.Ordinal));
        return (Convert.ToUInt64(line["CapEff:".Length..].Trim(), 16) >> Capabilities[name] & 1) != 0;
    }

    private static bool Has(string need) => need switch
    {
        ['/', ..] => Path.Exists(need),
        "cgroup:memory" => MemoryCgroup.CanBeMade(),
        "cgroup1:memory" => !MemoryCgroup.Has2 && MemoryCgroup.CanBeMade(),
        "cgroup2:memory" => MemoryCgroup.Has2 && MemoryCgroup.CanBeMade(),
        "guest:kernel" => HasGuestKernel.Value,
        _ when need.StartsWith(FilesystemPrefix, StringComparison.Ordinal) => KernelHas(need[FilesystemPrefix.Length..]),
        _ when need.StartsWith(CapabilityPrefix, StringComparison.Ordinal) => HasCapability(need[CapabilityPrefix.Length..]),
        _ => HasProgram(need),
    };

    private static bool IsListed(string filesystem) =>
        File.ReadLines("/proc/filesystems").Any(line => line.Split('\t')[^1] == filesystem);

    private static bool HasProgram(string name) => Find(name) is not null;
}
