using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Files;

public class GrownFileTests
{
    private const int StoredBytes = 3000;
    private const int ShownBytes = 10_000;

    private readonly byte[] _stored = Fixtures.RandomBytes(new Random(1), StoredBytes);

    [Fact]
    public void A_file_that_is_long_enough_is_itself()
    {
        var file = new FlatFile(_stored);
        Assert.Same(file, GrownFile.AtLeast(file, StoredBytes));
        Assert.Same(file, GrownFile.AtLeast(file, 1));
        Assert.Equal(ShownBytes, GrownFile.AtLeast(file, ShownBytes).LengthBytes);
    }

    [Theory]
    [InlineData(0, ShownBytes)]
    [InlineData(0, StoredBytes)]
    [InlineData(100, 200)]
    [InlineData(StoredBytes - 1, 1)]
    [InlineData(StoredBytes - 1, 2)]
    [InlineData(StoredBytes, 1)]
    [InlineData(StoredBytes + 5, 500)]
    [InlineData(ShownBytes - 1, 1)]
    [InlineData(ShownBytes, 0)]
    public void Behind_the_end_there_are_zeros(int offset, int length)
    {
        byte[] expected = [.. _stored, .. new byte[ShownBytes - StoredBytes]];
        byte[] target = Fixtures.Filled(length, 0xAA);
        Assert.Equal(Errno.None, Grown().ReadAt(offset, target));
        Assert.Equal(expected[offset..(offset + length)], target);
        Assert.Equal(target, PieceTarget.Read(Grown(), offset, length));
    }

    [Fact]
    public void What_is_in_the_file_is_read_from_the_file()
    {
        var file = new FlatFile(_stored);
        var target = new PieceTarget();
        Assert.Equal(Errno.None, new GrownFile(file, ShownBytes).ReadTo(10, 100, target));
        Assert.Same(file, Assert.Single(target.Files));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(ShownBytes, 1)]
    [InlineData(ShownBytes - 1, 2)]
    public void Beyond_what_is_shown_there_is_nothing(int offset, int length) => Assert.Equal(
        (Errno.EIO, Errno.EIO),
        (Grown().ReadAt(offset, new byte[length]), Grown().ReadTo(offset, length, new PieceTarget())));

    [Fact]
    public void Data_ends_where_the_file_does()
    {
        IBlockFile grown = Grown();
        Assert.Equal(Errno.None, grown.NextData(10, out long start, out long end));
        Assert.Equal((10, StoredBytes), (start, end));
        Assert.Equal(Errno.None, grown.NextData(StoredBytes, out start, out end));
        Assert.Equal((ShownBytes, ShownBytes), (start, end));
        Assert.Equal(Errno.None, grown.NextData(ShownBytes + 1, out start, out end));
        Assert.Equal(start, end);
    }

    [Fact]
    public void A_hole_at_the_end_of_the_file_goes_on()
    {
        var sparse = new MemoryFile();
        sparse.SetLength(100_000);
        sparse.WriteAt(0, new byte[] { 1 });
        Assert.Equal(Errno.None, new GrownFile(sparse, 200_000).NextData(50_000, out long start, out long end));
        Assert.Equal((200_000, 200_000), (start, end));
    }

    [Fact]
    public void It_is_not_written_to()
    {
        IBlockFile grown = Grown();
        Assert.Equal(Errno.EROFS, grown.WriteAt(0, new byte[1]));
        Assert.Equal(Errno.EROFS, grown.Punch(0, 1));
        Assert.Equal(Errno.EROFS, grown.SetLength(1));
        Assert.Equal(Errno.EROFS, grown.Allocate(0, 1));
        Assert.Equal(Errno.None, grown.Sync());
    }

    [Fact]
    public void Errors_of_the_file_are_told_and_it_is_closed_with_this_one()
    {
        var memory = new MemoryFile(_stored);
        var grown = new GrownFile(new FaultyFile(memory, new PlannedFault(1, PlannedFault.ForGood, Errno.EIO, FaultMoment.BeforeTheCall)), ShownBytes);
        Assert.Equal(Errno.EIO, grown.ReadAt(0, new byte[1]));
        Assert.Equal(Errno.EIO, grown.NextData(0, out _, out _));
        Assert.Equal(Errno.None, grown.ReadAt(StoredBytes, new byte[1]));
        grown.Dispose();
        Assert.Equal(1, memory.DisposeCount);
    }

    private IBlockFile Grown() => GrownFile.AtLeast(new FlatFile(_stored), ShownBytes);
}
