using Cowloop.Core.Files;
using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>Takes out of a cowfile what it need not hold: blocks that are equal to what lies below.</summary>
/// <remarks>
/// The bits of such blocks are cleared, durably, before the blocks themselves are punched out. So a crash leaves a block with its bit or an equal copy,
/// whole or half gone, without one, which nobody reads. The file is dirty meanwhile and says that its bitmap decides, a plain one too, so that a repair
/// takes the copies out. One that adopts them (cowloop 3.1) does no harm as long as they are whole, for they are equal to what lies below.
/// </remarks>
internal sealed class EqualBlocks
{
    private const int BlocksPerPage = 4;
    private const int ReadBytes = 64 * 1024;

    private readonly CowfileEdit _edit;
    private readonly BlockComparer _comparer;
    private readonly BitmapEdit _bitmap;
    private bool _isDirty;

    private EqualBlocks(CowfileEdit edit, IBlockFile below, string belowName)
    {
        _edit = edit;
        var grown = new CheckedFile(GrownFile.AtLeast(below, edit.Layout.DeviceBytes), belowName);
        _comparer = new BlockComparer(edit.File, edit.Layout.DataOffsetBytes, grown, 0);
        _bitmap = new BitmapEdit(edit.File, edit.Layout);
    }

    /// <summary>Blocks taken out.</summary>
    public long DroppedBlockCount { get; private set; }

    /// <summary>Takes them out. The file was clean and sound, or is dirty for the caller's own changes; it is clean and durable on return.</summary>
    /// <param name="edit">The cowfile.</param>
    /// <param name="below">What it lies on; not owned.</param>
    /// <param name="belowName">For messages.</param>
    /// <param name="observer">Who looks on: hears of every block that the file held.</param>
    /// <returns>How many blocks that were.</returns>
    /// <exception cref="CowloopException">A file can't be read or written; the cowfile may be dirty.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the cowfile is clean, and what was found so far is out.</exception>
    public static long Drop(CowfileEdit edit, IBlockFile below, string belowName, IWorkObserver observer)
    {
        var work = new EqualBlocks(edit, below, belowName) { _isDirty = edit.IsDirty };
        try
        {
            work.Run(observer);
        }
        catch (OperationCanceledException)
        {
            work.Finish();
            throw;
        }
        work.Finish();
        return work.DroppedBlockCount;
    }

    private void Run(IWorkObserver observer)
    {
        for (long block = 0; block < _edit.Layout.BlockCount; block = _bitmap.EndBlock)
        {
            _bitmap.Load(block);
            for (long next = block; _bitmap.TryNextFound(next, isSet: true, out BlockRun held); next = held.EndBlock)
            {
                foreach (ComparedRun compared in _comparer.Compare(held, observer))
                {
                    if (compared.IsEqual)
                    {
                        _bitmap.Set(compared.Run, isSet: false);
                    }
                }
            }
            if (_bitmap.HasChanged)
            {
                DropPart(block);
            }
        }
    }

    private void DropPart(long firstBlock)
    {
        if (!_isDirty)
        {
            _edit.MarkDirty();
            _isDirty = true;
        }
        _bitmap.Write();
        _edit.File.Sync(Fault.WriteBitmap);
        for (long next = firstBlock; _bitmap.TryNext(next, isSet: false, out BlockRun unmarked); next = unmarked.EndBlock)
        {
            for (long block = unmarked.FirstBlock; _bitmap.TryNextFound(block, isSet: true, out BlockRun held) && held.FirstBlock < unmarked.EndBlock;)
            {
                BlockRun dropped = held with { BlockCount = Math.Min(held.EndBlock, unmarked.EndBlock) - held.FirstBlock };
                DroppedBlockCount += dropped.BlockCount;
                Remove(dropped, unmarked);
                block = dropped.EndBlock;
                if (block >= unmarked.EndBlock)
                {
                    break;
                }
            }
        }
    }

    /// <summary>Only whole pages give their space back: what has no bit beside a block goes with it.</summary>
    private void Remove(BlockRun dropped, BlockRun unmarked)
    {
        long first = Math.Max(unmarked.FirstBlock, dropped.FirstBlock / BlocksPerPage * BlocksPerPage);
        long end = Math.Min(unmarked.EndBlock, (dropped.EndBlock + BlocksPerPage - 1) / BlocksPerPage * BlocksPerPage);
        long startBytes = _edit.Layout.DataOffsetBytes + first * CowLayout.BlockSize;
        if (_edit.File.TryPunch(startBytes, (end - first) * CowLayout.BlockSize, Fault.WriteData))
        {
            return;
        }
        byte[] zeros = new byte[CowLayout.BlockSize];
        for (long block = dropped.FirstBlock; block < dropped.EndBlock; block++)
        {
            _edit.File.Write(_edit.Layout.DataOffsetBytes + block * CowLayout.BlockSize, zeros, Fault.WriteData);
        }
    }

    private void Finish()
    {
        if (_isDirty || IsTooLong())
        {
            _ = _edit.MarkClean();
        }
    }

    /// <summary>Where it was cut short before, or repaired since, there are only zeros behind the last block.</summary>
    private bool IsTooLong()
    {
        long endBytes = _edit.File.LengthBytes;
        long neededBytes = _edit.Layout.LengthBytesFor(CowfileChecks.Count(_edit.File, _edit.Layout).HighestBlock);
        byte[] data = endBytes > neededBytes ? new byte[ReadBytes] : [];
        for (long offsetBytes = neededBytes; offsetBytes < endBytes;)
        {
            (long startBytes, long dataEndBytes) = _edit.File.NextData(offsetBytes, Fault.ReadData);
            Span<byte> part = data.AsSpan(0, (int)Math.Clamp(Math.Min(dataEndBytes, endBytes) - startBytes, 0, data.Length));
            if (part.IsEmpty)
            {
                break;
            }
            _edit.File.Read(startBytes, part, Fault.ReadData);
            if (part.ContainsAnyExcept((byte)0))
            {
                return false;
            }
            offsetBytes = startBytes + part.Length;
        }
        return endBytes > neededBytes;
    }
}
