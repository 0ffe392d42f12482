using Cowloop.Core.Files;
using Cowloop.Core.Format;

namespace Cowloop.Core.Compact;

/// <summary>
/// Which chunk of the store holds which chunk of the device, in memory and in the file. This part finds, takes and drops chunks; ChunkTable.Load.cs reads
/// the tables, ChunkTable.Sync.cs makes them durable.
/// </summary>
/// <remarks>
/// What is in memory may be on the disk at any time: a chunk's descriptor is written when it is taken, before anything is promised about it, and nobody
/// looks into a chunk for a block that has no bit. A chunk that is given up is taken again only when it is durable that it was given up.
/// </remarks>
internal sealed partial class ChunkTable
{
    private const int ClaimLockCount = 64;

    private static readonly byte[] Zeros = new byte[64 * 1024];

    private readonly IBlockFile _file;
    private readonly CompactLayout _layout;
    private readonly ulong _key;
    private readonly ChunkMap _map;
    private readonly ZeroMap _zeros;
    private readonly BlockBits _valid;
    private readonly BlockBits _held;

    // Whoever gives a chunk of the device its place, or takes it away, holds the lock of that chunk.
    private readonly Lock[] _claimLocks = new Lock[ClaimLockCount];
    private readonly Lock _poolLock = new();
    private readonly Stack<int> _free = [];
    private volatile ChunkGroup[] _groups = [];
    private int _unusedChunk;

    // How often nobody knew what a sector of a table holds, since writing it had failed; and how many of these have been written since.
    private int _unknownCount;
    private int _settledCount;

    /// <summary>Makes an empty table.</summary>
    /// <param name="file">The store; not owned.</param>
    /// <param name="layout">Where things lie in it.</param>
    /// <param name="key">What its sectors are known by.</param>
    /// <param name="map">Empty.</param>
    /// <param name="zeros">The map of zeros.</param>
    /// <param name="valid">The blocks that belong to the cowfile: its bitmap.</param>
    /// <param name="held">The blocks whose content is in their chunk.</param>
    public ChunkTable(IBlockFile file, CompactLayout layout, ulong key, ChunkMap map, ZeroMap zeros, BlockBits valid, BlockBits held)
    {
        _file = file;
        _layout = layout;
        _key = key;
        _map = map;
        _zeros = zeros;
        _valid = valid;
        _held = held;
        for (int index = 0; index < ClaimLockCount; index++)
        {
            _claimLocks[index] = new Lock();
        }
    }

    /// <summary>The groups that the store has and can get.</summary>
    public required StoreGroups Store { get; init; }

    /// <summary>Makes everything that was written to the file durable.</summary>
    public required Func<Errno> SyncFile { get; init; }

    /// <summary>True when chunks have been given up that will be free after a sync.</summary>
    public bool HasGivenUp
    {
        get
        {
            lock (_listsLock)
            {
                return _zeroed.Count + _freed.Count > 0;
            }
        }
    }

    /// <summary>Chunks of the store in use.</summary>
    public long UsedChunkCount
    {
        get
        {
            lock (_poolLock)
            {
                return _unusedChunk - _free.Count;
            }
        }
    }

    /// <summary>The smallest limit that the file can have: with it, all that is in use can be written to.</summary>
    public long LeastLimitBytes
    {
        get
        {
            lock (_poolLock)
            {
                // The last chunk need not be written to its end yet, and one is the least.
                return Math.Max(_file.LengthBytes, _layout.ChunkEndBytes(Math.Max(_unusedChunk, 1) - 1));
            }
        }
    }

    /// <summary>Asks what bounds the store anew, as it may have become larger.</summary>
    public Errno AskAnew()
    {
        lock (_poolLock)
        {
            return Store.AskFor(_file.LengthBytes);
        }
    }

    /// <summary>Sets how long the file may get, durably. One at a time; chunks are taken meanwhile.</summary>
    /// <param name="groups">The groups of the file.</param>
    /// <param name="limitBytes">The limit; 0: none.</param>
    /// <returns><see cref="Errno.EINVAL"/> when it is less than <see cref="LeastLimitBytes"/>; after any error the former one applies.</returns>
    public Errno SetLimit(FileGroups groups, long limitBytes)
    {
        // Not held while it is written: chunks that have been given up are taken meanwhile.
        lock (_poolLock)
        {
            if (limitBytes != 0 && limitBytes < LeastLimitBytes)
            {
                return Errno.EINVAL;
            }
            groups.Narrow(limitBytes);
        }
        return groups.SetLimit(limitBytes);
    }

    /// <summary>Where a chunk of the device is now.</summary>
    public ChunkPlace Find(long deviceChunk) => _map.Find(deviceChunk);

