using System.Buffers;
using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>What a rebase has done.</summary>
/// <param name="CopiedBlocks">Blocks copied into the cowfile, because the old and the new differ there.</param>
/// <param name="DroppedBlocks">Blocks taken out, because they are equal to the new.</param>
public sealed record RebaseReport(long CopiedBlocks, long DroppedBlocks);

/// <summary>
/// Puts a cowfile on something else, in such a way that what is read stays the same: first it gets all blocks in which old and new differ and that it does
/// not hold; then header and record name the new; then what is equal to the new is taken out. So its generation stays, and what lies on it is good as before.
/// </summary>
/// <remarks>
/// The first step changes nothing of what is read on the old, the third nothing of what is read on the new. Of the second either sector may land alone:
/// then the cowfile is refused on both, and the same rebase finishes it.
/// </remarks>
public sealed class Rebaser
{
    private readonly CowfileEdit _edit;
    private readonly BaseImage? _old;
    private readonly BaseImage _new;
    private readonly CowHeader _header;
    private readonly ExtensionRecord? _record;

    private Rebaser(CowfileEdit edit, BaseImage? old, BaseImage @new, CowHeader header, ExtensionRecord? record)
    {
        _edit = edit;
        _old = old;
        _new = @new;
        _header = header;
        _record = record;
    }

    /// <summary>True when the cowfile names the new already: a rebase was interrupted in its last step, or there is nothing to do.</summary>
    public bool IsOnNew => _old is null;

