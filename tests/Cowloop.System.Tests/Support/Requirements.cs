namespace Cowloop.SystemTests.Support;

/// <summary>What this machine has.</summary>
internal static class Requirements
{
    private const string FilesystemPrefix = "fs:";

    private static readonly string? MissingBasics = FindMissingBasics();

    /// <summary>Where programs are looked for: a user's path may lack the directories of the administrator's tools.</summary>
    public static string ProgramPath { get; } = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/local/sbin:/usr/sbin:/sbin";

    /// <summary>Says why a test can't run here, or null when it can.</summary>
    /// <param name="needs">Names of programs, and <c>fs:NAME</c> for a filesystem of the kernel.</param>
    public static string? Missing(params string[] needs) => MissingBasics
        ?? needs.Select(need => need.StartsWith(FilesystemPrefix, StringComparison.Ordinal)
            ? KernelHas(need[FilesystemPrefix.Length..]) ? null : $"the kernel has no {need[FilesystemPrefix.Length..]}"
            : HasProgram(need) ? null : $"the program {need} is missing").FirstOrDefault(reason => reason is not null);

    /// <summary>True when the kernel can mount such a filesystem, if need be with a module.</summary>
    public static bool KernelHas(string filesystem)
    {
        if (!IsListed(filesystem) && HasProgram("modprobe"))
        {
            Shell.Try("modprobe", "-q", filesystem);
        }
        return IsListed(filesystem);
    }

    private static bool IsListed(string filesystem) =>
        File.ReadLines("/proc/filesystems").Any(line => line.Split('\t')[^1] == filesystem);

    private static bool HasProgram(string name) =>
        ProgramPath.Split(':').Any(directory => directory.Length > 0 && File.Exists(Path.Combine(directory, name)));

    private static string? FindMissingBasics()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return "it needs root: it makes block devices";
        }
        if (!File.Exists("/dev/fuse"))
        {
            return "/dev/fuse is missing";
        }
        return File.Exists("/dev/loop-control") ? null : "/dev/loop-control is missing";
    }
}
