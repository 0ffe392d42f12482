using Cowloop.Core.Files;

namespace Cowloop.Core.Compact;

/// <summary>
/// The groups of a store, and where its chunks end at the latest: with the block device that it is on, or at the limit of its file. What comes behind that
/// finds no space, as on a full disk, until the end has moved. One caller at a time, but for <see cref="ChunkCount"/>.
/// </summary>
internal abstract class StoreGroups
{
    /// <summary>The <see cref="ChunkCount"/> of a store that nothing but its filesystem bounds.</summary>
    public const int Unbounded = int.MaxValue;

    private readonly Func<Errno> _sync;
    private volatile int _chunkCount;

    /// <summary>Takes over what the store has.</summary>
    /// <param name="file">The store; not owned.</param>
    /// <param name="layout">Where things lie in it.</param>
    /// <param name="header">The store's header, as it is in the file.</param>
    /// <param name="sync">Makes everything durable.</param>
    protected StoreGroups(IBlockFile file, CompactLayout layout, CompactHeader header, Func<Errno> sync)
    {
        File = file;
        Layout = layout;
        Header = header;
        _sync = sync;
    }

    /// <summary>Groups in use.</summary>
    public abstract int Count { get; }

    /// <summary>Chunks that the store has room for, as far as is known; <see cref="Unbounded"/> when nothing but its filesystem says.</summary>
    public int ChunkCount
    {
        get => _chunkCount;
        protected set => _chunkCount = value;
    }

    /// <summary>The store.</summary>
    protected IBlockFile File { get; }

    /// <summary>Where things lie in it.</summary>
    protected CompactLayout Layout { get; }

    /// <summary>The header, as it is durable.</summary>
    protected CompactHeader Header { get; private set; }

    /// <summary>Sees to it that the group of a chunk is there; its table is zeros.</summary>
    /// <returns><see cref="Errno.ENOSPC"/> when the chunk would end behind the end of the store.</returns>
    public Errno ExtendTo(int chunk)
    {
        if (chunk >= ChunkCount)
        {
            // Why there is no more does not matter: there is none.
            _ = AskFor(Layout.ChunkEndBytes(chunk));
            if (chunk >= ChunkCount)
            {
                return Errno.ENOSPC;
            }
        }
        int group = chunk / Layout.ChunksPerGroup;
        return group < Count ? Errno.None : Add(group);
    }

    /// <summary>Asks what bounds the store anew, and takes <see cref="ChunkCount"/> from that.</summary>
    /// <param name="lengthBytes">How long the store is wanted to be.</param>
    public abstract Errno AskFor(long lengthBytes);

    /// <summary>Makes a group, with those before it, and maybe more behind it.</summary>
    protected abstract Errno Add(int group);

    /// <summary>Writes another header in place of the one that is there: one sector, so after a loss of power it is the one or the other.</summary>
    protected Errno WriteHeader(CompactHeader next)
    {
        Span<byte> sector = stackalloc byte[CompactHeader.LengthBytes];
        next.Encode(sector);
        Errno errno = File.WriteAt(0, sector);
        if (errno == Errno.None)
        {
            errno = SyncFile();
        }
        if (errno == Errno.None)
        {
            Header = next;
        }
        return errno;
    }

    /// <summary>Makes everything durable.</summary>
    protected Errno SyncFile() => _sync();
}
