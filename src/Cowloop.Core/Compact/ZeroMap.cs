using System.Numerics;
using System.Runtime.InteropServices;
using Cowloop.Core.Files;

namespace Cowloop.Core.Compact;

/// <summary>
/// Which chunks of the device are all zeros, and belong to the cowfile, without a chunk of the store: a discarded disk takes no space. A chunk that has a
/// descriptor with bits is what that says. The map is allocated with the store, so changing it meets no full disk.
/// </summary>
/// <param name="file">The store; not owned.</param>
/// <param name="layout">Where things lie in it.</param>
/// <param name="key">What its sectors are known by.</param>
/// <param name="words">Zeroed memory for one bit per chunk of the device; not owned.</param>
internal sealed class ZeroMap(IBlockFile file, CompactLayout layout, ulong key, Memory<ulong> words)
{
    private const int BitsPerWord = 64;
    // All of the map is data on disk, for a device of 15 TiB 31 MiB.
    private const int LoadPieceBytes = 64 * 1024;
    private const int WordsPerSector = TableSector.PayloadBits / BitsPerWord;

    private readonly Lock _lock = new();
    private readonly BlockBits _bits = new(words);
    private readonly ulong[] _dirty = new ulong[(layout.ZeroMapSectorCount + BitsPerWord - 1) / BitsPerWord];

    /// <summary>Words of memory that the map of a layout takes: whole sectors.</summary>
    public static int WordCountFor(CompactLayout layout) => layout.ZeroMapSectorCount * WordsPerSector;

    /// <summary>Reads the map. To be called once.</summary>
    /// <param name="name">The store as the user named it.</param>
    /// <exception cref="CowloopException">It is damaged or can't be read.</exception>
    public void Load(string name)
    {
        long mapBytes = (long)layout.ZeroMapSectorCount * CompactLayout.SectorBytes;
        byte[] piece = new byte[Math.Min(LoadPieceBytes, mapBytes)];
        var pieces = new DataPieces(file, OffsetOf(0), mapBytes, CompactLayout.SectorBytes, piece.Length);
        int length;
        do
        {
            Errno errno = pieces.Next(out long position, out length);
            if (errno == Errno.None && length > 0)
            {
                errno = file.ReadAt(OffsetOf(0) + position, piece.AsSpan(0, length));
            }
            if (errno != Errno.None)
            {
                throw new CowloopException(errno, $"the map of zeros of compact store {name} cannot be read: {errno.Text()}") { Fault = Fault.ReadBitmap };
            }
            for (int done = 0; done < length; done += CompactLayout.SectorBytes)
            {
                LoadSector(piece.AsSpan(done, CompactLayout.SectorBytes), (position + done) / CompactLayout.SectorBytes, name);
            }
        }
        while (length > 0);
    }

    /// <summary>True when the file may say something else.</summary>
    public bool IsDirty
    {
        get
        {
            lock (_lock)
            {
                return _dirty.AsSpan().ContainsAnyExcept(0UL);
            }
        }
    }

    /// <summary>True when the map has a chunk of the device.</summary>
    public bool Has(long deviceChunk) =>
        (Volatile.Read(ref words.Span[(int)(deviceChunk / BitsPerWord)]) >> (int)(deviceChunk % BitsPerWord) & 1) != 0;

    /// <summary>The chunks of the device that the map has, in ascending order.</summary>
    public IEnumerable<long> All()
    {
        for (int index = _bits.NextWord(0); index < words.Length; index = _bits.NextWord(index + 1))
        {
            for (ulong word = words.Span[index]; word != 0; word &= word - 1)
            {
                yield return (long)index * BitsPerWord + BitOperations.TrailingZeroCount(word);
            }
        }
    }

    /// <summary>Adds chunks of the device, in the file, too.</summary>
    /// <param name="deviceChunk">The first one.</param>
    /// <param name="count">How many.</param>
    /// <param name="addedCount">How many were added; after an error those in the sectors that were written before it.</param>
    public Errno Add(long deviceChunk, long count, out long addedCount)
    {
        addedCount = 0;
        Span<ulong> former = stackalloc ulong[WordsPerSector];
        while (addedCount < count)
        {
            long first = deviceChunk + addedCount;
            long number = first / TableSector.PayloadBits;
            long part = Math.Min(count - addedCount, (number + 1) * TableSector.PayloadBits - first);
            lock (_lock)
            {
                WordsOf(number).CopyTo(former);
                Change(first, part, isSet: true);
                Errno errno = WriteDirtyLocked();
                if (errno != Errno.None)
                {
                    // The file may say it all the same, until this sector is written again.
                    former.CopyTo(WordsOf(number));
                    MarkDirty(number);
                    return errno;
                }
            }
            addedCount += part;
        }
        return Errno.None;
    }

    /// <summary>Adds a chunk of the device, or takes it out, in memory only; <see cref="WriteDirty"/> does the rest.</summary>
    public void Note(long deviceChunk, bool isSet)
    {
        lock (_lock)
        {
            Change(deviceChunk, 1, isSet);
        }
    }

    /// <summary>Writes what has changed; the caller syncs.</summary>
    public Errno WriteDirty()
    {
        lock (_lock)
        {
            return WriteDirtyLocked();
        }
    }

    private void LoadSector(ReadOnlySpan<byte> sector, long number, string name)
    {
        // Left alone, memory that says nothing stays what it was allocated as, and takes no space.
        if (TableSector.IsBlank(sector))
        {
            return;
        }
        if (!TableSector.IsSound(sector, key, (uint)number))
        {
            throw CompactHeader.Damaged(name, $"has a damaged sector {number} of its map of zeros");
        }
        MemoryMarshal.Cast<byte, ulong>(sector[..TableSector.PayloadBytes]).CopyTo(_bits.WordsToChange((int)number * WordsPerSector, WordsPerSector));
    }

    private static long OffsetOf(long number) => CompactLayout.ZeroMapOffsetBytes + number * CompactLayout.SectorBytes;

    private Span<ulong> WordsOf(long number) => words.Span.Slice((int)number * WordsPerSector, WordsPerSector);

    private void Change(long deviceChunk, long count, bool isSet)
    {
        _bits.Set(deviceChunk, count, isSet);
        for (long number = deviceChunk / TableSector.PayloadBits; number <= (deviceChunk + count - 1) / TableSector.PayloadBits; number++)
        {
            MarkDirty(number);
        }
    }

    private void MarkDirty(long number) => _dirty[number / BitsPerWord] |= 1UL << (int)(number % BitsPerWord);

    private Errno WriteDirtyLocked()
    {
        Span<byte> sector = stackalloc byte[CompactLayout.SectorBytes];
        for (int index = 0; index < _dirty.Length; index++)
        {
            for (; _dirty[index] != 0; _dirty[index] &= _dirty[index] - 1)
            {
                long number = (long)index * BitsPerWord + BitOperations.TrailingZeroCount(_dirty[index]);
                MemoryMarshal.AsBytes(WordsOf(number)).CopyTo(sector);
                TableSector.Seal(sector, key, (uint)number);
                Errno errno = file.WriteAt(OffsetOf(number), sector);
                if (errno != Errno.None)
                {
                    return errno;
                }
            }
        }
        return Errno.None;
    }
}
