using System.Buffers;
using Cowloop.Core.Files;
using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

/// <summary>How a compact store is opened.</summary>
public sealed record CompactOptions
{
    /// <summary>Memory, as for <see cref="Devices.Bitmap"/>.</summary>
    public required Func<int, IMemoryOwner<ulong>> AllocateZeroedWords { get; init; }

    /// <summary>The kernel's random number of this boot: tells whether what was written last is all there.</summary>
    public required Guid BootId { get; init; }
}

/// <summary>
/// A compact store, seen as the cowfile that it holds: header block, bitmap and data lie where <see cref="CowLayout"/> says, and everything that works on a
/// cowfile works on it. In the store there is neither a bitmap nor a place for every block: what was written lies in chunks, in the order in which they
/// were first written, and each chunk's descriptor has the bits of its blocks (docs/format.md, "Compact stores").
/// </summary>
/// <remarks>
/// This part opens and closes; CompactFile.Data.cs reads and writes blocks, CompactFile.Head.cs the bitmap and the header, CompactFile.Size.cs says how large
/// the store may get.
/// A block is found after a loss of power when its bit was written and synced, as in any cowfile; what was written without a bit is nothing.
/// <para>Thread safety: as every <see cref="IBlockFile"/>; whoever writes to blocks, or drops them, does it alone.</para>
/// </remarks>
public sealed partial class CompactFile : IBlockFile
{
    private readonly IBlockFile _file;
    private readonly CompactLayout _layout;
    private readonly CowLayout _device;
    private readonly IMemoryOwner<ulong>[] _memory;
    private readonly BlockBits _valid;
    private readonly BlockBits _held;
    private readonly ZeroMap _zeros;
    private readonly ChunkTable _table;
    private readonly Guid _bootId;
    private readonly Lock _syncLock = new();
    private readonly Lock _storeSyncLock = new();
    private readonly byte[] _headerBlock = new byte[CowLayout.BlockSize];
    private volatile bool _isMarkedForBoot;
    private volatile bool _hasLength;

    // True while a service that was killed in this boot may have left blocks in chunks without a bit.
    private volatile bool _hasUnmarkedBlocks;
    private int _failure;

    private CompactFile(IBlockFile file, CompactHeader header, CompactLayout layout, CompactOptions options)
    {
        _file = file;
        _bootId = options.BootId;
        _device = layout.Device;
        _layout = layout;
        int bitWords = (int)(_device.BitmapBytes / sizeof(ulong));
        _memory =
        [
            options.AllocateZeroedWords(bitWords),
            options.AllocateZeroedWords(bitWords),
            options.AllocateZeroedWords(ZeroMap.WordCountFor(_layout)),
            options.AllocateZeroedWords((int)_layout.DeviceChunkCount),
        ];
        _valid = new BlockBits(_memory[0].Memory[..bitWords]);
        _held = new BlockBits(_memory[1].Memory[..bitWords]);
        _zeros = new ZeroMap(file, _layout, header.Key, _memory[2].Memory[..ZeroMap.WordCountFor(_layout)]);
        _table = new ChunkTable(file, _layout, header.Key, new ChunkMap(_memory[3].Memory), _zeros, _valid, _held)
        {
            Store = header.IsOnDevice ? new DeviceGroups(file, _layout, header, SyncStore) : new FileGroups(file, _layout, header, SyncStore),
            SyncFile = SyncStore,
        };
    }

    /// <summary>Size of a chunk in bytes.</summary>
    public int ChunkBytes => _layout.ChunkBytes;

    /// <summary>Chunks of the store in use.</summary>
    public long UsedChunkCount => _table.UsedChunkCount;

    /// <summary>
    /// Chunks that the store has room for: on a block device, as far as that is known to reach, or up to the limit of its file. Null when nothing but its
    /// filesystem bounds it.
    /// </summary>
    public long? ChunkCount => _table.Store.ChunkCount is int count and < StoreGroups.Unbounded ? count : null;

