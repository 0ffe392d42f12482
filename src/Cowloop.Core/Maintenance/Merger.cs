using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Writes the blocks of a cowfile into its base (specification 5.9). Everything is verified before anything changes. What the fingerprint is made of is
/// written last, after all the rest is durable, so an interrupted merge can be told from a foreign base, and finished.
/// </summary>
public sealed class Merger
{
    private readonly CheckedFile _cowfile;
    private readonly CheckedFile _base;
    private readonly CowLayout _layout;
    private readonly long _windowBlockCount;

    private Merger(CheckedFile cowfile, CheckedFile baseFile, CowLayout layout, long windowBlockCount, CowContents contents)
    {
        _cowfile = cowfile;
        _base = baseFile;
        _layout = layout;
        _windowBlockCount = windowBlockCount;
        BlockCount = contents.UsedBlocks;
    }

    /// <summary>Blocks to be written.</summary>
    public long BlockCount { get; }

    /// <summary>Verifies that the two belong together and that the cowfile is sound.</summary>
    /// <param name="cowfile">The cowfile; nobody else writes to it.</param>
    /// <param name="header">Its header: version 1, not packed, not dirty.</param>
    /// <param name="baseFile">The base; nobody else uses it.</param>
    /// <param name="resume">Accept a base on which the merge of this cowfile was interrupted.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">They can't be merged; nothing has changed.</exception>
    public static Merger Prepare(CheckedFile cowfile, CowHeader header, CheckedFile baseFile, bool resume, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        ArgumentNullException.ThrowIfNull(header);
        ArgumentNullException.ThrowIfNull(baseFile);
        ArgumentNullException.ThrowIfNull(observer);
        CowLayout layout = CowfileChecks.RequireLayout(header, cowfile.Name);
        CowfileChecks.RequireBitmap(cowfile, layout);
        RequireOnBase(cowfile, baseFile);
        long baseBlockCount = baseFile.LengthBytes / CowLayout.BlockSize;
        uint fingerprint = BaseFingerprint.Compute(baseFile.File, baseBlockCount, out long windowBlockCount);
        bool isSameSize = baseBlockCount == layout.BlockCount;
        if (fingerprint != header.Fingerprint)
        {
            if (isSameSize)
            {
                observer.Begin("comparing", CowfileChecks.RequireSound(cowfile, header, layout).UsedBlocks * CowLayout.BlockSize);
            }
            bool isInterrupted = isSameSize && MergeResume.IsPossible(cowfile, header, layout, baseFile, observer);
            if (!isInterrupted || !resume)
            {
                throw Refused(
                    Fault.OtherBase,
                    $"{baseFile.Name} is not the rdofile that {cowfile.Name} was made for, or it has changed since",
                    isInterrupted
                        ? "if a merge of these two was interrupted, --resume finishes it: everything but the fingerprinted blocks is there already"
                        : "name the rdofile that this cowfile was made for, unchanged");
            }
            // Whatever the order, all that is written now is there already or belongs to the window.
            windowBlockCount = layout.BlockCount;
        }
        if (!isSameSize)
        {
            throw Refused(
                Fault.OtherSize,
                $"{baseFile.Name} has {baseBlockCount} blocks, and {cowfile.Name} was made for one with {layout.BlockCount}",
                header.Version == CowHeader.LargerVersion && layout.BlockCount > baseBlockCount
                    ? $"its device is larger than its base; make a new image of it: {FlattenCommand(cowfile, baseFile)}"
                    : "name the rdofile that this cowfile was made for");
        }
        CowContents contents = CowfileChecks.RequireSound(cowfile, header, layout);
        if (!resume && CowfileChecks.ReadRecord(cowfile) is ExtensionRecord record)
        {
            RequireSameContent(record, cowfile, baseFile);
        }
        return new Merger(cowfile, baseFile, layout, windowBlockCount, contents);
    }

    /// <summary>Writes the blocks; they are durable on return.</summary>
    /// <exception cref="CowloopException">A file can't be read or written; resuming finishes the merge.</exception>
    public void Run(IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("merging", BlockCount * CowLayout.BlockSize);
        var copier = new BlockCopier(_cowfile, _layout.DataOffsetBytes, _base, targetOffsetBytes: 0);
        foreach (BlockRun run in CowRuns.Read(_cowfile, _layout))
        {
            copier.Copy(Math.Max(run.FirstBlock, _windowBlockCount), run.EndBlock, observer);
        }
        _base.Sync(Fault.WriteData);
        foreach (BlockRun run in CowRuns.Read(_cowfile, _layout))
        {
            if (run.FirstBlock >= _windowBlockCount)
            {
                break;
            }
            copier.Copy(run.FirstBlock, Math.Min(run.EndBlock, _windowBlockCount), observer);
        }
        _base.Sync(Fault.WriteData);
    }

    /// <summary>The fingerprint sees little. A merge that was interrupted before it came to the fingerprinted blocks has changed the rest already.</summary>
    private static void RequireSameContent(ExtensionRecord record, CheckedFile cowfile, CheckedFile baseFile)
    {
        if (!CowfileChecks.IsUnchanged(record, baseFile))
        {
            throw Refused(
                Fault.OtherBase,
                $"{baseFile.Name} has changed since {cowfile.Name} was made for it",
                "bring the unchanged rdofile back; or, if a merge of these two was interrupted, --resume finishes it");
        }
    }

    /// <summary>What is written into a base must have been made for it: the blocks of a file on a layer were made for what is seen through that.</summary>
    private static void RequireOnBase(CheckedFile cowfile, CheckedFile baseFile)
    {
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        cowfile.Read(0, headerBlock, Fault.ReadHeader);
        // A damaged record is told of where the base is known to be right: that comes first.
        _ = ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record);
        if (record?.Parent is ParentLink parent)
        {
            string layer = parent.Path.Length > 0 ? ShellWord.ForPath(Path.Combine(Path.GetDirectoryName(cowfile.Name) ?? "", parent.Path)) : "LAYER";
            throw Refused(
                Fault.OtherParent,
                $"{cowfile.Name} lies on layer {Parentage.Describe(parent)}, not on {baseFile.Name} itself",
                $"merge it into its layer first: cowloop merge {ShellWord.ForPath(cowfile.Name)} --into {layer}; "
                + $"or make a new image of all: {FlattenCommand(cowfile, baseFile)}");
        }
        if (record?.Merged is { IsComplete: false })
        {
            throw Refused(
                Fault.OtherParent,
                $"a merge into {cowfile.Name} was interrupted: it holds only a part of what was merged",
                "finish that first: run the same cowloop merge again");
        }
    }

    private static string FlattenCommand(CheckedFile cowfile, CheckedFile baseFile) =>
        $"cowloop flatten {ShellWord.ForPath(baseFile.Name)} {ShellWord.ForPath(cowfile.Name)} -o NEW.img";

    private static CowloopException Refused(Fault fault, string reason, string hint) => new(Errno.EINVAL, reason, hint) { Fault = fault };
}
