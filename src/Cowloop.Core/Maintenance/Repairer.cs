using System.Numerics;
using System.Runtime.InteropServices;
using Cowloop.Core.Format;
using Cowloop.Core.Live;

namespace Cowloop.Core.Maintenance;

/// <summary>What a repair found, and did unless it was only to look.</summary>
/// <param name="Corrections">Blocks whose bit was missing: those with data (specification 7.3), and those that live bits speak of.</param>
/// <param name="RemovedBlocks">Blocks of unfinished writes, in a file whose bitmap decides.</param>
/// <param name="UsedBlocks">Blocks that the file holds afterwards.</param>
/// <param name="FirstStrayBlock">A block with data that the base does not have, left alone; -1 when there is none.</param>
public sealed record RepairReport(long Corrections, long RemovedBlocks, long UsedBlocks, long FirstStrayBlock)
{
    /// <summary>Those of the corrections that live bits speak of.</summary>
    public long LiveBlocks { get; init; }

    /// <summary>True when the extension record was damaged and is taken out.</summary>
    public bool HasDamagedRecord { get; init; }
}

/// <summary>How a cowfile is repaired.</summary>
public sealed record RepairOptions
{
    /// <summary>False: the file is only read.</summary>
    public required bool Modify { get; init; }

    /// <summary>Hears of every block that gets its bit, in ascending order; or null.</summary>
    public Action<long>? OnCorrection { get; init; }

    /// <summary>What a killed service has left for the file; or null.</summary>
    public KeptBits? Kept { get; init; }
}

/// <summary>
/// Makes bitmap, count and flags of a cowfile agree with its data. Holes are skipped and marked blocks not read, so it takes the time of the data that is
/// in doubt; memory does not grow with the base.
/// </summary>
/// <remarks>
/// A file of the original: every block below the base's end that has a non-zero byte gets its bit; no bit is ever cleared (specification 7.3).
/// A file whose bitmap decides (<see cref="CowFlags.BitmapDecides"/>): what has no bit was never promised to anybody and is punched out, for
/// a half-landed block would be neither old nor new.
/// <para>
/// Where a service was killed and the machine went on, the bits that it kept are added first: all that they speak of is in the file. Together with
/// the bitmap they are all that was acknowledged, so with them the bitmap decides in any file.
/// </para>
/// <para>
/// Order: data durable, then bitmap, durable, then the clean header, durable. A clean file that needs corrections is marked dirty first.
/// Interrupted anywhere, the file is dirty, and the next repair does the rest.
/// </para>
/// </remarks>
public sealed class Repairer
{
    private const int ChunkBytes = 64 * 1024;
    private const int BlocksPerChunk = ChunkBytes * 8;
    private const int MaxReadBlocks = 1024;

    private readonly CheckedFile _file;
    private readonly CowHeader _header;
    private readonly CowLayout _layout;
    private readonly RepairOptions _options;
    private readonly IWorkObserver _observer;
    private readonly ulong[] _found;
    private readonly ulong[] _words;
    private byte[] _data = [];

    private long _chunkFirstBlock;
    private int _chunkBitCount;
    private long _corrections;
    private long _liveBlocks;
    private long _removedBlocks;
    private bool _isDataDurable;
    private bool _isMarkedDirty;

    private Repairer(CheckedFile file, CowHeader header, CowLayout layout, RepairOptions options, IWorkObserver observer)
    {
        _file = file;
        _header = header;
        _layout = layout;
        _options = options;
        _observer = observer;
        _isMarkedDirty = header.Flags.HasFlag(CowFlags.Dirty);
        _found = new ulong[Math.Min(ChunkBytes, layout.BitmapBytes) / sizeof(ulong)];
        _words = new ulong[_found.Length];
    }

    /// <summary>Repairs a cowfile, or looks what a repair would do.</summary>
    /// <param name="file">The cowfile, for the caller alone.</param>
    /// <param name="header">Its header; not packed.</param>
    /// <param name="options">How.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">The file is beyond repair and unchanged, or can't be read or written.</exception>
    public static RepairReport Run(CheckedFile file, CowHeader header, RepairOptions options, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(observer);
        CowLayout layout = CowfileChecks.RequireLayout(header, file.Name);
        CowContents contents = CowfileChecks.Count(file, layout);
        RequireBlocks(file, layout, contents);
        long strayBlock = FindStrayBlock(file, layout);
        return new Repairer(file, header, layout, options, observer).Run(contents, strayBlock);
    }

