using System.Numerics;

namespace Cowloop.Core.Compact;

internal sealed partial class ChunkTable
{
    // Chunks that are to go on when something is durable; and the same lists for the round of a sync that runs. One round at a time.
    private readonly Lock _listsLock = new();
    private readonly Lock _roundLock = new();
    private readonly List<int> _filled = [];
    private readonly List<int> _zeroed = [];
    private readonly List<int> _freed = [];
    private readonly List<int> _roundFilled = [];
    private readonly List<int> _roundZeroed = [];
    private readonly List<int> _roundFreed = [];
    private int _nextRound;

    /// <summary>Makes everything durable that was done before the call, and findable.</summary>
    /// <returns>A lack of space when a table can't be written: nothing is lost, and the next call does what is left.</returns>
    public Errno Sync()
    {
        lock (_roundLock)
        {
            int round;
            lock (_listsLock)
            {
                round = _nextRound++;
                // What a round that found no space has left comes along.
                Move(_filled, _roundFilled);
                Move(_zeroed, _roundZeroed);
                Move(_freed, _roundFreed);
            }
            // What is all zeros goes to the map of zeros first; its chunk is free when that is durable.
            foreach (int chunk in _roundZeroed)
            {
                NoteInZeroMap(chunk);
            }
            Errno errno = SyncTables();
            if (errno == Errno.None && _roundFilled.Count + _roundZeroed.Count > 0)
            {
                // The data of these is durable now, and so is the map of zeros.
                foreach (int chunk in _roundFilled)
                {
                    CompleteFilled(chunk, round);
                }
                foreach (int chunk in _roundZeroed)
                {
                    if (TryFreeZeroed(chunk))
                    {
                        _roundFreed.Add(chunk);
                    }
                }
                errno = SyncTables();
            }
            if (errno == Errno.None)
            {
                EndRound();
            }
            return errno;
        }
    }

    /// <summary>Writes what has changed in the tables; the caller syncs.</summary>
    public Errno WriteDirty()
    {
        Errno errno = _zeros.WriteDirty();
        ChunkGroup[] groups = _groups;
        for (int index = 0; index < groups.Length && errno == Errno.None; index++)
        {
            errno = WriteDirty(groups[index]);
        }
        return errno;
    }

    private Errno SyncTables()
    {
        Errno errno = WriteDirty();
        return errno == Errno.None ? SyncFile() : errno;
    }

    private Errno WriteDirty(ChunkGroup group)
    {
        if (!group.IsDirty)
        {
            return Errno.None;
        }
        lock (group.Lock)
        {
            for (uint dirty = group.TakeDirty(); dirty != 0; dirty &= dirty - 1)
            {
                Errno errno = WriteSector(group, BitOperations.TrailingZeroCount(dirty));
                if (errno != Errno.None)
                {
                    for (; dirty != 0; dirty &= dirty - 1)
                    {
                        group.MarkDirty(BitOperations.TrailingZeroCount(dirty));
                    }
                    return errno;
                }
            }
        }
        return Errno.None;
    }

    private void EndRound()
    {
        foreach (int chunk in _roundFilled)
        {
            ForgetZero(chunk);
        }
        lock (_poolLock)
        {
            foreach (int chunk in _roundFreed)
            {
                _free.Push(chunk);
            }
        }
        _roundFilled.Clear();
        _roundZeroed.Clear();
        _roundFreed.Clear();
    }

    private void NoteInZeroMap(int chunk)
    {
        ChunkGroup group = GroupOf(chunk);
        lock (group.Lock)
        {
            if (DescriptorOf(chunk) is { State: ChunkState.Zero, Owner: > 0 and uint owner } && IsAllValid(chunk))
            {
                _zeros.Note(owner - 1, isSet: true);
            }
        }
    }

    /// <summary>What was written to a chunk of zeros is durable: from now on the chunk is what it holds.</summary>
    /// <remarks>Unless it has been dropped and filled once more meanwhile: then that is not.</remarks>
    private void CompleteFilled(int chunk, int round)
    {
        ChunkGroup group = GroupOf(chunk);
        lock (group.Lock)
        {
            ref ChunkDescriptor descriptor = ref group.Descriptors[chunk % _layout.ChunksPerGroup];
            if (descriptor.State == ChunkState.Filling && descriptor.FilledRound - round <= 0)
            {
                descriptor = descriptor with { State = ChunkState.Data };
                group.MarkDirty(SectorOf(chunk));
            }
        }
    }

    /// <summary>Frees a chunk whose zeros are in the map of zeros by now, unless it has been written to again.</summary>
    private bool TryFreeZeroed(int chunk)
    {
        ChunkGroup group = GroupOf(chunk);
        // An owner does not change while the chunk waits here: only this frees it.
        uint owner = DescriptorOf(chunk).Owner;
        if (owner == 0)
        {
            return false;
        }
        lock (LockOf(owner - 1))
        {
            lock (group.Lock)
            {
                ref ChunkDescriptor descriptor = ref group.Descriptors[chunk % _layout.ChunksPerGroup];
                if (descriptor.Owner != owner || descriptor.State != ChunkState.Zero || !_zeros.Has(owner - 1) || !IsAllValid(chunk))
                {
                    return false;
                }
                descriptor = default;
                group.MarkDirty(SectorOf(chunk));
            }
            _map.Set(owner - 1, -1, holdsData: false);
        }
        return true;
    }

    /// <summary>A chunk whose descriptor is durable needs nothing in the map of zeros.</summary>
    private void ForgetZero(int chunk)
    {
        ChunkGroup group = GroupOf(chunk);
        lock (group.Lock)
        {
            if (DescriptorOf(chunk) is { State: ChunkState.Data, Owner: > 0 and uint owner } && _zeros.Has(owner - 1))
            {
                _zeros.Note(owner - 1, isSet: false);
            }
        }
    }

    /// <summary>True for a chunk of the store all of whose blocks belong to the cowfile.</summary>
    private bool IsAllValid(int chunk)
    {
        ChunkDescriptor descriptor = DescriptorOf(chunk);
        long deviceChunk = (long)descriptor.Owner - 1;
        return descriptor.IsWhole || _valid.AreAllSet(deviceChunk * _layout.BlocksPerChunk, _layout.BlockCountOf(deviceChunk));
    }

    private void NoteFilled(int chunk) => Note(_filled, chunk);

    private void NoteZeroed(int chunk) => Note(_zeroed, chunk);

    private void NoteFreed(int chunk) => Note(_freed, chunk);

    private void Note(List<int> list, int chunk)
    {
        lock (_listsLock)
        {
            list.Add(chunk);
        }
    }

    private static void Move(List<int> from, List<int> to)
    {
        to.AddRange(from);
        from.Clear();
    }
}
