using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Live;

namespace Cowloop.Core.Devices;

/// <summary>
/// The writable disk made of a base and a cowfile: the engine's centre. This part opens, reads and closes;
/// Overlay.Write.cs changes blocks, Overlay.Flush.cs makes changes durable, Overlay.Access.cs gives the cowfile up and Overlay.Exchange.cs the device
/// to another overlay. What must never be false is listed in docs/durability.md.
/// </summary>
public sealed partial class Overlay : IBlockDevice, IDisposable
{
    private readonly IBlockFile _base;
    private readonly Cowfile _cowfile;
    private readonly IBlockFile _store;
    private readonly LiveBits? _live;
    private readonly Bitmap _bitmap;
    private readonly CowLayout _layout;
    private readonly Action<Errno>? _onFailure;
    private readonly BlockStripes _stripes = new();
    private readonly FlushRounds _rounds = new();

    // Changed only under all stripes.
    private bool _isDirty;
    private bool _isHeaderInDoubt;
    private bool _isHeaderOutdated;
    private bool _isGenerationRaised;
    private bool _wasDirty;
    private bool _isFrozen;
    private bool _isRetired;
    private volatile bool _isSettled;
    private volatile CowfileAccess _access;

    private bool _isClosed;

    private int _failure;

    /// <summary>Joins a base and its cowfile.</summary>
    /// <param name="baseFile">The read-only image, or a stack; owned by the overlay.</param>
    /// <param name="cowfile">The cowfile opened for it; owned by the overlay.</param>
    /// <param name="sectorSize">Logical sector size in bytes that the device shows (specification 4.4, success step 5).</param>
    /// <param name="live">Keeps bits for the case that the process is killed; owned by the overlay. Null: only what was flushed is found again.</param>
    /// <param name="onFailure">
    /// Hears of the first sync that fails, once, on the thread that made it: writers may wait meanwhile, so it returns at once. Or null.
    /// </param>
    public Overlay(IBlockFile baseFile, Cowfile cowfile, int sectorSize, LiveBits? live = null, Action<Errno>? onFailure = null)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        _cowfile = cowfile;
        _base = GrownFile.AtLeast(baseFile, cowfile.Layout.DeviceBytes);
        _store = cowfile.File;
        _live = live;
        _bitmap = cowfile.Bitmap;
        _layout = cowfile.Layout;
        // What was dirty has its full length, and is cut when it is closed.
        _wasDirty = cowfile.Repaired is not null;
        // There is no header to say so, and nobody who would read it.
        _isDirty = cowfile.IsVolatile;
        // A service that was killed may have left data in the page cache, of a cowfile that was clean all the time.
        _hasUnsyncedData = !cowfile.IsNew;
        _onFailure = onFailure;
        Info = new DeviceInfo(_layout.DeviceBytes, sectorSize);
    }

    /// <inheritdoc/>
    public DeviceInfo Info { get; }

    /// <summary>What is known of the cowfile beside the header; null for a plain one.</summary>
    public ExtensionRecord? Record => _cowfile.Record;

    /// <summary>Layout of the cowfile.</summary>
    public CowLayout Layout => _layout;

    /// <summary>True while the header on disk says dirty: there are blocks it does not count.</summary>
    public bool IsDirty => Volatile.Read(ref _isDirty);

    /// <summary>The generation of the cowfile: raised before the first change after a clean state. Null for a plain one.</summary>
    public ulong? Generation => _cowfile.Record?.Generation;

    /// <summary>Blocks in the cowfile now.</summary>
    public long UsedBlocks => _bitmap.SetCount;

    /// <summary>The error of the sync that failed, or <see cref="Errno.None"/>. After one the device is read-only for good.</summary>
    public Errno Failure => (Errno)Volatile.Read(ref _failure);

    /// <inheritdoc/>
    public Errno Read(long offsetBytes, Span<byte> target)
    {
        if (!IsWithin(offsetBytes, target.Length))
        {
            return Errno.EINVAL;
        }
        while (!target.IsEmpty)
        {
            int length = FindRun(offsetBytes, target.Length, out bool isCow);
            Errno errno = isCow
                ? ReadStore(offsetBytes, target[..length])
                : _base.ReadAt(offsetBytes, target[..length]);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += length;
            target = target[length..];
        }
        return Errno.None;
    }

    /// <inheritdoc/>
    public Errno ReadTo(long offsetBytes, int lengthBytes, IReadTarget target)
    {
        if (!IsWithin(offsetBytes, lengthBytes))
        {
            return Errno.EINVAL;
        }
        for (long endBytes = offsetBytes + lengthBytes; offsetBytes < endBytes;)
        {
            int length = FindRun(offsetBytes, (int)(endBytes - offsetBytes), out bool isCow);
            Errno errno = isCow
                ? ReadStoreTo(offsetBytes, length, target)
                : _base.ReadTo(offsetBytes, length, target);
            if (errno != Errno.None)
            {
                return errno;
            }
            offsetBytes += length;
        }
        return Errno.None;
    }

    /// <summary>
    /// Makes the cowfile clean and closes both files. No other call may be running or follow.
    /// </summary>
    /// <param name="discardLiveBits">
    /// Called when nothing can need live bits any more, before anybody else can have the cowfile: it is clean, or a failed sync has made them
    /// worthless. Or null.
    /// </param>
    /// <returns>An error when the cowfile could not be made clean; it is closed all the same, and dirty.</returns>
    public Errno Close(Action? discardLiveBits = null)
    {
        if (_isClosed)
        {
            return Errno.None;
        }
        Errno errno = Clean(trim: true);
        if (errno == Errno.None || Failure != Errno.None)
        {
            discardLiveBits?.Invoke();
        }
        Dispose();
        return errno;
    }

    /// <summary>Closes both files as they are; nothing is flushed. For a device that never went into use, or after <see cref="Close"/>.</summary>
    public void Dispose()
    {
        if (_isClosed)
        {
            return;
        }
        _isClosed = true;
        _unsealed?.DisposeSealed();
        _live?.Dispose();
        _cowfile.Dispose();
        _base.Dispose();
    }

    private Errno ReadStore(long deviceOffsetBytes, Span<byte> target) => _access == CowfileAccess.Closed
        ? Errno.EIO
        : _store.ReadAt(_layout.DataOffsetBytes + deviceOffsetBytes, target);

    private Errno ReadStoreTo(long deviceOffsetBytes, int lengthBytes, IReadTarget target) => _access == CowfileAccess.Closed
        ? Errno.EIO
        : _store.ReadTo(_layout.DataOffsetBytes + deviceOffsetBytes, lengthBytes, target);

    /// <summary>How much of a range lies in one piece, in the cowfile or not.</summary>
    private int FindRun(long offsetBytes, int lengthBytes, out bool isCow)
    {
        long block = offsetBytes / CowLayout.BlockSize;
        long lastBlock = (offsetBytes + lengthBytes - 1) / CowLayout.BlockSize;
        long run = _bitmap.RunLength(block, lastBlock - block + 1, out isCow);
        return (int)Math.Min(lengthBytes, (block + run) * CowLayout.BlockSize - offsetBytes);
    }

    private bool IsWithin(long offsetBytes, long lengthBytes) =>
        offsetBytes >= 0 && lengthBytes >= 0 && offsetBytes <= Info.LengthBytes - lengthBytes;
}
