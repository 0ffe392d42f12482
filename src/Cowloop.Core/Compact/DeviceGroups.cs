using Cowloop.Core.Files;

namespace Cowloop.Core.Compact;

/// <summary>
/// The groups of a store on a block device, which holds anything at first: a group's table is made zeros before the header counts the group. Only a larger
/// store has groups that are not counted yet. The device is asked anew how large it is when it seems too small.
/// </summary>
internal sealed class DeviceGroups : StoreGroups
{
    // Two syncs for so many.
    private const int GroupsPerStep = 256;

    /// <inheritdoc/>
    public DeviceGroups(IBlockFile file, CompactLayout layout, CompactHeader header, Func<Errno> sync)
        : base(file, layout, header, sync) => TakeLength();

    /// <inheritdoc/>
    public override int Count => Header.GroupCount;

    /// <inheritdoc/>
    public override Errno AskFor(long lengthBytes)
    {
        Errno errno = File.SetLength(lengthBytes);
        TakeLength();
        return errno;
    }

    /// <inheritdoc/>
    protected override Errno Add(int group)
    {
        int count = Math.Min(group + GroupsPerStep, Layout.GroupCountFor(File.LengthBytes));
        byte[] zeros = new byte[CompactLayout.SectorsPerTable * CompactLayout.SectorBytes];
        Errno errno = Errno.None;
        for (int number = Count; number < count && errno == Errno.None; number++)
        {
            errno = File.WriteAt(Layout.TableOffsetBytes(number), zeros);
        }
        if (errno == Errno.None)
        {
            errno = SyncFile();
        }
        return errno == Errno.None ? WriteHeader(Header with { GroupCount = count }) : errno;
    }

    private void TakeLength() => ChunkCount = Layout.ChunkCountFor(File.LengthBytes);
}
