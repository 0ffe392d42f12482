using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>Makes one new cowfile of a layer and the cowfile on it; both stay as they are. It lies on what the layer lies on.</summary>
public sealed class LayerJoiner
{
    private readonly CowfileEdit _upper;
    private readonly CowfileEdit _lower;

    private LayerJoiner(CowfileEdit upper, CowfileEdit lower, long copiedBlockCount)
    {
        _upper = upper;
        _lower = lower;
        CopiedBlockCount = copiedBlockCount;
    }

    /// <summary>Blocks of both together; the new one holds at most so many.</summary>
    public long CopiedBlockCount { get; }

    /// <summary>Verifies that both are sound and belong together.</summary>
    /// <param name="upper">The upper one; nobody writes to it.</param>
    /// <param name="lower">The layer that it lies on; nobody writes to it.</param>
    /// <exception cref="CowloopException">They can't be joined.</exception>
    public static LayerJoiner Prepare(CheckedFile upper, CheckedFile lower)
    {
        ArgumentNullException.ThrowIfNull(upper);
        ArgumentNullException.ThrowIfNull(lower);
        var source = new CowfileEdit(upper);
        var target = new CowfileEdit(lower);
        long blockCount = source.RequireSound().UsedBlocks + target.RequireSound().UsedBlocks;
        Layer layer = target.ToLayer();
        Parentage.RequireWhole(source.ToLayer());
        Parentage.RequireWhole(layer);
        Parentage.Require(source.Record, upper.Name, layer);
        if (source.Layout.BlockCount < target.Layout.BlockCount || (source.Layout.BlockCount > target.Layout.BlockCount && target.Record is null))
        {
            throw new CowloopException(
                Errno.EINVAL,
                $"the device of {upper.Name} has {source.Layout.BlockCount} blocks, and that of {lower.Name} {target.Layout.BlockCount}",
                "make a new image of all: cowloop flatten BASE LOWER UPPER -o NEW.img")
            {
                Fault = Fault.OtherSize,
            };
        }
        return new LayerJoiner(source, target, blockCount);
    }

    /// <summary>Layout of the new cowfile.</summary>
    public CowLayout Layout => _upper.Layout;

    /// <summary>Writes the new cowfile.</summary>
    /// <param name="destination">Gets it; new and empty. The caller makes it durable, and removes it after an exception.</param>
    /// <param name="id">Its identity; it has a record where the layer has one.</param>
    /// <param name="rebasePath">Turns a path as it is seen from the layer into one that is seen from the new file.</param>
    /// <param name="observer">Who looks on.</param>
    /// <returns>What it holds.</returns>
    /// <exception cref="CowloopException">A file can't be read or written.</exception>
    public CowContents Run(CheckedFile destination, Guid id, Func<string, string> rebasePath, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(rebasePath);
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("merging", CopiedBlockCount * CowLayout.BlockSize);
        CowLayout layout = _upper.Layout;
        destination.SetLength(layout.FullLengthBytes, Fault.WriteData);
        destination.Reserve(0, layout.EmptyLengthBytes, Fault.WriteBitmap);
        // The upper one's later: what both have is overwritten.
        Copy(_lower);
        Copy(_upper);
        CowContents contents = WriteBitmap();
        destination.SetLength(layout.LengthBytesFor(contents.HighestBlock), Fault.WriteData);
        WriteHead(contents);
        return contents;

        void Copy(CowfileEdit source)
        {
            var copier = new BlockCopier(source.File, source.Layout.DataOffsetBytes, destination, layout.DataOffsetBytes);
            foreach (BlockRun run in CowRuns.Read(source.File, source.Layout))
            {
                copier.Copy(run.FirstBlock, run.EndBlock, observer);
            }
        }

        CowContents WriteBitmap()
        {
            foreach (CowfileEdit source in new[] { _lower, _upper })
            {
                BitmapEdit.Add(CowRuns.Read(source.File, source.Layout), destination, layout);
            }
            if (HidesRestOfBase())
            {
                BitmapEdit.Add([new BlockRun(_lower.Layout.BlockCount, 1)], destination, layout);
            }
            return CowfileChecks.Count(destination, layout);
        }

        // On the layer the larger one has zeros behind the last whole block of the base; on the base itself it would show the rest of that.
        bool HidesRestOfBase() => layout.BlockCount > _lower.Layout.BlockCount
            && _lower.Record is { Parent: null } lowest
            && (ulong)lowest.BaseLengthBytes > (ulong)_lower.Layout.DeviceBytes;

        void WriteHead(CowContents written)
        {
            byte[] headerBlock = new byte[CowLayout.BlockSize];
            ExtensionRecord? record = _lower.Record is ExtensionRecord former ? RecordFor(former) : null;
            CowHeader header = CowHeader.ForNewFile(layout, _lower.Header.Fingerprint) with
            {
                Version = CowHeader.VersionFor(layout, record?.IsLargerThanBase == true),
                Flags = record is null ? CowFlags.None : CowFlags.BitmapDecides,
                UsedBlocks = (ulong)written.UsedBlocks,
            };
            header.Encode(headerBlock);
            record?.Encode(headerBlock);
            destination.Write(0, headerBlock, Fault.WriteHeader);
        }

        ExtensionRecord RecordFor(ExtensionRecord former) => former with
        {
            Id = id,
            Generation = 0,
            IsSealed = false,
            Merged = null,
            IsLargerThanBase = former.IsLargerThanBase || _upper.Record?.IsLargerThanBase == true,
            BasePath = rebasePath(former.BasePath),
            Parent = former.Parent is ParentLink parent ? parent with { Path = rebasePath(parent.Path) } : null,
        };
    }
}
