using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>Stores on a block device: it has the size that it has, and holds anything at first.</summary>
public class DeviceGroupsTests
{
    private static readonly CompactLayout Layout = new(new CowLayout(100_000), CompactLayout.MinChunkBytes);

    [Fact]
    public void A_group_is_zeros_before_it_is_counted()
    {
        var device = new SizedDevice(Layout.TableEndBytes(2) + 10 * Layout.ChunkBytes);
        var groups = Make(device, out CompactHeader header);

        Assert.Equal(0, groups.Count);
        Assert.Equal(2 * Layout.ChunksPerGroup + 10, groups.ChunkCount);
        Assert.Equal(Errno.None, groups.ExtendTo(0));
        Assert.Equal(3, groups.Count);
        byte[] table = new byte[CompactLayout.SectorsPerTable * CompactLayout.SectorBytes];
        for (int group = 0; group < 3; group++)
        {
            Assert.Equal(Errno.None, device.ReadAt(Layout.TableOffsetBytes(group), table));
            Assert.DoesNotContain(table, value => value != 0);
        }
        byte[] sector = new byte[CompactHeader.LengthBytes];
        Assert.Equal(Errno.None, device.ReadAt(0, sector));
        Assert.Equal(header with { GroupCount = 3 }, CompactHeader.Decode(sector, "device"));
        Assert.Equal(["tables", "sync", "header", "sync"], device.Order);
    }

    [Fact]
    public void A_chunk_behind_the_end_finds_no_space_until_the_device_is_larger()
    {
        var device = new SizedDevice(Layout.TableEndBytes(0) + 5 * Layout.ChunkBytes);
        var groups = Make(device, out _);
        Assert.Equal(Errno.None, groups.ExtendTo(4));
        Assert.Equal(Errno.ENOSPC, groups.ExtendTo(5));

        device.Size += Layout.ChunkBytes;

        Assert.Equal(Errno.None, groups.ExtendTo(5));
        Assert.Equal(Errno.ENOSPC, groups.ExtendTo(6));
        device.Size = Layout.TableEndBytes(1) + Layout.ChunkBytes;
        Assert.Equal(Errno.None, groups.ExtendTo(Layout.ChunksPerGroup));
        Assert.Equal(2, groups.Count);
        Assert.Equal(Errno.ENOSPC, groups.ExtendTo(Layout.ChunksPerGroup + 1));
    }

    [Fact]
    public void What_can_not_be_made_durable_is_not_counted()
    {
        var device = new SizedDevice(Layout.TableEndBytes(0) + 5 * Layout.ChunkBytes);
        var groups = new DeviceGroups(device, Layout, new CompactHeader(Guid.NewGuid(), Layout.ChunkBytes, 100_000) { IsOnDevice = true }, () => Errno.EIO);

        Assert.Equal(Errno.EIO, groups.ExtendTo(0));
        Assert.Equal(0, groups.Count);
        byte[] sector = new byte[8];
        Assert.Equal(Errno.None, device.ReadAt(0, sector));
        Assert.Equal(SizedDevice.Rubbish, sector[0]);
    }

    [Fact]
    public void A_store_on_a_device_is_found_again_with_all_its_groups()
    {
        var device = new SizedDevice(Layout.TableEndBytes(1) + 5 * Layout.ChunkBytes);
        CompactFile.Format(device, "device", Guid.NewGuid(), Layout.ChunkBytes, Layout.Device, isOnDevice: true);
        byte[] data = new byte[(Layout.ChunksPerGroup + 5) * Layout.ChunkBytes];
        new Random(1).NextBytes(data);
        using (CompactFile file = Open(device))
        {
            Assert.Equal(Errno.None, file.SetLength(Layout.Device.FullLengthBytes));
            Assert.Equal(Errno.None, file.WriteAt(0, [1]));
            Assert.Equal(Errno.None, file.WriteAt(Layout.Device.DataOffsetBytes, data));
            Assert.Equal(Errno.ENOSPC, file.WriteAt(Layout.Device.DataOffsetBytes + data.Length, new byte[1024]));
            Assert.Equal(Errno.None, file.Sync());
            int blockCount = data.Length / CowLayout.BlockSize;
            byte[] bits = new byte[(blockCount + 7) / 8];
            Array.Fill(bits, (byte)255);
            bits[^1] >>= bits.Length * 8 - blockCount;
            Assert.Equal(Errno.None, file.WriteAt(CowLayout.BitmapOffsetBytes, bits));
            Assert.Equal(Errno.None, file.Sync());
        }
        using (CompactFile file = Open(device))
        {
            byte[] found = new byte[data.Length];
            Assert.Equal(Errno.None, file.ReadAt(Layout.Device.DataOffsetBytes, found));
            Assert.Equal(data, found);
            Assert.Equal(file.ChunkCount, file.UsedChunkCount);
        }
        device.Size = Layout.TableEndBytes(0);
        CowloopException refused = Assert.Throws<CowloopException>(() => Open(device));
        Assert.Contains("is incomplete: it has 2 groups of chunks", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_that_is_too_small_for_anything_is_refused_and_left_as_it_is()
    {
        var device = new SizedDevice(Layout.TableEndBytes(0));
        CowloopException refused = Assert.Throws<CowloopException>(
            () => CompactFile.Format(device, "device", Guid.NewGuid(), Layout.ChunkBytes, Layout.Device, isOnDevice: true));
        Assert.Contains("too few for a compact store", refused.Message, StringComparison.Ordinal);
        byte[] sector = new byte[8];
        Assert.Equal(Errno.None, device.ReadAt(0, sector));
        Assert.Equal(SizedDevice.Rubbish, sector[0]);
    }

    private static DeviceGroups Make(SizedDevice device, out CompactHeader header)
    {
        header = new CompactHeader(Guid.NewGuid(), Layout.ChunkBytes, 100_000) { IsOnDevice = true };
        return new DeviceGroups(device, Layout, header, device.Sync);
    }

    private static CompactFile Open(IBlockFile device) =>
        CompactFile.Open(device, "device", new CompactOptions { AllocateZeroedWords = HeapWords.Allocate, BootId = Guid.NewGuid() });
}
