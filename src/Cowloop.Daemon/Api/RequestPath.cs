using Cowloop.Core;

namespace Cowloop.Daemon.Api;

/// <summary>A path that a request names.</summary>
internal static class RequestPath
{
    private const int MaxLength = 4096;

    /// <summary>The absolute path that a name means.</summary>
    /// <param name="name">As the user gave it.</param>
    /// <param name="directory">What a relative one is relative to; absolute.</param>
    /// <param name="whenEmpty">What to say when there is none.</param>
    /// <exception cref="CowloopException">It means none.</exception>
    public static string Resolve(string name, string directory, string whenEmpty)
    {
        if (name.Length == 0)
        {
            throw new CowloopException(Errno.EINVAL, whenEmpty);
        }
        Check(name);
        Check(directory);
        return Path.IsPathFullyQualified(directory)
            ? Path.GetFullPath(name, directory)
            : throw new CowloopException(Errno.EINVAL, $"the directory '{directory}' is not an absolute path");
    }

    /// <summary>Refuses what the kernel would not take for a path, without repeating it.</summary>
    /// <exception cref="CowloopException">It holds a zero byte, or is too long.</exception>
    public static void Check(string path)
    {
        if (path.Contains('\0'))
        {
            throw new CowloopException(Errno.EINVAL, "a path holds no zero byte");
        }
        if (path.Length > MaxLength)
        {
            throw new CowloopException(Errno.ENAMETOOLONG, $"a path has at most {MaxLength} characters");
        }
    }
}
