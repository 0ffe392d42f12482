using Cowloop.Core;
using Cowloop.Core.Live;

namespace Cowloop.Linux;

/// <summary>Finds the live bits that a killed service has left for a cowfile.</summary>
public static class KeptBitsOpener
{
    /// <summary>Looks for them.</summary>
    /// <param name="cowfile">The cowfile, opened and locked.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="headerBlock">Its header block.</param>
    /// <param name="file">The file they are in; owned by the caller, who closes it when the bits are no longer used. Null when there is none.</param>
    /// <returns>Null when there are none that speak of the cowfile as it is.</returns>
    /// <exception cref="CowloopException">There may be some that can't be read: to go on would lose what was acknowledged.</exception>
    public static KeptBits? Find(PosixFile cowfile, string name, ReadOnlySpan<byte> headerBlock, out PosixFile? file)
    {
        LiveKey key = LiveDirectory.KeyOf(cowfile);
        Errno errno = LiveDirectory.TryFind(key, out file);
        if (errno != Errno.None)
        {
            throw new CowloopException(
                errno,
                $"the service that used cowfile {name} was killed, and what it kept for it cannot be read: {errno.Text()}",
                "run this as root, for not to lose what was written last");
        }
        return file is null ? null : KeptBits.Find(file, key, headerBlock);
    }
}