    /// <summary>True for a store on a block device.</summary>
    public bool IsOnDevice => _table.Store is DeviceGroups;

    /// <summary>How long its file may get; null: no limit.</summary>
    public long? LimitBytes => _table.Store is FileGroups { LimitBytes: > 0 and long limitBytes } ? limitBytes : null;

    /// <summary>The store itself; owned.</summary>
    public IBlockFile Store => _file;

    /// <inheritdoc/>
    /// <remarks>A store that holds a cowfile, or is just getting one, has the full length of an active one: it is a hole and costs nothing.</remarks>
    public long LengthBytes => _hasLength ? _device.FullLengthBytes : 0;

    /// <summary>True for a file that begins as a compact store does.</summary>
    public static bool IsCompact(IBlockFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        Span<byte> sector = stackalloc byte[CompactHeader.LengthBytes];
        return file.LengthBytes >= sector.Length && file.ReadAt(0, sector) == Errno.None && CompactHeader.HasMagic(sector);
    }

    /// <summary>Reads the header block of a cowfile where it lies: at the start of its file, or in a compact store. The store is not looked at.</summary>
    /// <param name="file">The file.</param>
    /// <param name="headerBlock">Gets it; 1024 bytes.</param>
    public static Errno ReadHeaderBlock(IBlockFile file, Span<byte> headerBlock)
    {
        ArgumentNullException.ThrowIfNull(file);
        Errno errno = file.ReadAt(0, headerBlock);
        return errno == Errno.None && CompactHeader.HasMagic(headerBlock) ? file.ReadAt(CompactLayout.HeaderOffsetBytes, headerBlock) : errno;
    }