    /// <summary>Sees to it that a chunk of the device has one of the store to be written to.</summary>
    /// <param name="deviceChunk">The chunk of the device.</param>
    /// <param name="chunk">The chunk of the store.</param>
    /// <returns><see cref="Errno.ENOSPC"/> when there is none, and nothing has changed.</returns>
    public Errno Claim(long deviceChunk, out int chunk)
    {
        lock (LockOf(deviceChunk))
        {
            ChunkPlace place = _map.Find(deviceChunk);
            chunk = place.Chunk;
            if (place.HoldsData)
            {
                return Errno.None;
            }
            Errno errno = place.IsNone ? Take(out chunk) : Errno.None;
            if (errno != Errno.None)
            {
                return errno;
            }
            long block = deviceChunk * _layout.BlocksPerChunk;
            int blockCount = _layout.BlockCountOf(deviceChunk);
            // It is zeros up to now, and will be after a loss of power until the table is durable.
            bool isWhole = place.IsNone ? _zeros.Has(deviceChunk) : DescriptorOf(chunk).IsWhole;
            bool isFilling = isWhole || _valid.IsAnySet(block, blockCount);
            errno = isFilling ? Fill(block, blockCount, chunk, isWhole) : Errno.None;
            if (errno == Errno.None)
            {
                errno = Describe(chunk, new ChunkDescriptor(
                    (uint)deviceChunk + 1,
                    isFilling ? ChunkState.Filling : ChunkState.Data,
                    isWhole,
                    Volatile.Read(ref _nextRound)));
            }
            if (errno != Errno.None)
            {
                _held.Set(block, blockCount, isSet: false);
                if (place.IsNone)
                {
                    Release(chunk);
                }
                return errno;
            }
            if (isFilling)
            {
                NoteFilled(chunk);
            }
            _map.Set(deviceChunk, chunk, holdsData: true);
            return Errno.None;
        }
    }

    /// <summary>
    /// Sees to it that a chunk of the device whose blocks are zeros has a descriptor, which can say that only some of them belong to the cowfile.
    /// </summary>
    /// <returns><see cref="Errno.ENOSPC"/> when there is none, and nothing has changed.</returns>
    public Errno DescribeZeros(long deviceChunk)
    {
        lock (LockOf(deviceChunk))
        {
            if (!_map.Find(deviceChunk).IsNone)
            {
                return Errno.None;
            }
            Errno errno = Take(out int chunk);
            if (errno == Errno.None)
            {
                errno = Describe(chunk, new ChunkDescriptor((uint)deviceChunk + 1, ChunkState.Zero, IsWhole: _zeros.Has(deviceChunk)));
                if (errno != Errno.None)
                {
                    Release(chunk);
                }
            }
            if (errno == Errno.None)
            {
                _map.Set(deviceChunk, chunk, holdsData: false);
            }
            return errno;
        }
    }

    /// <summary>Gives up what a chunk of the device holds. Nobody writes to it meanwhile.</summary>
    /// <param name="deviceChunk">The chunk of the device.</param>
    /// <param name="areZerosValid">True: all its blocks belong to the cowfile from now on, and are zeros.</param>
    public Errno Drop(long deviceChunk, bool areZerosValid)
    {
        lock (LockOf(deviceChunk))
        {
            ChunkPlace place = _map.Find(deviceChunk);
            if (place.IsNone)
            {
                return Errno.None;
            }
            long block = deviceChunk * _layout.BlocksPerChunk;
            int blockCount = _layout.BlockCountOf(deviceChunk);
            bool isWhole = areZerosValid || DescriptorOf(place.Chunk).IsWhole;
            bool isFree = !isWhole && !_valid.IsAnySet(block, blockCount);
            Errno errno = Describe(place.Chunk, isFree ? default : new ChunkDescriptor((uint)deviceChunk + 1, ChunkState.Zero, isWhole));
            if (errno != Errno.None)
            {
                return errno;
            }
            _held.Set(block, blockCount, isSet: false);
            _map.Set(deviceChunk, isFree ? -1 : place.Chunk, holdsData: false);
            if (isFree)
            {
                NoteFreed(place.Chunk);
            }
            else if (IsAllValid(place.Chunk))
            {
                NoteZeroed(place.Chunk);
            }
            return Errno.None;
        }
    }

    /// <summary>Says that bits of a chunk have changed, if it has a descriptor.</summary>
    /// <param name="deviceChunk">The chunk of the device.</param>
    /// <param name="areTakenBack">True when blocks have lost their bits.</param>
    public void NoteBits(long deviceChunk, bool areTakenBack)
    {
        ChunkPlace place = _map.Find(deviceChunk);
        if (place.IsNone)
        {
            return;
        }
        ChunkGroup group = GroupOf(place.Chunk);
        if (areTakenBack)
        {
            lock (group.Lock)
            {
                ref ChunkDescriptor descriptor = ref group.Descriptors[place.Chunk % _layout.ChunksPerGroup];
                descriptor = descriptor with { IsWhole = false };
            }
        }
        group.MarkDirty(SectorOf(place.Chunk));
        if (!place.HoldsData && IsAllValid(place.Chunk))
        {
            NoteZeroed(place.Chunk);
        }
    }

