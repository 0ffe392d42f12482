using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Maintenance;

public class LayerJoinerTests
{
    private static readonly Guid NewId = new("5d0f7c0a-0d0c-4b52-9a8a-6f1d2a3b4c5d");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_new_one_reads_as_both_did_and_both_stay_as_they_are(bool isPlain)
    {
        for (int seed = 1; seed <= 100; seed++)
        {
            TestStack stack = TestStack.Random(seed, fileCount: 3, isPlain);
            MemoryFile[] before = [.. stack.Files.Select(file => file.Copy())];
            var joined = new MemoryFile();

            Join(stack.Files[2], stack.Files[1], joined);

            Assert.Equal(stack.Views[3], stack.Read(stack.Files[0], joined));
            CowfileCheck.AssertClean(joined, stack.Layout);
            Assert.All(before.Zip(stack.Files), pair => Assert.Null(pair.Second.DifferenceFrom(pair.First)));
        }
    }

    [Fact]
    public void Its_record_is_that_of_the_layer_under_another_name()
    {
        var stack = new TestStack(new byte[32 * 1024]);
        stack.Add(new Dictionary<long, byte[]?>());
        stack.Add(new Dictionary<long, byte[]?> { [1] = null }, change: record => record with { IsSealed = true, AcceptedChangeCount = 2 });
        stack.Add(new Dictionary<long, byte[]?> { [2] = null });
        ExtensionRecord lower = TestStack.RecordOf(stack.Files[1]);
        var joined = new MemoryFile();

        CowContents contents = Join(stack.Files[2], stack.Files[1], joined);

        Assert.Equal(new CowContents(2, 2), contents);
        Assert.Equal(
            lower with { Id = NewId, Generation = 0, IsSealed = false, BasePath = "../disk.img", Parent = lower.Parent!.Value with { Path = "../0.cow" } },
            TestStack.RecordOf(joined));
    }

    [Fact]
    public void A_larger_upper_one_makes_a_larger_new_one()
    {
        var stack = new TestStack(Fixtures.Filled(16 * 1024, 1));
        stack.Add(new Dictionary<long, byte[]?> { [3] = Fixtures.Filled(1024, 3) });
        MemoryFile upper = new CowImage { BlockCount = 40, Version = 2, Flags = CowImage.BitmapDecides }.With(39, 1, 9).ToSparse();
        byte[] headerBlock = new byte[1024];
        upper.ReadAt(0, headerBlock);
        (TestStack.RecordOf(stack.Files[0]) with { Id = Guid.NewGuid(), Parent = TestStack.RecordOf(stack.Files[0]).ToLink("0.cow"), IsLargerThanBase = true }).Encode(headerBlock);
        upper.WriteAt(0, headerBlock);
        var joined = new MemoryFile();

        Join(upper, stack.Files[0], joined);

        Assert.Equal(CowHeader.LargerVersion, AtRest.HeaderOf(joined).Version);
        byte[] expected = stack.Read(stack.Files[0], upper);
        Assert.Equal(40 * 1024, expected.Length);
        Assert.Equal(expected, stack.Read(joined));
    }

    [Fact]
    public void What_does_not_belong_together_is_refused()
    {
        TestStack stack = TestStack.Random(5, fileCount: 3);

        Assert.Equal(Fault.OtherParent, Assert.Throws<CowloopException>(() => Join(stack.Files[2], stack.Files[0], new MemoryFile())).Fault);
        Assert.Equal(Fault.OtherParent, Assert.Throws<CowloopException>(() => Join(stack.Files[0], stack.Files[1], new MemoryFile())).Fault);
    }

    [Fact]
    public void What_cannot_be_read_or_written_is_told()
    {
        TestStack stack = TestStack.Random(4);

        Assert.NotEqual(0, EveryCall.MustBeTold(fault => Join(stack.Files[1], stack.Files[0], new FaultyFile(new MemoryFile(), fault))));
        Assert.NotEqual(0, EveryCall.MustBeTold(fault => Join(new FaultyFile(stack.Files[1], fault), stack.Files[0], new MemoryFile())));
        Assert.NotEqual(0, EveryCall.MustBeTold(fault => Join(stack.Files[1], new FaultyFile(stack.Files[0], fault), new MemoryFile())));
    }

    private static CowContents Join(IBlockFile upper, IBlockFile lower, IBlockFile joined) =>
        LayerJoiner.Prepare(new CheckedFile(upper, "upper.cow"), new CheckedFile(lower, "lower.cow"))
            .Run(new CheckedFile(joined, "new.cow"), NewId, path => $"../{path}", NobodyWatches.Instance);
}
