using System.Globalization;
using Cowloop.Core;
using Cowloop.Core.Live;

namespace Cowloop.Linux;

/// <summary>
/// Where live bits are kept: a directory on tmpfs, which outlives the service but not the boot. One file per cowfile, named after it, so that the next
/// service and an offline cowrepair find it.
/// </summary>
/// <param name="path">The directory.</param>
public sealed class LiveDirectory(string path)
{
    private const string TmpfsName = "tmpfs";
    // Others can't read a file, but see whether there is one: who repairs a cowfile without it must know.
    private const uint DirectoryMode = 0x1C9; // 0711
    private const uint OthersMayWrite = 0x12; // 0022

    /// <summary>The directories that may be used, the best first: COWLOOP_LIVE_DIR alone when it is set.</summary>
    public static IReadOnlyList<string> Candidates =>
        Environment.GetEnvironmentVariable("COWLOOP_LIVE_DIR") is { Length: > 0 } own
            ? [System.IO.Path.GetFullPath(own)]
            : ["/run/cowloop/live", "/dev/shm/cowloop/live"];

    /// <summary>Its path.</summary>
    public string Path => path;

    /// <summary>Makes the first candidate that lies on tmpfs, or finds it; nobody else may be able to write there.</summary>
    /// <param name="why">What is wrong with the candidates when there is no answer.</param>
    /// <returns>Null when none can be used.</returns>
    public static LiveDirectory? TryMake(out string why)
    {
        var reasons = new List<string>();
        foreach (string candidate in Candidates)
        {
            if (WhyUnfit(candidate) is string reason)
            {
                reasons.Add($"{candidate}: {reason}");
            }
            else
            {
                why = "";
                return new LiveDirectory(candidate);
            }
        }
        why = string.Join("; ", reasons);
        return null;
    }

    /// <summary>Which boot this is, and which file.</summary>
    /// <param name="cowfile">An open cowfile.</param>
    public static LiveKey KeyOf(PosixFile cowfile)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        return new LiveKey(HostProcess.BootId(), cowfile.FileSystemId, cowfile.Identity.Inode);
    }

    /// <summary>Makes a new file for a cowfile's live bits, in place of one that is there.</summary>
    /// <returns>Null when that can't be done.</returns>
    public PosixFile? TryCreate(LiveKey key)
    {
        Remove(key);
        return PosixFile.TryCreateTemporary(FileOf(key), out PosixFile? file) == Errno.None ? file : null;
    }

    /// <summary>Removes the live bits of a cowfile; it needs them no more.</summary>
    public void Remove(LiveKey key) => _ = PosixFile.Unlink(FileOf(key));

    /// <summary>Opens what a killed service has left for a cowfile, in any of the candidates.</summary>
    /// <param name="key">This boot, and the cowfile.</param>
    /// <param name="file">The file; owned by the caller. Null when there is none.</param>
    /// <returns>An error number when there is one that can't be opened: to go on without it would lose what was acknowledged.</returns>
    public static Errno TryFind(LiveKey key, out PosixFile? file)
    {
        foreach (string candidate in Candidates)
        {
            Errno errno = PosixFile.TryOpenNoLink(new LiveDirectory(candidate).FileOf(key), out file);
            if (errno is not (Errno.ENOENT or Errno.ENOTDIR))
            {
                // What others can write to is not ours.
                if (file is not null && WhyUnfit(candidate) is not null)
                {
                    file.Dispose();
                    continue;
                }
                return errno;
            }
        }
        file = null;
        return Errno.None;
    }

    /// <summary>Removes whatever live bits there are of a cowfile, in all candidates.</summary>
    public static void RemoveAll(LiveKey key)
    {
        foreach (string candidate in Candidates)
        {
            new LiveDirectory(candidate).Remove(key);
        }
    }

    private string FileOf(LiveKey key) => string.Create(CultureInfo.InvariantCulture, $"{path}/{key.FileSystemId:x16}-{key.Inode:x16}");

    private static string? WhyUnfit(string candidate)
    {
        try
        {
            if (System.IO.Path.GetDirectoryName(candidate) is not string parent)
            {
                return "it is the root directory";
            }
            foreach (string directory in (string[])[parent, candidate])
            {
                if (!Directory.Exists(directory))
                {
                    string existing = directory;
                    while (!Directory.Exists(existing))
                    {
                        existing = System.IO.Path.GetDirectoryName(existing)!;
                    }
                    if (new DriveInfo(existing).DriveFormat != TmpfsName)
                    {
                        return $"{existing} is not on tmpfs";
                    }
                    if (LibC.mkdir(directory, DirectoryMode) != 0 && LibC.LastErrno != Errno.EEXIST)
                    {
                        return $"{directory} cannot be made: {LibC.LastErrno.Text()}";
                    }
                }
                if (!FileIdentity.IsOwnDirectory(directory, OthersMayWrite))
                {
                    return $"{directory} belongs to somebody else, or others may write to it";
                }
            }
            return new DriveInfo(candidate).DriveFormat == TmpfsName ? null : "not on tmpfs";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
    }
}
