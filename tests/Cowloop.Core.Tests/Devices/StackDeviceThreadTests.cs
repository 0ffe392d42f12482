using System.Buffers.Binary;
using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Snapshots while many threads use the device: nothing is lost, nothing is in a layer that came later, and nothing is missing that came before.</summary>
public class StackDeviceThreadTests
{
    private const int WriterCount = 3;
    private const int SectorsPerWriter = 60;
    private const int SectorCount = WriterCount * SectorsPerWriter;
    private const int SectorBytes = 512;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_layer_holds_a_moment(int seed)
    {
        const int SnapshotCount = 12;
        long[] begun = new long[SectorCount];
        long[] acknowledged = new long[SectorCount];
        var bounds = new List<(long[] Least, long[] Most)>();
        using var stack = new Stack(new byte[SectorCount * SectorBytes], seed);
        StackDevice disk = stack.Device;
        bool isOver = false;
        Together.Run(WriterCount + 2, thread =>
        {
            if (thread < WriterCount)
            {
                Write(disk, thread, new Random(seed * 100 + thread), begun, acknowledged, ref isOver);
                return;
            }
            if (thread == WriterCount)
            {
                while (!Volatile.Read(ref isOver))
                {
                    Assert.Equal(Errno.None, disk.Flush());
                }
                return;
            }
            try
            {
                for (int snapshot = 0; snapshot < SnapshotCount; snapshot++)
                {
                    Thread.Sleep(3);
                    long[] least = Copy(acknowledged);
                    // Some are made flat only with a later one.
                    stack.Snapshot([], settle: snapshot % 3 != 1);
                    bounds.Add((least, Copy(begun)));
                }
                Thread.Sleep(3);
            }
            finally
            {
                Volatile.Write(ref isOver, true);
            }
        });
        MustBeWithin((acknowledged, acknowledged), disk.GetAll());
        stack.Reopen();
        MustBeWithin((acknowledged, acknowledged), stack.Device.GetAll());
        for (int layer = 0; layer < SnapshotCount; layer++)
        {
            using StackDevice then = stack.Fork(layer + 1);
            MustBeWithin(bounds[layer], then.GetAll());
        }
        Assert.True(acknowledged.Sum() > SnapshotCount, "nobody has written");
    }

    [Fact]
    public void What_is_written_after_a_rollback_is_there_whoever_writes_meanwhile()
    {
        using var stack = new Stack(new byte[SectorCount * SectorBytes]);
        StackDevice disk = stack.Device;
        bool isOver = false;
        long[] begun = new long[SectorCount];
        Together.Run(WriterCount, thread =>
        {
            if (thread > 0)
            {
                byte[] source = new byte[SectorBytes];
                byte[] found = new byte[SectorBytes];
                for (long version = 1; !Volatile.Read(ref isOver); version++)
                {
                    int sector = thread * SectorsPerWriter + (int)(version % SectorsPerWriter);
                    Fill(source, version);
                    begun[sector] = version;
                    Assert.Equal(Errno.None, disk.Write(sector * SectorBytes, source, fua: false));
                    Assert.Equal(Errno.None, disk.Read(sector * SectorBytes, found));
                    // It is there, or it was thrown away.
                    Assert.Contains(VersionIn(found), new[] { 0, version });
                    Assert.Equal(Errno.None, disk.Flush());
                }
                return;
            }
            try
            {
                for (int round = 1; round <= 100; round++)
                {
                    stack.Rollback();
                    // This sector is nobody else's.
                    byte[] source = new byte[SectorBytes];
                    Assert.Equal(source, disk.Get(0, SectorBytes));
                    Fill(source, round);
                    Assert.Equal(Errno.None, disk.Write(0, source, fua: round % 2 == 0));
                    Assert.Equal(source, disk.Get(0, SectorBytes));
                }
            }
            finally
            {
                Volatile.Write(ref isOver, true);
            }
        });
        byte[] content = disk.GetAll();
        Assert.Equal(100, VersionIn(content));
        stack.Reopen();
        Assert.Equal(content, stack.Device.GetAll());
    }

    /// <summary>Sectors of different writers are in the same blocks; each is written whole, with the number of the write all over it.</summary>
    private static void Write(StackDevice disk, int writer, Random random, long[] begun, long[] acknowledged, ref bool isOver)
    {
        byte[] source = new byte[SectorBytes];
        byte[] found = new byte[SectorBytes];
        for (long version = 1; !Volatile.Read(ref isOver); version++)
        {
            int sector = random.Next(SectorsPerWriter) * WriterCount + writer;
            Fill(source, version);
            Volatile.Write(ref begun[sector], version);
            Assert.Equal(Errno.None, disk.Write(sector * SectorBytes, source, fua: random.Next(16) == 0));
            Volatile.Write(ref acknowledged[sector], version);
            Assert.Equal(Errno.None, disk.Read(sector * SectorBytes, found));
            Assert.Equal(version, VersionIn(found));
        }
    }

    private static void Fill(byte[] sector, long version)
    {
        for (int offset = 0; offset < sector.Length; offset += sizeof(long))
        {
            BinaryPrimitives.WriteInt64LittleEndian(sector.AsSpan(offset), version);
        }
    }

    private static long VersionIn(ReadOnlySpan<byte> sector) => BinaryPrimitives.ReadInt64LittleEndian(sector);

    private static long[] Copy(long[] versions) => [.. Enumerable.Range(0, versions.Length).Select(index => Volatile.Read(ref versions[index]))];

    private static void MustBeWithin((long[] Least, long[] Most) bounds, byte[] content)
    {
        for (int sector = 0; sector < SectorCount; sector++)
        {
            ReadOnlySpan<byte> bytes = content.AsSpan(sector * SectorBytes, SectorBytes);
            long version = VersionIn(bytes);
            byte[] whole = new byte[SectorBytes];
            Fill(whole, version);
            Assert.True(bytes.SequenceEqual(whole), $"sector {sector} is of several writes");
            Assert.True(
                version >= bounds.Least[sector] && version <= bounds.Most[sector],
                $"sector {sector} has version {version}, not {bounds.Least[sector]} to {bounds.Most[sector]}");
        }
    }
}
