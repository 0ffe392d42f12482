using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.DeviceMapper;

/// <summary>What came of an import.</summary>
/// <param name="Blocks">Blocks that the cowfile holds.</param>
/// <param name="EqualBlocks">Blocks of changed chunks that were left out, for they are equal to the base.</param>
/// <param name="LosesRest">True when the last sector of the base, which is no whole block, had other content: a cowfile does not reach it.</param>
public readonly record struct DmImported(long Blocks, long EqualBlocks, bool LosesRest);

/// <summary>Makes a cowfile of the exception store of a device mapper snapshot; the store and the base stay as they are.</summary>
public sealed class DmImporter
{
    private readonly ExceptionTable _table;
    private readonly BaseImage _image;
    private readonly CheckedFile _view;
    private readonly CheckedFile _origin;

    private DmImporter(ExceptionTable table, BaseImage image, CheckedFile view)
    {
        _table = table;
        _image = image;
        _view = view;
        _origin = new CheckedFile(image.File, image.Name);
    }

    /// <summary>Changed chunks.</summary>
    public long ExceptionCount => _table.ExceptionCount;

    /// <summary>Size of a chunk.</summary>
    public long ChunkBytes => _table.Geometry.ChunkBytes;

    /// <summary>Reads and verifies the table of a store.</summary>
    /// <param name="store">The store; nobody writes to it. Not owned, and needed until the import is done.</param>
    /// <param name="image">Its origin, without layers: the base of the cowfile.</param>
    /// <exception cref="CowloopException">It is no sound store, or not one of that origin.</exception>
    public static DmImporter Prepare(CheckedFile store, BaseImage image)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(image);
        // What is no whole sector no block device shows.
        long originBytes = image.LengthBytes - image.LengthBytes % DmHeader.SectorBytes;
        var table = ExceptionTable.Read(store, originBytes);
        return new DmImporter(table, image, new CheckedFile(new DmView(store.File, table, image.File, originBytes), $"{store.Name} on {image.Name}"));
    }

    /// <summary>Writes the cowfile.</summary>
    /// <param name="destination">Gets it; new and empty. The caller makes it durable, and removes it after an exception.</param>
    /// <param name="id">Its identity.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">A file can't be read or written.</exception>
    public DmImported Run(CheckedFile destination, Guid id, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(observer);
        CowLayout layout = _image.Layout;
        long changedCount = 0;
        foreach (BlockRun run in ChangedBlocks())
        {
            changedCount += run.BlockCount;
        }
        observer.Begin("importing", changedCount * CowLayout.BlockSize);
        destination.SetLength(layout.FullLengthBytes, Fault.WriteData);
        destination.Reserve(0, layout.EmptyLengthBytes, Fault.WriteBitmap);
        BitmapEdit.Add(CopyDifferent(destination, observer), destination, layout);
        CowContents contents = CowfileChecks.Count(destination, layout);
        destination.SetLength(layout.LengthBytesFor(contents.HighestBlock), Fault.WriteData);
        WriteHead(destination, id, contents);
        return new DmImported(contents.UsedBlocks, changedCount - contents.UsedBlocks, LosesRest());
    }

    /// <summary>The blocks that changed chunks reach into, in ascending order. Chunks of one sector share them.</summary>
    private IEnumerable<BlockRun> ChangedBlocks()
    {
        long doneBlocks = 0;
        foreach (ExceptionRun run in _table.Runs)
        {
            long first = Math.Max(doneBlocks, run.OldChunk * ChunkBytes / CowLayout.BlockSize);
            long end = Math.Min(_image.Layout.BlockCount, (run.OldEnd * ChunkBytes + CowLayout.BlockSize - 1) / CowLayout.BlockSize);
            if (end > first)
            {
                yield return new BlockRun(first, end - first);
                doneBlocks = end;
            }
        }
    }

    /// <summary>Copies the blocks that are not as in the base, and yields them.</summary>
    private IEnumerable<BlockRun> CopyDifferent(CheckedFile destination, IWorkObserver observer)
    {
        var comparer = new BlockComparer(_view, 0, _origin, 0);
        var copier = new BlockCopier(_view, 0, destination, _image.Layout.DataOffsetBytes);
        foreach (BlockRun changed in ChangedBlocks())
        {
            foreach (ComparedRun compared in comparer.Compare(changed, observer))
            {
                if (!compared.IsEqual)
                {
                    copier.Copy(compared.Run.FirstBlock, compared.Run.EndBlock, NobodyWatches.Instance);
                    yield return compared.Run;
                }
            }
        }
    }

    private void WriteHead(CheckedFile destination, Guid id, CowContents contents)
    {
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowHeader.ForNewFile(_image.Layout, _image.Fingerprint) with
        {
            Flags = CowFlags.BitmapDecides,
            UsedBlocks = (ulong)contents.UsedBlocks,
        };
        header.Encode(headerBlock);
        BaseGuard.Describe(_image, id, verify: false, parentPath: null).Encode(headerBlock);
        destination.Write(0, headerBlock, Fault.WriteHeader);
    }

    private bool LosesRest()
    {
        long startBytes = _image.Layout.DeviceBytes;
        byte[] rest = new byte[_view.LengthBytes - startBytes];
        byte[] restOfBase = new byte[rest.Length];
        _view.Read(startBytes, rest, Fault.ReadData);
        _origin.Read(startBytes, restOfBase, Fault.ReadData);
        return !rest.AsSpan().SequenceEqual(restOfBase);
    }
}
