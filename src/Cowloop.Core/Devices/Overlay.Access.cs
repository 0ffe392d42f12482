namespace Cowloop.Core.Devices;

/// <summary>What a device may do with its cowfile (specification 4.12). While it is active that only ever becomes less.</summary>
public enum CowfileAccess
{
    /// <summary>Everything: how a device begins.</summary>
    ReadWrite,
    /// <summary>Reading. Every change of the device is <see cref="Errno.EIO"/>, also of blocks of the base.</summary>
    ReadOnly,
    /// <summary>Nothing. Blocks of the base are read; everything else is <see cref="Errno.EIO"/>.</summary>
    Closed,
}

public sealed partial class Overlay
{
    /// <summary>What the device may do with its cowfile now.</summary>
    public CowfileAccess Access => _access;

    /// <summary>
    /// Gives access to the cowfile up, so that the filesystem which holds it can become read-only or go while the device is in use.
    /// The cowfile is made what it is after a deactivation before: durable, clean and cut to its length. Closing a closed one does nothing.
    /// </summary>
    /// <param name="access">What is left: less than now.</param>
    /// <param name="replaceFile">
    /// Gives up the file itself. Called once, while no change and no sync runs; reads may. When it throws nothing has changed.
    /// </param>
    /// <returns><see cref="Errno.EINVAL"/> when that is not less; the error of cleaning, and then nothing has changed.</returns>
    public Errno Restrict(CowfileAccess access, Action replaceFile)
    {
        ArgumentNullException.ThrowIfNull(replaceFile);
        // The bulk, while writers go on.
        Errno errno = Flush();
        if (errno != Errno.None)
        {
            return errno;
        }
        _stripes.Enter(BlockStripes.All);
        try
        {
            if (access <= _access)
            {
                return access == CowfileAccess.Closed ? Errno.None : Errno.EINVAL;
            }
            errno = CleanLocked(trim: true);
            if (errno == Errno.None)
            {
                replaceFile();
                _access = access;
            }
            return errno;
        }
        finally
        {
            _stripes.Exit(BlockStripes.All);
        }
    }
}
