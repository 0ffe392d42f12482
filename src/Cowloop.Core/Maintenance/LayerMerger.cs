using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Writes the blocks of a cowfile into the layer that it lies on. What is read with the upper one on top is the same before, during and after that, so
/// both may be in use for reading meanwhile: only blocks and bits are added to the layer that the upper one hides.
/// </summary>
/// <remarks>
/// Needs no journal. The layer's record tells first, durably, that its content is another from now on, and through which upper one alone it may be
/// seen: what else lies on it is refused, never misread. Then data, then bits, each durable; then the clean header; and only then the record says that
/// the layer is whole again. Header and record are never changed at once, so it does not matter which sectors of the header block land. Interrupted
/// anywhere, the same merge does the rest.
/// </remarks>
public sealed class LayerMerger
{
    private readonly CheckedFile _upper;
    private readonly CowLayout _layout;
    private readonly ExtensionRecord _upperRecord;
    private readonly CowfileEdit _lower;

    private LayerMerger(CheckedFile upper, CowLayout layout, ExtensionRecord upperRecord, CowfileEdit lower, long blockCount)
    {
        _upper = upper;
        _layout = layout;
        _upperRecord = upperRecord;
        _lower = lower;
        BlockCount = blockCount;
    }

    /// <summary>Blocks of the upper one: what is to be written.</summary>
    public long BlockCount { get; }

    /// <summary>True when there is nothing left to do: it is merged already.</summary>
    public bool IsDone => IsOurs && _lower.Record!.Merged!.Value is { IsComplete: true } merged && merged.Generation == _upperRecord.Generation;

    /// <summary>True when this merge was begun before, and interrupted.</summary>
    public bool IsInterrupted => IsOurs && !_lower.Record!.Merged!.Value.IsComplete;

    /// <summary>The layer's record as last written, or as found.</summary>
    public ExtensionRecord Record => _lower.Record!;

    private bool IsOurs => _lower.Record!.Merged is MergedLayer merged && merged.IsSource(_upperRecord);

    /// <summary>Verifies that the two belong together and are sound; nothing changes.</summary>
    /// <param name="upper">The upper one; nobody writes to it.</param>
    /// <param name="lower">The layer that it lies on; nobody else writes to it, and whoever reads it has the upper one on top.</param>
    /// <exception cref="CowloopException">They can't be merged.</exception>
    public static LayerMerger Prepare(CheckedFile upper, CheckedFile lower)
    {
        ArgumentNullException.ThrowIfNull(upper);
        ArgumentNullException.ThrowIfNull(lower);
        var source = new CowfileEdit(upper);
        var target = new CowfileEdit(lower);
        ExtensionRecord upperRecord = RequireRecord(source);
        _ = RequireRecord(target);
        long blockCount = source.RequireSound().UsedBlocks;
        Parentage.RequireWhole(source.ToLayer());
        Parentage.Require(upperRecord, upper.Name, target.ToLayer());
        if (source.Layout.BlockCount != target.Layout.BlockCount)
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"the device of {upper.Name} is larger than that of {lower.Name}, which cannot grow",
                $"make a new cowfile of both: cowloop merge {ShellWord.ForPath(upper.Name)} --into NEW.cow")
            {
                Fault = Fault.OtherSize,
            };
        }
        var merger = new LayerMerger(upper, source.Layout, upperRecord, target, blockCount);
        if (!merger.IsInterrupted)
        {
            _ = target.RequireSound();
        }
        return merger;
    }

    /// <summary>Merges; the layer is durable, clean and whole on return.</summary>
    /// <exception cref="CowloopException">A file can't be read or written; the same merge finishes it.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the same merge finishes it.</exception>
    public void Run(IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        if (IsDone)
        {
            return;
        }
        observer.Begin("merging", BlockCount * CowLayout.BlockSize);
        observer.Advance(0);
        if (!IsInterrupted)
        {
            Announce();
        }
        _lower.MarkDirty();
        var copier = new BlockCopier(_upper, _layout.DataOffsetBytes, _lower.File, _layout.DataOffsetBytes);
        foreach (BlockRun run in CowRuns.Read(_upper, _layout))
        {
            copier.Copy(run.FirstBlock, run.EndBlock, observer);
        }
        _lower.File.Sync(Fault.WriteData);
        BitmapEdit.Add(CowRuns.Read(_upper, _layout), _lower.File, _layout);
        _ = _lower.MarkClean();
        _lower.Write(_lower.Header, Record with { Merged = Record.Merged!.Value with { IsComplete = true } });
    }

    /// <summary>
    /// Lets the upper one name the layer as it is after the merge, durably. Else it fits only until it is written to again: its former name for
    /// the layer is good for its present generation alone.
    /// </summary>
    /// <param name="upper">The upper one; nobody else uses it.</param>
    /// <param name="lower">The layer's record after the merge.</param>
    /// <exception cref="CowloopException">It can't be written.</exception>
    public static void Relink(CheckedFile upper, ExtensionRecord lower)
    {
        ArgumentNullException.ThrowIfNull(lower);
        var edit = new CowfileEdit(upper);
        ExtensionRecord record = RequireRecord(edit);
        if (record.Parent is ParentLink parent && parent.Id == lower.Id && parent.Generation != lower.Generation)
        {
            edit.Write(edit.Header, record with { Parent = lower.ToLink(parent.Path) });
        }
    }

    private static ExtensionRecord RequireRecord(CowfileEdit edit) => edit.Record ?? throw new CowloopException(
        Errno.EINVAL,
        $"{edit.File.Name} is a plain cowfile: it cannot say what a merge has made of it, and to what it belongs",
        "make a new cowfile of both, and keep these: cowloop merge LOWER UPPER --into NEW.cow --base BASE")
    {
        Fault = Fault.OtherParent,
    };

    private void Announce()
    {
        ExtensionRecord former = Record;
        // What the upper one calls it: an older one where it was merged before, and not tied to the result.
        ulong knownGeneration = _upperRecord.Parent!.Value.Generation;
        _lower.Write(_lower.Header, former with
        {
            Generation = former.Generation + 1,
            Merged = new MergedLayer(_upperRecord.Id, _upperRecord.Generation, knownGeneration, IsComplete: false),
        });
    }
}
