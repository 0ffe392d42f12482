using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Makes a cowfile smaller: takes out the blocks that are equal to what lies below. What is read stays the same, so its generation does, and what lies on
/// it is good as before.
/// </summary>
public sealed class Compacter
{
    private readonly CowfileEdit _edit;
    private readonly BaseImage _below;

    private Compacter(CowfileEdit edit, BaseImage below, long blockCount)
    {
        _edit = edit;
        _below = below;
        BlockCount = blockCount;
    }

    /// <summary>Blocks that it holds: what is to be compared.</summary>
    public long BlockCount { get; }

    /// <summary>Verifies that the cowfile is sound and lies on what is given; nothing changes.</summary>
    /// <param name="cowfile">The cowfile; nobody else uses it.</param>
    /// <param name="below">What it lies on.</param>
    /// <param name="options">What the user wants of the base.</param>
    /// <exception cref="CowloopException">It is not sound, or does not.</exception>
    public static Compacter Prepare(CheckedFile cowfile, BaseImage below, BaseOptions options)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        ArgumentNullException.ThrowIfNull(below);
        var edit = new CowfileEdit(cowfile);
        long blockCount = edit.RequireSound().UsedBlocks;
        Parentage.RequireWhole(edit.ToLayer());
        Parentage.RequireWhole(below.Top);
        BaseGuard.RequireBelow(edit.Header, edit.Record, cowfile.Name, below, edit.Header.Fingerprint != below.Fingerprint, options);
        return new Compacter(edit, below, blockCount);
    }

    /// <summary>Compacts; the cowfile is clean and durable on return.</summary>
    /// <returns>Blocks taken out.</returns>
    /// <exception cref="CowloopException">A file can't be read or written; the cowfile may be dirty. Repaired, it can be compacted again.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the cowfile is clean, and what was found so far is out.</exception>
    public long Run(IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("compacting", BlockCount * CowLayout.BlockSize);
        return EqualBlocks.Drop(_edit, _below.File, _below.Name, observer);
    }
}
