namespace Cowloop.Core.Maintenance;

/// <summary>Copies blocks into a cowfile that it does not hold, so that it reads as before whatever is put below it.</summary>
/// <param name="edit">The cowfile: dirty from its first new block on.</param>
/// <param name="below">What it lies on now.</param>
internal sealed class MissingBlocks(CowfileEdit edit, CheckedFile below)
{
    private readonly BitmapEdit _bitmap = new(edit.File, edit.Layout);
    private readonly BlockCopier _copier = new(below, 0, edit.File, edit.Layout.DataOffsetBytes);
    private bool _isDirty;

    /// <summary>Blocks copied.</summary>
    public long CopiedBlockCount { get; private set; }

    /// <summary>Copies those blocks of a run that are missing.</summary>
    /// <param name="run">The blocks; behind those of earlier calls. The cowfile's device may end before them.</param>
    /// <exception cref="CowloopException">A file can't be read or written.</exception>
    public void Add(BlockRun run)
    {
        long endBlock = Math.Min(run.EndBlock, edit.Layout.BlockCount);
        for (long block = run.FirstBlock; block < endBlock;)
        {
            if (block >= _bitmap.EndBlock)
            {
                WriteBits();
                _bitmap.Load(block);
            }
            if (!_bitmap.TryNextFound(block, isSet: false, out BlockRun missing) || missing.FirstBlock >= endBlock)
            {
                block = Math.Min(endBlock, _bitmap.EndBlock);
                continue;
            }
            missing = missing with { BlockCount = Math.Min(missing.EndBlock, endBlock) - missing.FirstBlock };
            if (!_isDirty)
            {
                edit.MarkDirty();
                _isDirty = true;
            }
            _copier.Copy(missing.FirstBlock, missing.EndBlock, NobodyWatches.Instance);
            _bitmap.Set(missing, isSet: true);
            CopiedBlockCount += missing.BlockCount;
            block = missing.EndBlock;
        }
    }

    /// <summary>Makes all of them durable, and findable.</summary>
    /// <exception cref="CowloopException">That can't be done.</exception>
    public void Finish()
    {
        WriteBits();
        if (_isDirty)
        {
            edit.File.Sync(Fault.WriteBitmap);
        }
    }

    /// <summary>A bit is written only when its block is durable.</summary>
    private void WriteBits()
    {
        if (_bitmap.HasChanged)
        {
            edit.File.Sync(Fault.WriteData);
            _bitmap.Write();
        }
    }
}
