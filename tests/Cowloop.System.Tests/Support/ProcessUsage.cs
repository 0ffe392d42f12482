using System.Globalization;

namespace Cowloop.SystemTests.Support;

/// <summary>What a process holds.</summary>
internal sealed record ProcessUsage(int Threads, int Descriptors, int Mounts)
{
    // The thread pool and the connection pool breathe.
    private const int Tolerance = 6;

    public static ProcessUsage Of(int processId)
    {
        string directory = $"/proc/{processId.ToString(CultureInfo.InvariantCulture)}";
        return new ProcessUsage(
            Directory.GetDirectories($"{directory}/task").Length,
            Directory.GetFiles($"{directory}/fd").Count(IsOwn),
            File.ReadAllLines($"{directory}/mountinfo").Length);
    }

    /// <summary>The runtime opens its libraries when they are needed first.</summary>
    private static bool IsOwn(string descriptor) => new FileInfo(descriptor).LinkTarget?.EndsWith(".dll", StringComparison.Ordinal) == false;

    /// <summary>True unless it is noticeably more than before.</summary>
    public bool IsNoMoreThan(ProcessUsage before) =>
        Threads <= before.Threads + Tolerance && Descriptors <= before.Descriptors + Tolerance && Mounts <= before.Mounts;
}
