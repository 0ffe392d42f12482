using Cowloop.Core.Format;
using Cowloop.Core.Layers;

namespace Cowloop.Core.Maintenance;

/// <summary>Packs a cowfile: header, bitmap, and its blocks without the holes between them (specification 5.8.1).</summary>
public sealed class Packer
{
    private const int BufferBytes = 1 << 20;

    private readonly CheckedFile _cowfile;
    private readonly CowLayout _layout;
    private readonly byte[] _structure;

    private Packer(CheckedFile cowfile, CowLayout layout, byte[] structure, long blockCount)
    {
        _cowfile = cowfile;
        _layout = layout;
        _structure = structure;
        BlockCount = blockCount;
    }

    /// <summary>Blocks to be packed.</summary>
    public long BlockCount { get; }

    /// <summary>Verifies that a cowfile can be packed.</summary>
    /// <param name="cowfile">The cowfile; nobody writes to it.</param>
    /// <exception cref="CowloopException">It is no sound, clean and unpacked cowfile, or can't be read.</exception>
    public static Packer Prepare(CheckedFile cowfile)
    {
        ArgumentNullException.ThrowIfNull(cowfile);
        byte[] headerBlock = new byte[CowLayout.BlockSize];
        CowHeader header = CowfileChecks.ReadHeader(cowfile, headerBlock);
        CowfileChecks.RequireKnownVersion(header, cowfile.Name);
        CowfileChecks.RequireClean(header, cowfile.Name);
        CowfileChecks.RequireUnpacked(header, cowfile.Name);
        CowLayout layout = CowfileChecks.RequireLayout(header, cowfile.Name);
        RequireClassic(headerBlock, cowfile.Name);
        long blockCount = CowfileChecks.RequireSound(cowfile, header, layout).UsedBlocks;
        header.EncodeFlags(headerBlock, header.Flags | CowFlags.Packed);
        return new Packer(cowfile, layout, headerBlock[..header.Variant.StructSize], blockCount);
    }

    /// <summary>Packs. The header keeps every field, word size and byte order; the reserved rest of the header block is dropped.</summary>
    /// <param name="target">Gets the result.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">The cowfile can't be read, or the target not written.</exception>
    public void Run(PackedTarget target, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("packing", _layout.BitmapBytes + BlockCount * CowLayout.BlockSize);
        target.Write(0, _structure, Fault.WriteHeader);
        byte[] buffer = new byte[BufferBytes];
        CopyBitmap(target, buffer, observer);
        CopyBlocks(target, buffer, observer);
        target.Finish(_layout.LengthBytesFor(BlockCount - 1));
    }

    /// <summary>A packed file has no room for the record, so what only that says would be lost, and the changes would appear in the wrong place.</summary>
    private static void RequireClassic(ReadOnlySpan<byte> headerBlock, string name)
    {
        if (ExtensionRecord.TryDecode(headerBlock, out ExtensionRecord? record) != RecordState.Present)
        {
            return;
        }
        string? reason = record switch
        {
            { Parent: ParentLink parent } => $"cowfile {name} lies on layer {Parentage.Describe(parent)}",
            { Merged.IsComplete: false } => $"a merge into cowfile {name} was interrupted",
            { IsLargerThanBase: true } => $"the device of cowfile {name} is larger than its rdofile",
            _ => null,
        };
        if (reason is not null)
        {
            throw new CowloopException(Errno.EINVAL, $"{reason}, which a packed file cannot say", "compress the cowfile as it is, for instance with zstd")
            {
                Fault = Fault.WrongVersion,
            };
        }
    }

    private void CopyBitmap(PackedTarget target, byte[] buffer, IWorkObserver observer)
    {
        long endBytes = CowLayout.BitmapOffsetBytes + _layout.BitmapBytes;
        for (long offsetBytes = CowLayout.BitmapOffsetBytes; offsetBytes < endBytes;)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, endBytes - offsetBytes));
            _cowfile.Read(offsetBytes, part, Fault.ReadBitmap);
            target.Write(offsetBytes, part, Fault.WriteBitmap);
            offsetBytes += part.Length;
            observer.Advance(part.Length);
        }
    }

    /// <summary>Gathers runs until the buffer is full: a run may be as short as one block.</summary>
    private void CopyBlocks(PackedTarget target, byte[] buffer, IWorkObserver observer)
    {
        long packedBytes = _layout.DataOffsetBytes;
        int filledBytes = 0;
        foreach (BlockRun run in CowRuns.Read(_cowfile, _layout))
        {
            for (long block = run.FirstBlock; block < run.EndBlock;)
            {
                int count = (int)Math.Min(run.EndBlock - block, (buffer.Length - filledBytes) / CowLayout.BlockSize);
                Span<byte> part = buffer.AsSpan(filledBytes, count * CowLayout.BlockSize);
                _cowfile.Read(_layout.DataOffsetBytes + block * CowLayout.BlockSize, part, Fault.ReadData);
                block += count;
                filledBytes += part.Length;
                if (filledBytes == buffer.Length)
                {
                    Flush();
                }
            }
        }
        Flush();

        void Flush()
        {
            target.Write(packedBytes, buffer.AsSpan(0, filledBytes), Fault.WriteData);
            observer.Advance(filledBytes);
            packedBytes += filledBytes;
            filledBytes = 0;
        }
    }
}
