namespace Cowloop.Linux;

/// <summary>A memory control group of version 1 that has a limit.</summary>
/// <param name="Name">Its path among the groups.</param>
/// <param name="LimitBytes">What its processes may use together, page cache included.</param>
public sealed record LegacyMemoryGroup(string Name, long LimitBytes)
{
    private const string RootDirectory = "/sys/fs/cgroup/memory";

    // What the kernel calls none is the largest number of bytes, in whole pages of any size.
    private const long LeastUnlimitedBytes = 1L << 62;

    /// <summary>Finds the one that this process is in.</summary>
    /// <returns>Null when that has no limit, and where there are no such groups or they are of version 2.</returns>
    public static LegacyMemoryGroup? Find() => Find(KernelText.ReadOrEmpty("/proc/self/cgroup"), RootDirectory);

    /// <param name="groups">The groups of a process: ID:CONTROLLERS:PATH, one a line.</param>
    /// <param name="rootDirectory">Where the memory groups are.</param>
    internal static LegacyMemoryGroup? Find(string groups, string rootDirectory)
    {
        string[]? fields = groups.Split('\n').Select(line => line.Split(':', 3))
            .FirstOrDefault(fields => fields.Length == 3 && fields[1].Split(',').Contains("memory"));
        if (fields is null)
        {
            return null;
        }
        // A container may see nothing but its own group, in the place of the root, and still be told its path outside.
        string status = KernelText.ReadOrEmpty($"{rootDirectory}{fields[2]}/memory.stat");
        return LimitIn(status.Length > 0 ? status : KernelText.ReadOrEmpty($"{rootDirectory}/memory.stat")) is long limit and < LeastUnlimitedBytes
            ? new LegacyMemoryGroup(fields[2], limit)
            : null;
    }

    /// <summary>The least limit of the group and of those that it is in.</summary>
    private static long? LimitIn(string status)
    {
        const string Key = "hierarchical_memory_limit ";
        string? line = status.Split('\n').FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
        return long.TryParse(line.AsSpan(line is null ? 0 : Key.Length), out long limit) ? limit : null;
    }
}
