using Cowloop.Core;

namespace Cowloop.Daemon.Api;

/// <summary>A path that a request names.</summary>
internal static class RequestPath
{
    private const int MaxLength = 4096;

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
