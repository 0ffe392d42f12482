using Cowloop.Core.Files;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class FlattenerTests
{
    [Fact]
    public void The_image_is_what_is_read()
    {
        for (int seed = 1; seed <= 100; seed++)
        {
            TestStack stack = TestStack.Random(seed, fileCount: seed % 4);
            var image = new MemoryFile();

            Flattener.Run(new CheckedFile(stack.Below(stack.Files.Count).File, "view"), new CheckedFile(image, "new.img"), NobodyWatches.Instance);

            Assert.Equal(stack.Views[^1], image.ToArray());
        }
    }

    [Fact]
    public void What_is_zero_takes_no_space()
    {
        var stack = new TestStack(Fixtures.Filled(64 * 1024, 1));
        stack.Add(Enumerable.Range(0, 60).ToDictionary(block => (long)block, block => block % 2 == 0 ? null : new byte[1024]));
        var image = new MemoryFile();
        var observer = new StoppingObserver();

        Flattener.Run(new CheckedFile(stack.Below(1).File, "view"), new CheckedFile(image, "new.img"), observer);

        Assert.Equal(4096, image.UsedBytes);
        Assert.Equal([("flattening", 64 * 1024L)], observer.Begun);
        Assert.Equal(64 * 1024, observer.DoneBytes);
    }

    [Fact]
    public void What_cannot_be_read_or_written_is_told()
    {
        TestStack stack = TestStack.Random(4);
        IBlockFile view = stack.Below(2).File;

        Assert.NotEqual(0, EveryCall.MustBeTold(fault =>
            Flattener.Run(new CheckedFile(new FaultyFile(view, fault), "view"), new CheckedFile(new MemoryFile(), "new.img"), NobodyWatches.Instance)));
        Assert.NotEqual(0, EveryCall.MustBeTold(fault =>
            Flattener.Run(new CheckedFile(view, "view"), new CheckedFile(new FaultyFile(new MemoryFile(), fault), "new.img"), NobodyWatches.Instance)));
    }
}
