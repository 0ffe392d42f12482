using Cowloop.Core.Format;

namespace Cowloop.Core.Maintenance;

/// <summary>Makes a cowfile of a packed one (specification 5.8.3).</summary>
public sealed class Unpacker
{
    private const int BufferBytes = 1 << 20;

    private readonly PackedSource _source;
    private readonly CowLayout _layout;
    private readonly byte[] _structure;

    private Unpacker(PackedSource source, CowLayout layout, byte[] structure, long blockCount)
    {
        _source = source;
        _layout = layout;
        _structure = structure;
        BlockCount = blockCount;
    }

    /// <summary>Blocks to be unpacked.</summary>
    public long BlockCount { get; }

    /// <summary>Layout of the cowfile.</summary>
    public CowLayout Layout => _layout;

    /// <summary>Verifies the header of a packed cowfile. Its bitmap and blocks come later in the stream, and are verified when they do.</summary>
    /// <param name="source">The packed cowfile; nothing has been read from it.</param>
    /// <exception cref="CowloopException">It is no packed cowfile, is incomplete, or can't be read.</exception>
    public static Unpacker Prepare(PackedSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        byte[] structure = new byte[HeaderVariant.Default.StructSize];
        CowHeader header = ReadHeader(source, structure);
        CowfileChecks.RequireKnownVersion(header, source.Name);
        CowfileChecks.RequireClean(header, source.Name);
        RequirePacked(header, source.Name);
        CowLayout layout = CowfileChecks.RequireLayout(header, source.Name);
        if (header.UsedBlocks > header.BlockCount)
        {
            throw CowfileChecks.Damaged(source.Name, $"counts {header.UsedBlocks} blocks in its header, but the rdofile has only {header.BlockCount}");
        }
        long blockCount = (long)header.UsedBlocks;
        source.RequireBlocks(layout, blockCount);
        header.EncodeFlags(structure, header.Flags & ~CowFlags.Packed);
        return new Unpacker(source, layout, structure[..header.Variant.StructSize], blockCount);
    }

    /// <summary>
    /// Unpacks. Header and bitmap area of the result are allocated as those of a new cowfile are; its length is what the original would give it.
    /// </summary>
    /// <param name="destination">Gets the cowfile; new and empty. The caller makes it durable, and removes it after an exception.</param>
    /// <param name="observer">Who looks on.</param>
    /// <exception cref="CowloopException">The source is damaged, or can't be read, or the destination can't be written.</exception>
    public void Run(CheckedFile destination, IWorkObserver observer)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(observer);
        observer.Begin("unpacking", _layout.BitmapBytes + BlockCount * CowLayout.BlockSize);
        destination.SetLength(_layout.EmptyLengthBytes, Fault.WriteBitmap);
        destination.Write(0, _structure, Fault.WriteHeader);
        byte[] buffer = new byte[BufferBytes];
        CopyBitmap(destination, buffer, observer);
        CowContents contents = RequireSound(destination);
        // Not before: a header alone, which may be wrong, takes no space.
        destination.Reserve(0, _layout.EmptyLengthBytes, Fault.WriteBitmap);
        destination.SetLength(_layout.LengthBytesFor(contents.HighestBlock), Fault.WriteData);
        CopyBlocks(destination, buffer, observer);
        _source.RequireEnd();
    }

    /// <summary>Reads no more than the structure: in the unpadded form the bitmap follows at once.</summary>
    private static CowHeader ReadHeader(PackedSource source, Span<byte> structure)
    {
        int shortBytes = new HeaderVariant(WordSize: 4, BigEndian: false).StructSize;
        source.Read(0, structure[..shortBytes], Fault.ReadHeader);
        if (CowHeader.Decode(structure) is { HasConsistentLayout: true } header)
        {
            // The long structure has its block count behind the end of the short one.
            return header;
        }
        source.Read(shortBytes, structure[shortBytes..], Fault.ReadHeader);
        return CowfileChecks.DecodeHeader(structure, source.Name);
    }

    private static void RequirePacked(CowHeader header, string name)
    {
        if (!header.Flags.HasFlag(CowFlags.Packed))
        {
            throw new CowloopException(Errno.EINVAL, $"cowfile {name} is not packed", "it needs no unpacking; if it is compressed, decompress it")
            {
                Fault = Fault.NotPacked,
            };
        }
    }

    private void CopyBitmap(CheckedFile destination, byte[] buffer, IWorkObserver observer)
    {
        long endBytes = CowLayout.BitmapOffsetBytes + _layout.BitmapBytes;
        for (long offsetBytes = CowLayout.BitmapOffsetBytes; offsetBytes < endBytes;)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, endBytes - offsetBytes));
            _source.Read(offsetBytes, part, Fault.ReadBitmap);
            NewFileWriter.Write(destination, offsetBytes, part, Fault.WriteBitmap);
            offsetBytes += part.Length;
            observer.Advance(part.Length);
        }
    }

    /// <summary>Verifies the bitmap, which only the destination has as a whole.</summary>
    private CowContents RequireSound(CheckedFile destination)
    {
        try
        {
            CowContents contents = CowfileChecks.Count(new CheckedFile(destination.File, _source.Name), _layout);
            return contents.UsedBlocks == BlockCount
                ? contents
                : throw CowfileChecks.Damaged(_source.Name, $"counts {BlockCount} blocks in its header and {contents.UsedBlocks} in its bitmap");
        }
        catch (CowloopException exception) when (exception.Fault == Fault.Damaged)
        {
            throw new CowloopException(exception.Errno, exception.Message, _source.DamageHint) { Fault = exception.Fault };
        }
    }

    /// <summary>Reads as much as fits into the buffer and spreads it over the runs: a run may be as short as one block.</summary>
    private void CopyBlocks(CheckedFile destination, byte[] buffer, IWorkObserver observer)
    {
        long packedBytes = _layout.DataOffsetBytes;
        long endBytes = _layout.LengthBytesFor(BlockCount - 1);
        Span<byte> unspread = [];
        foreach (BlockRun run in CowRuns.Read(destination, _layout))
        {
            for (long block = run.FirstBlock; block < run.EndBlock;)
            {
                if (unspread.IsEmpty)
                {
                    unspread = buffer.AsSpan(0, (int)Math.Min(buffer.Length, endBytes - packedBytes));
                    _source.Read(packedBytes, unspread, Fault.ReadData);
                    packedBytes += unspread.Length;
                    observer.Advance(unspread.Length);
                }
                int count = (int)Math.Min(run.EndBlock - block, unspread.Length / CowLayout.BlockSize);
                int lengthBytes = count * CowLayout.BlockSize;
                NewFileWriter.Write(destination, _layout.DataOffsetBytes + block * CowLayout.BlockSize, unspread[..lengthBytes], Fault.WriteData);
                block += count;
                unspread = unspread[lengthBytes..];
            }
        }
    }
}
