using Cowloop.Core.Devices;
using Cowloop.Core.Files;

namespace Cowloop.Core.Live;

/// <summary>
/// Keeps the bits of an active device where they outlive the process but not the boot: what a write was acknowledged for is found again after
/// the service was killed, without a sync per write. After a loss of power it is gone, as is what it speaks of.
/// </summary>
/// <remarks>
/// A word of the bitmap belongs to one stripe, and its writer holds that: so words are written in the order in which they change.
/// Bits are never taken back: while a device is active its bitmap only gains bits.
/// </remarks>
/// <param name="file">A file on tmpfs, for this device alone; owned. Null when there is none to be had.</param>
/// <param name="key">Boot and cowfile.</param>
public sealed class LiveBits(IBlockFile? file, LiveKey key) : IDisposable
{
    private readonly byte[] _page = new byte[LiveHeader.LengthBytes];
    private volatile bool _isKept;

    /// <summary>
    /// True while every bit that is set is kept here. Otherwise a new bit must be published in the cowfile before its write is acknowledged.
    /// </summary>
    public bool IsKept => _isKept;

    /// <summary>The cowfile is about to become dirty: bits are kept from now on, if they can be. Under all stripes.</summary>
    /// <param name="headerBlock">The cowfile's header block, as it will be on disk.</param>
    public void Begin(ReadOnlySpan<byte> headerBlock)
    {
        if (file is not null)
        {
            LiveHeader.Encode(_page, key, headerBlock);
            _isKept = file.WriteAt(0, _page) == Errno.None;
        }
    }

    /// <summary>Keeps bits that have just been set. The caller holds their stripes.</summary>
    /// <param name="bitmap">The bitmap.</param>
    /// <param name="block">First block.</param>
    /// <param name="count">Number of blocks.</param>
    public void Keep(Bitmap bitmap, long block, long count)
    {
        if (_isKept && file!.WriteAt(LiveHeader.LengthBytes + Bitmap.WordOffsetBytes(block), bitmap.WordsOf(block, count)) != Errno.None)
        {
            _isKept = false;
        }
    }

    /// <summary>
    /// Makes what was kept worthless: after a failed sync the data may be gone from memory, and a bit without its data would show zeros.
    /// </summary>
    public void Abandon()
    {
        _isKept = false;
        if (file is not null)
        {
            Array.Clear(_page);
            // The page is there already, so there is no space to run out of.
            _ = file.WriteAt(0, _page);
        }
    }

    /// <summary>Closes the file; what is in it stays.</summary>
    public void Dispose() => file?.Dispose();
}
