using Cowloop.Core.Compact;
using Cowloop.Core.Files;

namespace Cowloop.Core.Tests.Support;

/// <summary>The tables of a store alone, with the memory that they work on.</summary>
internal sealed class ChunkTableRig
{
    public const ulong Key = 0x1122_3344_5566_7788;

    private readonly IBlockFile _file;

    private ChunkTableRig(IBlockFile file, CompactLayout layout)
    {
        _file = file;
        int words = (int)(layout.Device.BitmapBytes / sizeof(ulong));
        Layout = layout;
        Valid = new BlockBits(new ulong[words]);
        Held = new BlockBits(new ulong[words]);
        Zeros = new ZeroMap(file, layout, Key, new ulong[ZeroMap.WordCountFor(layout)]);
        Groups = new FileGroups(file, layout, new CompactHeader(Guid.Empty, layout.ChunkBytes, layout.Device.BlockCount), file.Sync);
        Table = new ChunkTable(file, layout, Key, new ChunkMap(new ulong[layout.DeviceChunkCount]), Zeros, Valid, Held)
        {
            Store = Groups,
            SyncFile = file.Sync,
        };
    }

    public CompactLayout Layout { get; }

    public BlockBits Valid { get; }

    public BlockBits Held { get; }

    public ZeroMap Zeros { get; }

    public FileGroups Groups { get; }

    public ChunkTable Table { get; }

    public static MemoryFile NewFile(CompactLayout layout)
    {
        var file = new MemoryFile();
        Assert.Equal(Errno.None, file.SetLength(layout.GroupsOffsetBytes));
        return file;
    }

    /// <summary>Reads the tables of a file.</summary>
    public static ChunkTableRig Load(IBlockFile file, CompactLayout layout, bool isSameBoot = false)
    {
        var rig = new ChunkTableRig(file, layout);
        rig.Zeros.Load("a store");
        rig.Table.Load("a store", isSameBoot);
        return rig;
    }

    /// <summary>A descriptor as a sector of a table holds it.</summary>
    public static void Put(MemoryFile file, CompactLayout layout, int chunk, ChunkDescriptor descriptor, ulong bits)
    {
        int group = chunk / layout.ChunksPerGroup;
        int number = chunk % layout.ChunksPerGroup / layout.DescriptorsPerSector;
        long offsetBytes = layout.TableOffsetBytes(group) + number * CompactLayout.SectorBytes;
        byte[] sector = new byte[CompactLayout.SectorBytes];
        if (file.LengthBytes < layout.TableEndBytes(group))
        {
            Assert.Equal(Errno.None, file.SetLength(layout.TableEndBytes(group)));
        }
        Assert.Equal(Errno.None, file.ReadAt(offsetBytes, sector));
        Span<byte> target = sector.AsSpan(chunk % layout.DescriptorsPerSector * layout.DescriptorBytes);
        descriptor.Encode(target);
        BitConverter.TryWriteBytes(target[ChunkDescriptor.BitsOffset..], bits);
        TableSector.Seal(sector, Key, (uint)(group * CompactLayout.SectorsPerTable + number));
        Assert.Equal(Errno.None, file.WriteAt(offsetBytes, sector));
    }

    /// <summary>Gives a chunk of the device a place and content, and its blocks their bits.</summary>
    public int Fill(long deviceChunk)
    {
        Assert.Equal(Errno.None, Table.Claim(deviceChunk, out int chunk));
        Assert.Equal(Errno.None, _file.WriteAt(Layout.ChunkOffsetBytes(chunk), Fixtures.Filled(Layout.ChunkBytes, (byte)(deviceChunk + 1))));
        long block = deviceChunk * Layout.BlocksPerChunk;
        Held.Set(block, Layout.BlockCountOf(deviceChunk), isSet: true);
        Mark(deviceChunk, isSet: true);
        return chunk;
    }

    /// <summary>Changes the bits of a chunk of the device.</summary>
    public void Mark(long deviceChunk, bool isSet)
    {
        Valid.Set(deviceChunk * Layout.BlocksPerChunk, Layout.BlockCountOf(deviceChunk), isSet);
        Table.NoteBits(deviceChunk, areTakenBack: !isSet);
    }
}
