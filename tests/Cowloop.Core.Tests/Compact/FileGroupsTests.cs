using Cowloop.Core.Compact;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Compact;

/// <summary>Stores in a file: it is made longer, up to its limit.</summary>
public class FileGroupsTests
{
    private static readonly CompactLayout Layout = new(new CowLayout(100_000), CompactLayout.MinChunkBytes);

    [Fact]
    public void Without_a_limit_the_file_gets_as_long_as_is_wanted()
    {
        MemoryFile file = NewFile();
        FileGroups groups = Make(file, 0);

        Assert.Equal((StoreGroups.Unbounded, 0), (groups.ChunkCount, groups.Count));
        Assert.Equal(Errno.None, groups.ExtendTo(0));
        Assert.Equal(Layout.TableEndBytes(0), file.LengthBytes);
        Assert.Equal(Errno.None, groups.ExtendTo(Layout.ChunksPerGroup));
        Assert.Equal((2, Layout.TableEndBytes(1)), (groups.Count, file.LengthBytes));
        Assert.Equal(2, Make(file, 0).Count);
    }

    /// <summary>A limit that falls into a table, or into the first chunk behind it, has no use for that table.</summary>
    [Fact]
    public void No_table_is_made_for_chunks_that_do_not_fit()
    {
        MemoryFile file = NewFile();
        foreach (long limitBytes in new[] { Layout.TableEndBytes(1) - 1, Layout.TableEndBytes(1), Layout.TableEndBytes(1) + Layout.ChunkBytes - 1 })
        {
            FileGroups groups = Make(file, limitBytes);
            Assert.Equal(Layout.ChunksPerGroup, groups.ChunkCount);
            Assert.Equal(Errno.None, groups.ExtendTo(Layout.ChunksPerGroup - 1));
            Assert.Equal(Errno.ENOSPC, groups.ExtendTo(Layout.ChunksPerGroup));
            Assert.Equal(Layout.TableEndBytes(0), file.LengthBytes);
        }
        Assert.Equal(Layout.ChunksPerGroup + 1, Make(file, Layout.ChunkEndBytes(Layout.ChunksPerGroup)).ChunkCount);
    }

    [Fact]
    public void A_limit_is_one_sector_and_a_sync()
    {
        var traced = new TracingFile(NewFile());
        FileGroups groups = Make(traced, Layout.ChunkEndBytes(0));
        traced.Forget();

        Assert.Equal(Errno.None, groups.SetLimit(Layout.ChunkEndBytes(5)));

        Assert.Equal(["write 0+512", "sync"], traced.Calls);
        Assert.Equal((Layout.ChunkEndBytes(5), 6), (groups.LimitBytes, groups.ChunkCount));
        byte[] sector = new byte[CompactHeader.LengthBytes];
        Assert.Equal(Errno.None, traced.ReadAt(0, sector));
        Assert.Equal(Header with { LimitBytes = Layout.ChunkEndBytes(5) }, CompactHeader.Decode(sector, "file"));
        Assert.Equal(Errno.None, groups.SetLimit(0));
        Assert.Equal((0, StoreGroups.Unbounded), (groups.LimitBytes, groups.ChunkCount));
    }

    [Theory]
    [InlineData("write 0+512", true)]
    [InlineData("sync", true)]
    [InlineData("write 0+512", false)]
    [InlineData("sync", false)]
    public void What_can_not_be_made_durable_is_no_limit(string call, bool isRaised)
    {
        var traced = new TracingFile(NewFile());
        FileGroups groups = Make(traced, Layout.ChunkEndBytes(5));
        long limitBytes = Layout.ChunkEndBytes(isRaised ? 9 : 2);
        traced.FailOnce(call, Errno.EIO);

        groups.Narrow(limitBytes);
        Assert.Equal(isRaised ? 6 : 3, groups.ChunkCount);
        Assert.Equal(Errno.EIO, groups.SetLimit(limitBytes));

        Assert.Equal((Layout.ChunkEndBytes(5), 6), (groups.LimitBytes, groups.ChunkCount));
    }

    /// <summary>Who does not know of limits may have written to it.</summary>
    [Fact]
    public void A_file_that_is_longer_than_its_limit_keeps_what_it_has()
    {
        MemoryFile file = NewFile();
        Assert.Equal(Errno.None, file.SetLength(Layout.TableEndBytes(2)));
        FileGroups groups = Make(file, Layout.ChunkEndBytes(3));

        Assert.Equal((3, 4), (groups.Count, groups.ChunkCount));
        Assert.Equal(Errno.ENOSPC, groups.ExtendTo(4));
        Assert.Equal(Layout.TableEndBytes(2), file.LengthBytes);
    }

    private static CompactHeader Header => new(CompactStores.Id, Layout.ChunkBytes, 100_000);

    private static MemoryFile NewFile() => ChunkTableRig.NewFile(Layout);

    private static FileGroups Make(IBlockFile file, long limitBytes) => new(file, Layout, Header with { LimitBytes = limitBytes }, file.Sync);
}
