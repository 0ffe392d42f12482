using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>What a store on a block device and one in a file with a limit have in common: an end that can move.</summary>
public class StoreGroupsTests
{
    private static readonly CompactLayout Layout = new(new CowLayout(100_000), CompactLayout.MinChunkBytes);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_chunk_behind_the_end_finds_no_space_until_the_end_has_moved(bool isOnDevice)
    {
        long endBytes = Layout.ChunkEndBytes(Layout.ChunksPerGroup + 2);
        var device = new SizedDevice(endBytes);
        MemoryFile file = ChunkTableRig.NewFile(Layout);
        StoreGroups groups = isOnDevice
            ? new DeviceGroups(device, Layout, Header with { IsOnDevice = true }, device.Sync)
            : new FileGroups(file, Layout, Header with { LimitBytes = endBytes }, file.Sync);

        Assert.Equal(Layout.ChunksPerGroup + 3, groups.ChunkCount);
        Assert.Equal(Errno.None, groups.ExtendTo(0));
        Assert.Equal(Errno.None, groups.ExtendTo(Layout.ChunksPerGroup + 2));
        Assert.Equal(2, groups.Count);
        Assert.Equal(Errno.ENOSPC, groups.ExtendTo(Layout.ChunksPerGroup + 3));
        Assert.Equal(Errno.ENOSPC, groups.ExtendTo(2 * Layout.ChunksPerGroup));
        Assert.Equal(2, groups.Count);

        endBytes += Layout.ChunkBytes;
        if (isOnDevice)
        {
            device.Size = endBytes;
        }
        else
        {
            Assert.Equal(Errno.None, ((FileGroups)groups).SetLimit(endBytes));
        }
        Assert.Equal(Errno.None, groups.AskFor(0));
        Assert.Equal(Layout.ChunksPerGroup + 4, groups.ChunkCount);
        Assert.Equal(Errno.None, groups.ExtendTo(Layout.ChunksPerGroup + 3));
        Assert.Equal(Errno.ENOSPC, groups.ExtendTo(Layout.ChunksPerGroup + 4));
    }

    private static CompactHeader Header => new(CompactStores.Id, Layout.ChunkBytes, 100_000);
}