    /// <summary>Verifies that the cowfile is sound and lies on the old; nothing changes.</summary>
    /// <param name="cowfile">The cowfile; nobody else uses it.</param>
    /// <param name="old">What it lies on.</param>
    /// <param name="new">What it is to lie on.</param>
    /// <param name="parentPath">Where the topmost layer of the new is, seen from the cowfile; null when there is none.</param>
    /// <exception cref="CowloopException">It is not sound, lies on something else, or can't lie on the new.</exception>
    public static Rebaser Prepare(CheckedFile cowfile, BaseImage old, BaseImage @new, string? parentPath)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        ArgumentNullException.ThrowIfNull(old);
        ArgumentNullException.ThrowIfNull(@new);
        CowfileEdit edit = Open(cowfile, @new);
        RequireSameSize(old.Layout, old.Name, @new);
        Parentage.RequireWhole(old.Top);
        if (RefusalOf(edit, old, old, @new) is not CowloopException refusal)
        {
            // Also one that is good on both: when nothing is missing from the old, nothing is copied.
            return Create(edit, old, @new, parentPath);
        }
        return RefusalOf(edit, @new, old, @new) is null ? Create(edit, null, @new, parentPath) : throw refusal;
    }

    /// <summary>Names something else below a cowfile and copies nothing: for one that was moved or whose base was replaced by an equal one.</summary>
    /// <param name="cowfile">The cowfile; nobody else uses it.</param>
    /// <param name="new">What it is to lie on.</param>
    /// <param name="parentPath">Where the topmost layer of the new is, seen from the cowfile; null when there is none.</param>
    /// <exception cref="CowloopException">It is not sound, can't lie on the new, or can't be written.</exception>
    public static void RenameBelow(CheckedFile cowfile, BaseImage @new, string? parentPath)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        ArgumentNullException.ThrowIfNull(@new);
        Create(Open(cowfile, @new), null, @new, parentPath).Switch();
    }

    /// <summary>Rebases; the cowfile is clean and durable on return.</summary>
    /// <param name="mayDiffer">The layers that old and new do not have in common; see <see cref="ViewComparison.Prepare"/>.</param>
    /// <param name="allocateZeroedWords">Memory, as for <see cref="Bitmap"/>.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">A file can't be read or written; the cowfile may be dirty. Repaired, the same rebase finishes it.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the cowfile is clean, on the old or on the new, and the same rebase finishes it.</exception>
    public RebaseReport Run(IReadOnlyList<Layer>? mayDiffer, Func<int, IMemoryOwner<ulong>> allocateZeroedWords, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        long copiedBlocks = _old is null ? 0 : CopyDifferences(_old, mayDiffer, allocateZeroedWords, observer);
        Switch();
        long heldBlocks = CowfileChecks.Count(_edit.File, _edit.Layout).UsedBlocks;
        observer.Begin("compacting", heldBlocks * CowLayout.BlockSize);
        return new RebaseReport(copiedBlocks, EqualBlocks.Drop(_edit, _new.File, _new.Name, observer));
    }

    private static CowfileEdit Open(CheckedFile cowfile, BaseImage @new)
    {
        var edit = new CowfileEdit(cowfile);
        _ = edit.RequireSound();
        Parentage.RequireWhole(edit.ToLayer());
        Parentage.RequireWhole(@new.Top);
        if (edit.Record?.IsLargerThanBase != true)
        {
            RequireSameSize(edit.Layout, cowfile.Name, @new);
        }
        else if (edit.Layout.BlockCount < @new.Layout.BlockCount)
        {
            throw OtherSize(edit.Layout, cowfile.Name, @new);
        }
        return edit;
    }

    private static Rebaser Create(CowfileEdit edit, BaseImage? old, BaseImage @new, string? parentPath)
    {
        bool isLarger = edit.Layout.BlockCount > @new.LengthBytes / CowLayout.BlockSize;
        ExtensionRecord? record = edit.Record is not ExtensionRecord former
            ? null
            : BaseGuard.Describe(@new, former.Id, verify: false, parentPath) with
            {
                Generation = former.Generation,
                IsSealed = former.IsSealed,
                Merged = former.Merged,
                AcceptedChangeCount = former.AcceptedChangeCount,
                IsLargerThanBase = isLarger,
            };
        CowHeader header = edit.Header with
        {
            Fingerprint = @new.Fingerprint,
            Version = CowHeader.VersionFor(edit.Layout, record?.IsLargerThanBase == true),
        };
        return new Rebaser(edit, old, @new, header, record);
    }

    /// <summary>Why a cowfile can't lie on one of the two; null when it can. The fingerprint in its header may be that of the other one.</summary>
    private static CowloopException? RefusalOf(CowfileEdit edit, BaseImage image, BaseImage old, BaseImage @new)
    {
        try
        {
            bool isOtherFingerprint = edit.Header.Fingerprint != old.Fingerprint && edit.Header.Fingerprint != @new.Fingerprint;
            BaseGuard.RequireBelow(edit.Header, edit.Record, edit.File.Name, image, isOtherFingerprint, new BaseOptions());
            return null;
        }
        catch (CowloopException exception) when (exception.Errno == Errno.EINVAL)
        {
            return exception;
        }
    }

    private static void RequireSameSize(CowLayout layout, string name, BaseImage @new)
    {
        if (layout.BlockCount != @new.Layout.BlockCount)
        {
            throw OtherSize(layout, name, @new);
        }
    }

    private static CowloopException OtherSize(CowLayout layout, string name, BaseImage @new) => new(
        Errno.EINVAL,
        $"{@new.Name} has {@new.Layout.BlockCount} blocks and {name} has {layout.BlockCount}: a cowfile can be rebased only onto something of the same size",
        "make the new base as large as the old one")
    {
        Fault = Fault.OtherSize,
    };

    private long CopyDifferences(
        BaseImage old,
        IReadOnlyList<Layer>? mayDiffer,
        Func<int, IMemoryOwner<ulong>> allocateZeroedWords,
        IWorkObserver observer)
    {
        var view = new CheckedFile(old.File, old.Name);
        using ViewComparison comparison = ViewComparison.Prepare(view, new CheckedFile(_new.File, _new.Name), mayDiffer, allocateZeroedWords);
        // A larger device reads zeros behind the end of what it lies on, which need not be the end of a block.
        var copy = new MissingBlocks(_edit, new CheckedFile(GrownFile.AtLeast(old.File, _edit.Layout.DeviceBytes), old.Name));
        try
        {
            foreach (BlockRun run in comparison.Differences(observer))
            {
                copy.Add(run);
            }
        }
        catch (OperationCanceledException)
        {
            copy.Finish();
            if (_edit.IsDirty)
            {
                _ = _edit.MarkClean();
            }
            throw;
        }
        copy.Finish();
        return copy.CopiedBlockCount;
    }

    private void Switch() => _edit.Write(_header with { Flags = _edit.Header.Flags, UsedBlocks = _edit.Header.UsedBlocks }, _record);
}