    private Lock LockOf(long deviceChunk) => _claimLocks[(int)(deviceChunk % ClaimLockCount)];

    private ChunkGroup GroupOf(int chunk) => _groups[chunk / _layout.ChunksPerGroup];

    private ChunkDescriptor DescriptorOf(int chunk) => GroupOf(chunk).Descriptors[chunk % _layout.ChunksPerGroup];

    private int SectorOf(int chunk) => chunk % _layout.ChunksPerGroup / _layout.DescriptorsPerSector;

    /// <summary>Takes a chunk of the store that nobody uses.</summary>
    private Errno Take(out int chunk)
    {
        lock (_poolLock)
        {
            if (_free.TryPop(out chunk))
            {
                return Errno.None;
            }
            Errno errno = ExtendTo(_unusedChunk);
            chunk = errno == Errno.None ? _unusedChunk++ : -1;
            return errno;
        }
    }

    private void Release(int chunk)
    {
        lock (_poolLock)
        {
            _free.Push(chunk);
        }
    }

    /// <summary>Sees to it that the group of a chunk is there; its table is zeros.</summary>
    private Errno ExtendTo(int chunk)
    {
        int group = chunk / _layout.ChunksPerGroup;
        Errno errno = Store.ExtendTo(chunk);
        if (errno == Errno.None && group >= _groups.Length)
        {
            _groups = [.. _groups, new ChunkGroup(group, _layout.ChunksPerGroup)];
        }
        return errno;
    }

    /// <summary>Makes the blocks that belong to the cowfile, and are zeros up to now, zeros in the chunk, too; then it can hold them.</summary>
    private Errno Fill(long block, int blockCount, int chunk, bool isWhole)
    {
        for (int done = 0; done < blockCount;)
        {
            bool isValid = true;
            int run = Math.Min(blockCount - done, Zeros.Length / CowLayout.BlockSize);
            run = isWhole ? run : (int)_valid.RunLength(block + done, run, out isValid);
            if (isValid)
            {
                long offsetBytes = _layout.ChunkOffsetBytes(chunk) + done * CowLayout.BlockSize;
                Errno errno = _file.WriteAt(offsetBytes, Zeros.AsSpan(0, run * CowLayout.BlockSize));
                if (errno != Errno.None)
                {
                    return errno;
                }
                _held.Set(block + done, run, isSet: true);
            }
            done += run;
        }
        return Errno.None;
    }

    /// <summary>Changes a descriptor, in the file, too. After an error it is as before.</summary>
    /// <remarks>A sector that may say what came to nothing is written first: else the file could name two places for one chunk of the device.</remarks>
    private Errno Describe(int chunk, ChunkDescriptor descriptor)
    {
        int unknownCount = Volatile.Read(ref _unknownCount);
        if (unknownCount != Volatile.Read(ref _settledCount))
        {
            Errno errno = WriteDirty();
            if (errno != Errno.None)
            {
                return errno;
            }
            Volatile.Write(ref _settledCount, unknownCount);
        }
        ChunkGroup group = GroupOf(chunk);
        lock (group.Lock)
        {
            ref ChunkDescriptor place = ref group.Descriptors[chunk % _layout.ChunksPerGroup];
            ChunkDescriptor former = place;
            place = descriptor;
            Errno errno = WriteSector(group, SectorOf(chunk));
            if (errno != Errno.None)
            {
                place = former;
                if (errno is not (Errno.ENOSPC or Errno.EDQUOT))
                {
                    group.MarkDirty(SectorOf(chunk));
                    Interlocked.Increment(ref _unknownCount);
                }
            }
            return errno;
        }
    }

    /// <summary>Writes a sector of a table as it is in memory. Under the group's lock.</summary>
    private Errno WriteSector(ChunkGroup group, int sector)
    {
        Span<byte> target = stackalloc byte[CompactLayout.SectorBytes];
        target.Clear();
        int first = sector * _layout.DescriptorsPerSector;
        for (int index = 0; index < _layout.DescriptorsPerSector; index++)
        {
            ChunkDescriptor descriptor = group.Descriptors[first + index];
            if (descriptor.Owner != 0)
            {
                Span<byte> place = target.Slice(index * _layout.DescriptorBytes, _layout.DescriptorBytes);
                descriptor.Encode(place);
                Span<byte> bits = place[ChunkDescriptor.BitsOffset..];
                if (descriptor.IsWhole)
                {
                    _layout.FillBits(descriptor.Owner - 1, bits);
                }
                else
                {
                    _layout.CopyBits(_valid.Words, descriptor.Owner - 1, bits);
                }
            }
        }
        TableSector.Seal(target, _key, TableNumber(group.Number, sector));
        return _file.WriteAt(_layout.TableOffsetBytes(group.Number) + sector * CompactLayout.SectorBytes, target);
    }

    private static uint TableNumber(int group, int sector) => (uint)(group * CompactLayout.SectorsPerTable + sector);
}
