using Cowloop.Core.Files;

namespace Cowloop.Core.Compact;

/// <summary>
/// The groups of a store in a file, which is made longer for them: as many as fit below the limit that the header sets for the length of the file, or as its
/// filesystem has space for. A file that is longer than its limit keeps what it has.
/// </summary>
internal sealed class FileGroups : StoreGroups
{
    private int _count;

    /// <inheritdoc/>
    public FileGroups(IBlockFile file, CompactLayout layout, CompactHeader header, Func<Errno> sync)
        : base(file, layout, header, sync)
    {
        _count = layout.GroupCountFor(file.LengthBytes);
        ChunkCount = ChunkCountUnder(header.LimitBytes);
    }

    /// <inheritdoc/>
    public override int Count => _count;

    /// <summary>How long the file may get; 0: no limit.</summary>
    public long LimitBytes => Header.LimitBytes;

    /// <inheritdoc/>
    /// <remarks>A limit is what it is until it is changed.</remarks>
    public override Errno AskFor(long lengthBytes) => Errno.None;

    /// <summary>Lets no chunk be taken any more that would end behind a limit, which is to be set then.</summary>
    public void Narrow(long limitBytes) => ChunkCount = Math.Min(ChunkCount, ChunkCountUnder(limitBytes));

    /// <summary>
    /// Sets a limit, durably; chunks behind the former one are to be had afterwards. After an error the former one applies. The store may be extended
    /// meanwhile.
    /// </summary>
    /// <param name="limitBytes">How long the file may get; 0: no limit.</param>
    public Errno SetLimit(long limitBytes)
    {
        Errno errno = WriteHeader(Header with { LimitBytes = limitBytes });
        ChunkCount = ChunkCountUnder(LimitBytes);
        return errno;
    }

    /// <inheritdoc/>
    protected override Errno Add(int group)
    {
        Errno errno = File.SetLength(Layout.TableEndBytes(group));
        if (errno == Errno.None)
        {
            _count = group + 1;
        }
        return errno;
    }

    private int ChunkCountUnder(long limitBytes) => limitBytes == 0 ? Unbounded : Layout.ChunkCountFor(limitBytes);
}