    private RepairReport Run(CowContents contents, long strayBlock)
    {
        long storedBlocks = (_file.LengthBytes - _layout.DataOffsetBytes + CowLayout.BlockSize - 1) / CowLayout.BlockSize;
        long endBlock = Math.Clamp(storedBlocks, 0, _layout.BlockCount);
        _observer.Begin("repairing", endBlock * CowLayout.BlockSize);
        long doneBlock = 0;
        for (long block = NextDataBlock(0); block < _layout.BlockCount; block = NextDataBlock(_chunkFirstBlock + _chunkBitCount))
        {
            LoadChunk(block / BlocksPerChunk * BlocksPerChunk);
            ScanChunk();
            AdvanceTo(_chunkFirstBlock + _chunkBitCount);
        }
        AdvanceTo(endBlock);
        long usedBlocks = contents.UsedBlocks + _corrections;
        bool hasDamagedRecord = HasDamagedRecord();
        if (_options.Modify)
        {
            Finish(usedBlocks, hasDamagedRecord);
        }
        return new RepairReport(_corrections, _removedBlocks, usedBlocks, strayBlock)
        {
            LiveBlocks = _liveBlocks,
            HasDamagedRecord = hasDamagedRecord,
        };

        void AdvanceTo(long block)
        {
            block = Math.Min(block, endBlock);
            _observer.Advance((block - doneBlock) * CowLayout.BlockSize);
            doneBlock = block;
        }
    }

    /// <summary>The first block at or after another one that may hold data, or have a live bit; behind the last one when there is none.</summary>
    private long NextDataBlock(long block)
    {
        if (block >= _layout.BlockCount)
        {
            return _layout.BlockCount;
        }
        (long startBytes, long endBytes) = _file.NextData(_layout.DataOffsetBytes + block * CowLayout.BlockSize, Fault.ReadData);
        long nextBlock = endBytes <= startBytes ? _layout.BlockCount : (startBytes - _layout.DataOffsetBytes) / CowLayout.BlockSize;
        return Math.Min(nextBlock, _options.Kept?.NextBlock(block, _layout.BlockCount) ?? _layout.BlockCount);
    }

    private void LoadChunk(long firstBlock)
    {
        _chunkFirstBlock = firstBlock;
        long bitmapBytes = firstBlock / 8;
        int lengthBytes = (int)Math.Min(ChunkBytes, _layout.BitmapBytes - bitmapBytes);
        _chunkBitCount = lengthBytes * 8;
        _file.Read(CowLayout.BitmapOffsetBytes + bitmapBytes, MemoryMarshal.AsBytes(_found.AsSpan())[..lengthBytes], Fault.ReadBitmap);
        _found.CopyTo(_words, 0);
        _options.Kept?.AddTo(firstBlock, _words.AsSpan(0, lengthBytes / sizeof(ulong)));
        _liveBlocks += CountChanged(out int lastChanged);
        if (lastChanged >= 0)
        {
            RequireBlock(firstBlock + lastChanged);
        }
    }

    /// <summary>Looks at all data of the chunk's blocks that has no bit, and writes the part of the bitmap that changed.</summary>
    private void ScanChunk()
    {
        long endBlock = Math.Min(_chunkFirstBlock + _chunkBitCount, _layout.BlockCount);
        for (long block = _chunkFirstBlock; block < endBlock;)
        {
            (long startBytes, long endBytes) = _file.NextData(_layout.DataOffsetBytes + block * CowLayout.BlockSize, Fault.ReadData);
            if (endBytes <= startBytes)
            {
                break;
            }
            block = Math.Max(block, (startBytes - _layout.DataOffsetBytes) / CowLayout.BlockSize);
            long dataEndBlock = Math.Min(endBlock, (endBytes - _layout.DataOffsetBytes + CowLayout.BlockSize - 1) / CowLayout.BlockSize);
            while (block < dataEndBlock)
            {
                int bit = CowRuns.NextBit(_words, (int)(block - _chunkFirstBlock), _chunkBitCount, isSet: false);
                int endBit = Math.Min(CowRuns.NextBit(_words, bit, _chunkBitCount, isSet: true), (int)(dataEndBlock - _chunkFirstBlock));
                block = _chunkFirstBlock + Math.Max(bit, endBit);
                if (bit < endBit)
                {
                    ScanUnmarked(bit, endBit);
                }
            }
        }
        int corrections = CountChanged(out int lastChanged);
        _corrections += corrections;
        if (corrections > 0)
        {
            Report(lastChanged);
            if (_options.Modify)
            {
                WriteBitmap(lastChanged);
            }
        }
    }

    /// <summary>How many bits of the chunk are to be set that are not set in the file, and which is the last; -1 when there is none.</summary>
    private int CountChanged(out int lastChanged)
    {
        int count = 0;
        lastChanged = -1;
        for (int index = 0; index < _chunkBitCount / 64; index++)
        {
            ulong changed = _words[index] & ~_found[index];
            if (changed != 0)
            {
                count += BitOperations.PopCount(changed);
                lastChanged = index * 64 + BitOperations.Log2(changed);
            }
        }
        return count;
    }

