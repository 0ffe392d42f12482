using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>CompacterTests and RebaserTests have more of it.</summary>
public class EqualBlocksTests
{
    [Fact]
    public void Blocks_behind_the_end_of_what_lies_below_are_compared_with_zeros()
    {
        CowImage image = new CowImage { BlockCount = 20 }.With(3, 1, 7).With(4, 1, 1).With(15, 1, 0).With(16, 1, 2);
        MemoryFile file = image.ToSparse();

        long dropped = EqualBlocks.Drop(new CowfileEdit(AtRest.Named(file)), new FlatFile(Fixtures.Filled(8 * 1024, 7)), "base", NobodyWatches.Instance);

        Assert.Equal(2, dropped);
        Assert.False(TestStack.Holds(file, 3));
        Assert.False(TestStack.Holds(file, 15));
        Assert.True(TestStack.Holds(file, 4) && TestStack.Holds(file, 16));
    }

    [Fact]
    public void Zeros_behind_the_last_block_are_cut_and_data_is_not()
    {
        CowImage image = new CowImage { BlockCount = 40 }.With(3, 1, 7);
        MemoryFile zeros = image.ToSparse(image.DataOffset + 40 * 1024);
        MemoryFile data = image.WithData(30, 1, 9).ToSparse();

        foreach (MemoryFile file in new[] { zeros, data })
        {
            Assert.Equal(0, EqualBlocks.Drop(new CowfileEdit(AtRest.Named(file)), new FlatFile(new byte[40 * 1024]), "base", NobodyWatches.Instance));
        }

        Assert.Equal(image.DataOffset + 4 * 1024, zeros.LengthBytes);
        Assert.Equal(image.DataOffset + 31 * 1024, data.LengthBytes);
    }
}
