namespace Cowloop.Tests.Support;

/// <summary>A control group of processes that may use so much memory together, page cache included.</summary>
internal sealed class MemoryCgroup : IDisposable
{
    private readonly string _directory;
    private readonly string _limitFile;

    private MemoryCgroup(string directory, string limitFile)
    {
        _directory = directory;
        _limitFile = $"{directory}/{limitFile}";
    }

    /// <summary>Makes one; for a version that the machine has.</summary>
    /// <exception cref="IOException">The kernel refuses, or there are no such groups here.</exception>
    public static MemoryCgroup Make(long limitBytes)
    {
        MemoryCgroup group = Has2
            ? new MemoryCgroup(Directory.CreateDirectory($"/sys/fs/cgroup/{NewName()}").FullName, "memory.max")
            : new MemoryCgroup(Directory.CreateDirectory($"/sys/fs/cgroup/memory/{NewName()}").FullName, "memory.limit_in_bytes");
        try
        {
            File.WriteAllText(group._limitFile, $"{limitBytes}");
            return group;
        }
        catch
        {
            Directory.Delete(group._directory);
            throw;
        }
    }

    /// <summary>True when the groups here are of version 2, whose members are held up before all their memory waits to be written.</summary>
    public static bool Has2 => File.Exists("/sys/fs/cgroup/cgroup.subtree_control")
        && File.ReadAllText("/sys/fs/cgroup/cgroup.subtree_control").Split(' ', '\n').Contains("memory");

    /// <summary>Tries whether one can be made.</summary>
    public static bool CanBeMade()
    {
        try
        {
            using MemoryCgroup group = Make(64 << 20);
            return File.Exists(group._limitFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>A line of shell that goes on in the group.</summary>
    public string JoinScript => $"echo $$ > {_directory}/cgroup.procs";

    /// <summary>True when its processes have ever wanted more than the limit.</summary>
    public bool HasBeenFull => Has2
        ? File.ReadLines($"{_directory}/memory.events").Any(line => line.StartsWith("max ", StringComparison.Ordinal) && line != "max 0")
        : File.ReadAllText($"{_directory}/memory.failcnt") != "0\n";

    /// <summary>Takes the limit away, so that whatever waits for memory gets on.</summary>
    public void Lift() => File.WriteAllText(_limitFile, Has2 ? "max" : "-1");

    public void Dispose()
    {
        // A process that has just ended may still be counted.
        if (!Poll.TryUntil(IsRemoved))
        {
            Directory.Delete(_directory);
        }
    }

    private bool IsRemoved()
    {
        try
        {
            Directory.Delete(_directory);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string NewName() => $"cowloop-test-{Guid.NewGuid():N}";
}
