using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class StoredFileTests : IDisposable
{
    private static readonly CowLayout Layout = new(100);

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_file_without_a_store_is_itself()
    {
        File.WriteAllText(_directory["file"], "anything");
        using StoredFile stored = Open();

        Assert.Null(stored.Compact);
        Assert.Equal(8, stored.LengthBytes);
        Assert.Equal(Errno.None, stored.WriteAt(0, "nothing!"u8));
        Assert.Equal("nothing!", File.ReadAllText(_directory["file"]));
        Assert.True(stored.CanBeCowfile);
        Assert.Equal(Errno.None, stored.TryGetSpace(out FileSystemSpace space));
        Assert.True(space.TotalKiB > 0);
        Assert.Equal(Errno.None, stored.SetLength(64 << 10));
        using PagePipe pipe = PagePipe.TryCreate()!;
        Assert.Equal(Errno.None, stored.ReadTo(0, 64 << 10, pipe));
    }

    [Fact]
    public void A_compact_store_is_the_cowfile_in_it()
    {
        using (StoredFile made = Make(new StoreChoice(4096)))
        {
            Assert.Equal(0, made.LengthBytes);
            Assert.Equal(Errno.None, made.SetLength(Layout.FullLengthBytes));
            Assert.Equal(Errno.None, made.WriteAt(Layout.DataOffsetBytes, new byte[1024].AsSpan()));
            Assert.Equal(Errno.None, made.WriteAt(0, "a header"u8));
            Assert.Equal(Errno.None, made.Sync());
        }
        using StoredFile stored = Open();

        Assert.Equal(4096, stored.Compact!.ChunkBytes);
        Assert.Equal(Layout.FullLengthBytes, stored.LengthBytes);
        byte[] header = new byte[8];
        Assert.Equal(Errno.None, stored.ReadAt(0, header));
        Assert.Equal("a header"u8.ToArray(), header);
        using PagePipe pipe = PagePipe.TryCreate()!;
        Assert.Equal(Errno.EOPNOTSUPP, stored.ReadTo(0, 64 << 10, pipe));
        Assert.True(stored.File.LengthBytes < Layout.FullLengthBytes);
        Assert.True(stored.CanBeCowfile);
        Assert.Equal(Errno.None, stored.TryGetSpace(out FileSystemSpace space));
        Assert.Equal(Errno.None, stored.File.TryGetSpace(out FileSystemSpace filesystem));
        Assert.Equal(filesystem.TotalKiB, space.TotalKiB);
    }

    [RootFact("losetup")]
    public void A_block_device_with_a_store_has_the_space_that_it_has()
    {
        using (FileStream file = new(_directory["file"], FileMode.CreateNew))
        {
            file.SetLength(8 << 20);
        }
        using LoopBack loop = LoopBack.Of(_directory["file"]);
        Assert.Equal(Errno.None, PosixFile.TryOpenAlone(loop.Path, out PosixFile? device));
        using (StoredFile plain = StoredFile.Open(device!, loop.Path))
        {
            Assert.False(plain.CanBeCowfile);
        }
        Assert.Equal(Errno.None, PosixFile.TryOpenAlone(loop.Path, out device));
        using StoredFile stored = StoreChoice.For(device!).Make(device!, loop.Path, new CowLayout(100_000));

        Assert.Equal(StoreChoice.UsualChunkBytes, stored.Compact!.ChunkBytes);
        Assert.True(stored.CanBeCowfile);
        Assert.Equal(Errno.None, stored.TryGetSpace(out FileSystemSpace before));
        Assert.Equal(Errno.None, stored.WriteAt(new CowLayout(100_000).DataOffsetBytes, new byte[1024]));
        Assert.Equal(Errno.None, stored.TryGetSpace(out FileSystemSpace after));
        Assert.InRange(before.TotalKiB, 7000u, 8192u);
        Assert.Equal(before.TotalKiB, after.TotalKiB);
        Assert.Equal(before.AvailableKiB - 64, after.AvailableKiB);
        Assert.Equal(Errno.EBUSY, PosixFile.TryOpenAlone(loop.Path, out _));
    }

    [Fact]
    public void A_limit_counts_as_the_end_of_the_space()
    {
        using StoredFile stored = Make(new StoreChoice(4096, 1 << 20));
        Assert.Equal(Errno.None, stored.TryGetSpace(out FileSystemSpace before));
        Assert.Equal(Errno.None, stored.WriteAt(Layout.DataOffsetBytes, new byte[1024]));
        Assert.Equal(Errno.None, stored.TryGetSpace(out FileSystemSpace after));
        Assert.InRange(before.TotalKiB, 980u, 1000u);
        Assert.Equal((before.TotalKiB, before.TotalKiB / 4), (before.AvailableKiB, before.AvailableBlocks));
        Assert.Equal(before with { AvailableKiB = before.AvailableKiB - 4, AvailableBlocks = before.AvailableBlocks - 1 }, after);

        // What the filesystem has is less.
        stored.Compact!.SetLimit(long.MaxValue, "file");
        Assert.Equal(Errno.None, stored.TryGetSpace(out after));
        Assert.Equal(Errno.None, stored.File.TryGetSpace(out FileSystemSpace filesystem));
        Assert.Equal(filesystem.TotalKiB, after.TotalKiB);
        Assert.InRange(after.AvailableKiB, 1u, filesystem.TotalKiB);
    }

    private StoredFile Open()
    {
        Assert.Equal(Errno.None, PosixFile.TryOpenReadWrite(_directory["file"], out PosixFile? file));
        return StoredFile.Open(file!, "file");
    }

    private StoredFile Make(StoreChoice choice)
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_directory["file"], out PosixFile? file));
        return choice.Make(file!, "file", Layout);
    }
}