    /// <summary>Makes a store that holds nothing yet: a cowfile of length 0, seen through <see cref="Open"/>.</summary>
    /// <param name="file">Gets it; what it holds is lost.</param>
    /// <param name="name">As the user named it.</param>
    /// <param name="id">Random UUID of the store.</param>
    /// <param name="chunkBytes">Size of a chunk: a power of two from 4 KiB to 1 MiB.</param>
    /// <param name="device">Layout of the cowfile that it is to hold.</param>
    /// <param name="isOnDevice">True when the file is a block device, which has the size that it has, and holds anything.</param>
    /// <param name="limitBytes">How long a regular file may get; null: no limit.</param>
    /// <exception cref="CowloopException">It can't be written, or is too small for a chunk.</exception>
    public static void Format(IBlockFile file, string name, Guid id, int chunkBytes, CowLayout device, bool isOnDevice = false, long? limitBytes = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        var layout = new CompactLayout(device, chunkBytes);
        if (!CompactLayout.IsChunkSizeFor(device, chunkBytes))
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"compact store {name} cannot be in chunks of {chunkBytes} bytes for a device of {device.DeviceBytes}: there would be too many",
                $"take larger ones: --chunk {2 * chunkBytes / CowLayout.BlockSize}K");
        }
        if (limitBytes is not null && isOnDevice)
        {
            throw NoLimitOnDevice(name);
        }
        if (layout.ChunkCountFor(limitBytes ?? long.MaxValue) == 0)
        {
            throw LimitTooSmall(name, limitBytes!.Value, layout.ChunkEndBytes(0));
        }
        if (isOnDevice && layout.ChunkCountFor(file.LengthBytes) == 0)
        {
            throw new CowloopException(
                Errno.ENOSPC,
                $"{name} has {file.LengthBytes} bytes, too few for a compact store",
                "take a larger device, or smaller chunks");
        }
        byte[] zeros = new byte[Math.Min(MaxZeroBytes, layout.GroupsOffsetBytes)];
        Errno errno = file.SetLength(0);
        // Written, not only reserved: changing it must not meet a full disk, and not every filesystem can promise that.
        for (long offsetBytes = 0; offsetBytes < layout.GroupsOffsetBytes && errno == Errno.None; offsetBytes += zeros.Length)
        {
            errno = file.WriteAt(offsetBytes, zeros.AsSpan(0, (int)Math.Min(zeros.Length, layout.GroupsOffsetBytes - offsetBytes)));
        }
        if (errno == Errno.None)
        {
            errno = file.Sync();
        }
        if (errno == Errno.None)
        {
            Span<byte> sector = stackalloc byte[CompactHeader.LengthBytes];
            new CompactHeader(id, chunkBytes, device.BlockCount) { IsOnDevice = isOnDevice, LimitBytes = limitBytes ?? 0 }.Encode(sector);
            errno = file.WriteAt(0, sector);
        }
        if (errno == Errno.None)
        {
            errno = file.Sync();
        }
        if (errno != Errno.None)
        {
            // Best effort: the cause is what the user needs to hear.
            _ = file.SetLength(0);
            string? hint = errno == Errno.ENOSPC ? "free some space there" : null;
            throw new CowloopException(errno, $"no compact store can be made in {name}: {errno.Text()}", hint);
        }
    }

    /// <summary>Opens a store.</summary>
    /// <param name="file">It. The result owns it; after an exception it is still the caller's.</param>
    /// <param name="name">As the user named it.</param>
    /// <param name="options">Memory and boot.</param>
    /// <exception cref="CowloopException">It is none, damaged, or can't be read.</exception>
    public static CompactFile Open(IBlockFile file, string name, CompactOptions options)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        Span<byte> sector = stackalloc byte[CompactHeader.LengthBytes];
        Errno errno = file.LengthBytes < sector.Length ? Errno.EINVAL : file.ReadAt(0, sector);
        if (errno == Errno.None && !CompactHeader.HasMagic(sector))
        {
            errno = Errno.EINVAL;
        }
        if (errno != Errno.None)
        {
            throw new CowloopException(errno, $"{name} is no compact store, or its first sector cannot be read: {errno.Text()}") { Fault = Fault.ReadHeader };
        }
        var header = CompactHeader.Decode(sector, name);
        var layout = new CompactLayout(new CowLayout(header.BlockCount), header.ChunkBytes);
        if (file.LengthBytes < layout.GroupsOffsetBytes)
        {
            throw CompactHeader.Damaged(name, $"is incomplete: {file.LengthBytes} bytes, but its tables start at {layout.GroupsOffsetBytes}");
        }
        var opened = new CompactFile(file, header, layout, options);
        try
        {
            opened.Load(name);
            return opened;
        }
        catch
        {
            opened.Detach();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Detach();
        _file.Dispose();
    }

    /// <summary>Gives back its memory, and leaves the store itself open to its former owner. No other call may follow.</summary>
    public void Detach()
    {
        foreach (IMemoryOwner<ulong> memory in _memory)
        {
            memory.Dispose();
        }
    }

    private void Load(string name)
    {
        Span<byte> found = stackalloc byte[BootMark.LengthBytes];
        Span<byte> wanted = stackalloc byte[BootMark.LengthBytes];
        Errno errno = _file.ReadAt(CompactLayout.HeaderOffsetBytes, _headerBlock);
        if (errno == Errno.None)
        {
            errno = _file.ReadAt(CompactLayout.BootMarkOffsetBytes, found);
        }
        if (errno != Errno.None)
        {
            throw new CowloopException(errno, $"header of compact store {name} cannot be read: {errno.Text()}") { Fault = Fault.ReadHeader };
        }
        BootMark.Encode(wanted, _bootId);
        bool isSameBoot = found.SequenceEqual(wanted);
        _isMarkedForBoot = isSameBoot;
        TakeHeader();
        _hasUnmarkedBlocks = isSameBoot && IsDirty && !IsBeingMerged;
        _zeros.Load(name);
        _table.Load(name, isSameBoot);
    }
}