    private void Report(int lastChanged)
    {
        for (int index = 0; index <= lastChanged / 64 && _options.OnCorrection is not null; index++)
        {
            for (ulong changed = _words[index] & ~_found[index]; changed != 0; changed &= changed - 1)
            {
                _options.OnCorrection(_chunkFirstBlock + index * 64 + BitOperations.TrailingZeroCount(changed));
            }
        }
    }

    /// <summary>A live bit speaks of a block that is there: an active file has its full length.</summary>
    private void RequireBlock(long block)
    {
        if (block >= _layout.BlockCount || _file.LengthBytes < _layout.LengthBytesFor(block))
        {
            throw CowfileChecks.Damaged(_file.Name, $"was cut after its service was killed: block {block} is missing");
        }
    }

    private void ScanUnmarked(int bit, int endBit)
    {
        while (bit < endBit)
        {
            // Ends where a page of the filesystem does, so that what is removed in several pieces leaves no page behind.
            int count = Math.Min(MaxReadBlocks - bit % MaxReadBlocks, endBit - bit);
            ReadBlocks(_chunkFirstBlock + bit, count);
            if (_options.Kept is not null || _header.Flags.HasFlag(CowFlags.BitmapDecides))
            {
                Remove(_chunkFirstBlock + bit, count);
            }
            else
            {
                Adopt(bit, count);
            }
            bit += count;
            _observer.Advance(0);
        }
    }

    private bool HasData(int index) => _data.AsSpan(index * CowLayout.BlockSize, CowLayout.BlockSize).ContainsAnyExcept((byte)0);

    /// <summary>Gives a bit to those of the blocks just read that have data.</summary>
    private void Adopt(int bit, int count)
    {
        for (int index = 0; index < count; index++)
        {
            if (HasData(index))
            {
                int found = bit + index;
                _words[found / 64] |= 1UL << (found % 64);
            }
        }
    }

    /// <summary>Reads blocks; what lies behind the end of the file reads as zeros.</summary>
    private void ReadBlocks(long block, int count)
    {
        if (_data.Length == 0)
        {
            // A sound file never needs it.
            _data = new byte[Math.Min(MaxReadBlocks, _layout.BlockCount) * CowLayout.BlockSize];
        }
        long offsetBytes = _layout.DataOffsetBytes + block * CowLayout.BlockSize;
        Span<byte> target = _data.AsSpan(0, count * CowLayout.BlockSize);
        int lengthBytes = (int)Math.Min(target.Length, _file.LengthBytes - offsetBytes);
        target[lengthBytes..].Clear();
        _file.Read(offsetBytes, target[..lengthBytes], Fault.ReadData);
    }

    /// <summary>Makes the blocks just read zero. None of them has a bit, so all can go in one piece: only whole pages give their space back.</summary>
    private void Remove(long block, int count)
    {
        int withData = 0;
        for (int index = 0; index < count; index++)
        {
            withData += HasData(index) ? 1 : 0;
        }
        _removedBlocks += withData;
        long offsetBytes = _layout.DataOffsetBytes + block * CowLayout.BlockSize;
        if (withData == 0 || !_options.Modify || _file.TryPunch(offsetBytes, (long)count * CowLayout.BlockSize, Fault.WriteData))
        {
            return;
        }
        for (int index = 0; index < count; index++)
        {
            if (HasData(index))
            {
                Span<byte> zeros = _data.AsSpan(index * CowLayout.BlockSize, CowLayout.BlockSize);
                zeros.Clear();
                long startBytes = offsetBytes + index * CowLayout.BlockSize;
                _file.Write(startBytes, zeros[..(int)Math.Min(CowLayout.BlockSize, _file.LengthBytes - startBytes)], Fault.WriteData);
            }
        }
    }

    private void WriteBitmap(int lastChanged)
    {
        int firstChanged = _words.AsSpan().CommonPrefixLength(_found) * 64;
        long neededBytes = _layout.LengthBytesFor(_chunkFirstBlock + lastChanged);
        if (_file.LengthBytes < neededBytes)
        {
            // The last block was there in part: its rest is zeros.
            _file.SetLength(neededBytes, Fault.WriteData);
            _isDataDurable = false;
        }
        if (!_isMarkedDirty)
        {
            WriteHeader(_header with { Flags = _header.Flags | CowFlags.Dirty });
            _isMarkedDirty = true;
            _isDataDurable = false;
        }
        if (!_isDataDurable)
        {
            SyncData();
            _isDataDurable = true;
        }
        int firstByte = firstChanged / 8 / CowLayout.BlockSize * CowLayout.BlockSize;
        int endByte = (lastChanged / 8 / CowLayout.BlockSize + 1) * CowLayout.BlockSize;
        _file.Write(
            CowLayout.BitmapOffsetBytes + _chunkFirstBlock / 8 + firstByte,
            MemoryMarshal.AsBytes(_words.AsSpan())[firstByte..endByte],
            Fault.WriteBitmap);
    }

