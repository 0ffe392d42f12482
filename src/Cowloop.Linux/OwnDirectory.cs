using Cowloop.Core;

namespace Cowloop.Linux;

/// <summary>A directory in which nobody but this process's user can put or replace a file. What lies above it is the administrator's business.</summary>
public static class OwnDirectory
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Makes the directory, for others to read, unless it exists; then sees whose it is.</summary>
    /// <exception cref="CowloopException">It can't be made, or somebody else may write to it.</exception>
    public static unsafe void Ensure(string path)
    {
        try
        {
            Make(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CowloopException(Errno.EACCES, $"cannot make {path}: {exception.Message}");
        }
        LibC.statx_t stat;
        if (LibC.statx(LibC.AT_FDCWD, path, 0, LibC.STATX_BASIC_STATS, &stat) != 0)
        {
            throw new CowloopException(LibC.LastErrno, $"cannot look at {path}: {LibC.LastErrno.Text()}");
        }
        if (stat.stx_uid != LibC.geteuid())
        {
            throw new CowloopException(
                Errno.EPERM,
                $"{path} belongs to user {stat.stx_uid}, who could replace what lies in it",
                $"use another directory, or: chown root {ShellWord.ForPath(path)}");
        }
        var mode = (UnixFileMode)(stat.stx_mode & ~LibC.S_IFMT);
        if ((mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            throw new CowloopException(
                Errno.EPERM,
                $"others may write to {path} (mode {Convert.ToString((int)mode, 8)}) and replace what lies in it",
                $"use another directory, or: chmod go-w {ShellWord.ForPath(path)}");
        }
    }

    /// <summary>Others may never write to a directory made here, whatever mask this process was started with.</summary>
    private static void Make(string path)
    {
        if (!Directory.Exists(path))
        {
            if (Path.GetDirectoryName(path) is string parent)
            {
                Make(parent);
            }
            Directory.CreateDirectory(path, Mode);
        }
    }
}
