using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>
/// Copies a cowfile into another store: the same blocks, the same identity, so what lies on it lies on the copy as well. A classic one becomes a compact
/// one, and the reverse.
/// </summary>
public sealed class Converter
{
    private readonly CheckedFile _source;
    private readonly CowfileEdit _found;

    private Converter(CheckedFile source, CowfileEdit found, long blockCount)
    {
        _source = source;
        _found = found;
        BlockCount = blockCount;
    }

    /// <summary>Layout of both.</summary>
    public CowLayout Layout => _found.Layout;

    /// <summary>Blocks that the cowfile holds.</summary>
    public long BlockCount { get; }

    /// <summary>Verifies a cowfile.</summary>
    /// <param name="source">It; nobody writes to it meanwhile.</param>
    /// <exception cref="CowloopException">It is dirty, packed, damaged, or can't be read.</exception>
    public static Converter Prepare(CheckedFile source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var found = new CowfileEdit(source);
        return new Converter(source, found, found.RequireSound().UsedBlocks);
    }

    /// <summary>Copies it.</summary>
    /// <param name="target">Gets it; new and empty. The caller makes it durable, and removes it after an exception.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">The source can't be read, or the target not written.</exception>
    public void Run(CheckedFile target, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("converting", BlockCount * CowLayout.BlockSize);
        target.SetLength(Layout.FullLengthBytes, Fault.WriteData);
        target.Reserve(0, Layout.EmptyLengthBytes, Fault.WriteBitmap);
        var copier = new BlockCopier(_source, Layout.DataOffsetBytes, target, Layout.DataOffsetBytes);
        foreach (BlockRun run in CowRuns.Read(_source, Layout))
        {
            copier.Copy(run.FirstBlock, run.EndBlock, observer);
        }
        BitmapEdit.Add(CowRuns.Read(_source, Layout), target, Layout);
        target.SetLength(Layout.LengthBytesFor(CowfileChecks.Count(target, Layout).HighestBlock), Fault.WriteData);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        _source.Read(0, headerBlock, Fault.ReadHeader);
        target.Write(0, headerBlock, Fault.WriteHeader);
    }
}
