namespace Cowloop.Core.Files;

/// <summary>Syncs for those who do not sync again.</summary>
internal static class Syncing
{
    /// <summary>As <see cref="IBlockFile.Sync"/>, but where that says to try again this says what is missing.</summary>
    public static Errno SyncOrNoSpace(this IBlockFile file)
    {
        Errno errno = file.Sync();
        return errno == Errno.EAGAIN ? Errno.ENOSPC : errno;
    }
}
