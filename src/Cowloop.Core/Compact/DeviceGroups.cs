using Cowloop.Core.Files;

namespace Cowloop.Core.Compact;

/// <summary>
/// The groups of a store on a block device, which holds anything at first: a group's table is made zeros before the header counts the group. Only a larger
/// store has groups that are not counted yet. Not thread-safe.
/// </summary>
/// <param name="file">The device; not owned.</param>
/// <param name="layout">Where things lie in it.</param>
/// <param name="header">The store's header, as it is on the device.</param>
/// <param name="sync">Makes everything durable.</param>
internal sealed class DeviceGroups(IBlockFile file, CompactLayout layout, CompactHeader header, Func<Errno> sync)
{
    // Two syncs for so many.
    private const int GroupsPerStep = 256;

    private CompactHeader _header = header;
    private int _fittingChunkCount = layout.ChunkCountFor(file.LengthBytes);

    /// <summary>Groups in use.</summary>
    public int Count => _header.GroupCount;

    /// <summary>Chunks that the device has room for.</summary>
    public int ChunkCount => _fittingChunkCount;

    /// <summary>Sees to it that a chunk is there. The device is asked anew how large it is when it seems too small.</summary>
    /// <returns><see cref="Errno.ENOSPC"/> when it is too small.</returns>
    public Errno ExtendTo(int chunk)
    {
        if (chunk >= _fittingChunkCount)
        {
            if (file.SetLength(layout.ChunkOffsetBytes(chunk) + layout.ChunkBytes) != Errno.None)
            {
                return Errno.ENOSPC;
            }
            _fittingChunkCount = layout.ChunkCountFor(file.LengthBytes);
        }
        return chunk / layout.ChunksPerGroup < Count ? Errno.None : Add();
    }

    private Errno Add()
    {
        int count = Math.Min(Count + GroupsPerStep, layout.GroupCountFor(file.LengthBytes));
        byte[] zeros = new byte[CompactLayout.SectorsPerTable * CompactLayout.SectorBytes];
        Errno errno = Errno.None;
        for (int group = Count; group < count && errno == Errno.None; group++)
        {
            errno = file.WriteAt(layout.TableOffsetBytes(group), zeros);
        }
        if (errno == Errno.None)
        {
            errno = sync();
        }
        if (errno != Errno.None)
        {
            return errno;
        }
        CompactHeader next = _header with { GroupCount = count };
        Span<byte> sector = stackalloc byte[CompactHeader.LengthBytes];
        next.Encode(sector);
        errno = file.WriteAt(0, sector);
        if (errno == Errno.None)
        {
            errno = sync();
        }
        if (errno == Errno.None)
        {
            _header = next;
        }
        return errno;
    }
}