    /// <summary>What live bits speak of may be gone from memory after a failed sync: the next repair must not believe them.</summary>
    private void SyncData()
    {
        try
        {
            _file.Sync(Fault.WriteBitmap);
        }
        catch (CowloopException)
        {
            _options.Kept?.Abandon();
            throw;
        }
    }

    private bool HasDamagedRecord()
    {
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        _file.Read(0, headerBlock, Fault.ReadHeader);
        return ExtensionRecord.TryDecode(headerBlock, out _) == RecordState.Damaged;
    }

    private void Finish(long usedBlocks, bool hasDamagedRecord)
    {
        long lengthBytes = _file.LengthBytes;
        if (lengthBytes % CowLayout.BlockSize != 0)
        {
            // What is left at the end is zeros; the original's repair would take a partial block for data all the same (specification 7.1, W8).
            // Of the longest file there can be the hole at its end becomes shorter instead.
            long wholeBlocks = Math.Min(lengthBytes / CowLayout.BlockSize + 1, long.MaxValue / CowLayout.BlockSize);
            _file.SetLength(wholeBlocks * CowLayout.BlockSize, Fault.WriteData);
        }
        if (hasDamagedRecord)
        {
            _file.Write(ExtensionRecord.OffsetBytes, new byte[ExtensionRecord.LengthBytes], Fault.WriteHeader);
        }
        SyncData();
        WriteHeader(_header with { Flags = _header.Flags & ~CowFlags.Dirty, UsedBlocks = (ulong)usedBlocks });
        _file.Sync(Fault.WriteHeader);
    }

    /// <summary>Only the structure: the reserved rest of the header block survives.</summary>
    private void WriteHeader(CowHeader header)
    {
        Span<byte> structure = stackalloc byte[header.Variant.StructSize];
        header.Encode(structure);
        _file.Write(0, structure, Fault.WriteHeader);
    }

    /// <summary>A marked block that is not there can't be made up.</summary>
    private static void RequireBlocks(CheckedFile file, CowLayout layout, CowContents contents)
    {
        long neededBytes = layout.LengthBytesFor(contents.HighestBlock);
        if (contents.HighestBlock >= 0 && file.LengthBytes < neededBytes)
        {
            throw new CowloopException(
                Errno.None,
                $"cowfile {file.Name} is incomplete: block {contents.HighestBlock} is marked, but the file ends at byte {file.LengthBytes}",
                $"restore it from a copy; 'truncate -s {neededBytes} {ShellWord.ForPath(file.Name)}' makes zeros of what is missing")
            {
                Fault = Fault.ReadData,
            };
        }
    }

    /// <summary>Finds data behind the base's end: reported where the bitmap still has a bit for it, else the file is no good.</summary>
    private static long FindStrayBlock(CheckedFile file, CowLayout layout)
    {
        long beyondBitmap = FindData(file, layout, layout.BitmapBytes * 8, long.MaxValue);
        return beyondBitmap < 0
            ? FindData(file, layout, layout.BlockCount, layout.BitmapBytes * 8)
            : throw CowfileChecks.Damaged(file.Name, $"holds data at block {beyondBitmap}, but its bitmap ends with block {layout.BitmapBytes * 8 - 1}");
    }

    private static long FindData(CheckedFile file, CowLayout layout, long firstBlock, long endBlock)
    {
        long startOffsetBytes = layout.DataOffsetBytes + firstBlock * CowLayout.BlockSize;
        long endBytes = endBlock == long.MaxValue ? file.LengthBytes : Math.Min(file.LengthBytes, layout.DataOffsetBytes + endBlock * CowLayout.BlockSize);
        byte[] data = new byte[Math.Clamp(endBytes - startOffsetBytes, 0, ChunkBytes)];
        for (long offsetBytes = startOffsetBytes; offsetBytes < endBytes;)
        {
            (long startBytes, long dataEndBytes) = file.NextData(offsetBytes, Fault.ReadData);
            if (dataEndBytes <= startBytes || startBytes >= endBytes)
            {
                break;
            }
            int lengthBytes = (int)Math.Min(data.Length, Math.Min(dataEndBytes, endBytes) - startBytes);
            file.Read(startBytes, data.AsSpan(0, lengthBytes), Fault.ReadData);
            int found = data.AsSpan(0, lengthBytes).IndexOfAnyExcept((byte)0);
            if (found >= 0)
            {
                return (startBytes + found - layout.DataOffsetBytes) / CowLayout.BlockSize;
            }
            offsetBytes = startBytes + lengthBytes;
        }
        return -1;
    }
}
