using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

/// <summary>What is copied, and what becomes a hole. MergerTests have more of it.</summary>
public class BlockCopierTests
{
    [Fact]
    public void Blocks_go_from_their_place_in_the_one_to_their_place_in_the_other()
    {
        byte[] source = Fixtures.RandomBytes(new Random(1), 20 * 1024);
        var target = new MemoryFile();
        target.SetLength(40 * 1024);

        Copy(new MemoryFile(source), 4096, target, 8192, 2, 10);

        byte[] expected = new byte[40 * 1024];
        source.AsSpan(4096 + 2 * 1024, 8 * 1024).CopyTo(expected.AsSpan(8192 + 2 * 1024));
        Assert.Equal(expected, target.ToArray());
    }

    [Fact]
    public void Zeros_and_holes_leave_holes()
    {
        var source = new MemoryFile(new byte[16 * 1024]);
        source.SetLength(1 << 20);
        var target = new MemoryFile();
        target.SetLength(1 << 20);

        Copy(source, 0, target, 0, 0, 1024);

        Assert.Equal(0, target.UsedBytes);
    }

    [Fact]
    public void Holes_clear_what_was_there()
    {
        var source = new MemoryFile();
        source.SetLength(32 * 1024);
        var target = new MemoryFile(Fixtures.Filled(32 * 1024, 1));

        Copy(source, 0, target, 0, 0, 32);

        Assert.Equal(new byte[32 * 1024], target.ToArray());
        Assert.Equal(0, target.UsedBytes);
    }

    [Fact]
    public void Every_byte_is_told_of()
    {
        var observer = new StoppingObserver();
        var source = new MemoryFile(Fixtures.Filled(3 << 20, 1));
        source.SetLength(5 << 20);

        new BlockCopier(new CheckedFile(source, "a"), 0, new CheckedFile(new MemoryFile(), "b"), 0).Copy(1, 5 << 10, observer);

        Assert.Equal((5 << 20) - 1024, observer.DoneBytes);
    }

    private static void Copy(MemoryFile source, long sourceOffset, MemoryFile target, long targetOffset, long block, long endBlock) =>
        new BlockCopier(new CheckedFile(source, "a"), sourceOffset, new CheckedFile(target, "b"), targetOffset).Copy(block, endBlock, NobodyWatches.Instance);
}
