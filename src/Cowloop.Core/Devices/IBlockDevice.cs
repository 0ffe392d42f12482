using Cowloop.Core.Files;

namespace Cowloop.Core.Devices;

/// <summary>What a transport asks once about a device.</summary>
/// <param name="LengthBytes">Size of the device.</param>
/// <param name="SectorSize">Logical sector size in bytes: the unit that users address.</param>
public readonly record struct DeviceInfo(long LengthBytes, int SectorSize);

/// <summary>
/// A writable disk: all that a transport may know. Safe for concurrent use by many threads. Requests may have any
/// alignment; one that does not lie within the device is <see cref="Errno.EINVAL"/>. A request is done completely or
/// answered with an error; buffers belong to the caller and are not kept.
/// </summary>
public interface IBlockDevice
{
    /// <summary>Size and sector size; constant while the device is active.</summary>
    DeviceInfo Info { get; }

    /// <summary>Fills <paramref name="target"/> from <paramref name="offsetBytes"/>.</summary>
    Errno Read(long offsetBytes, Span<byte> target);

    /// <summary>As <see cref="Read"/>, to where the caller wants it.</summary>
    /// <returns><see cref="Errno.EOPNOTSUPP"/> when that can't be done here: <see cref="Read"/> does it.</returns>
    Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target) => Errno.EOPNOTSUPP;

    /// <summary>Writes <paramref name="source"/>; with <paramref name="fua"/> it is durable and findable on return, as after <see cref="Flush"/>.</summary>
    Errno Write(long offsetBytes, ReadOnlySpan<byte> source, bool fua);

    /// <summary>Makes the range read as zeros.</summary>
    /// <param name="offsetBytes">Start of the range.</param>
    /// <param name="lengthBytes">Length of the range.</param>
    /// <param name="mayUnmap">True: its space is given back (discard). False: its space stays reserved.</param>
    /// <param name="fua">As for <see cref="Write"/>.</param>
    Errno Zero(long offsetBytes, long lengthBytes, bool mayUnmap, bool fua);

    /// <summary>Returns when everything acknowledged before the call is durable and findable after power loss.</summary>
    Errno Flush();
}
