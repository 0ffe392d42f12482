using Cowloop.Core;
using Cowloop.Core.Files;

namespace Cowloop.Fuse;

/// <summary>One file of the flat tree. Called by many workers at once; every answer is complete or an error.</summary>
public abstract class FuseFile
{
    /// <summary>Length shown; 0 for a text whose length is known only once it is read.</summary>
    public abstract long LengthBytes { get; }

    /// <summary>Permission bits.</summary>
    public abstract uint Permissions { get; }

    /// <summary>Open flags of the protocol.</summary>
    internal abstract uint OpenFlags { get; }

    /// <summary>Where requests that may wait for storage line up; null when there are none.</summary>
    internal virtual RequestLane? Lane => null;

    /// <summary>Starts an opening.</summary>
    /// <param name="handle">What the kernel names it by in later requests.</param>
    internal abstract Errno Open(out ulong handle);

    /// <summary>Reads into the front of <paramref name="target"/>.</summary>
    /// <param name="handle">The opening.</param>
    /// <param name="offsetBytes">Start.</param>
    /// <param name="target">As long as was asked for.</param>
    /// <param name="lengthBytes">How much there was; less only at the end of the file.</param>
    internal abstract Errno Read(ulong handle, long offsetBytes, Span<byte> target, out int lengthBytes);

    /// <summary>True when it is worth while to ask for <see cref="ReadTo"/>.</summary>
    internal virtual bool MayReadTo => false;

    /// <summary>As <see cref="Read"/>, of a range within the file, to where the caller wants it.</summary>
    /// <returns><see cref="Errno.EOPNOTSUPP"/> when that can't be done here: <see cref="Read"/> does it.</returns>
    internal virtual Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target) => Errno.EOPNOTSUPP;

    /// <summary>Writes all of <paramref name="source"/>.</summary>
    internal virtual Errno Write(long offsetBytes, ReadOnlySpan<byte> source) => Errno.EROFS;

    /// <summary>Makes a range read as zeros.</summary>
    internal virtual Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap) => Errno.EOPNOTSUPP;

    /// <summary>Makes everything written durable.</summary>
    internal virtual Errno Sync() => Errno.None;

    /// <summary>Ends an opening; nothing comes for it any more.</summary>
    internal abstract void Release(ulong handle);
}
