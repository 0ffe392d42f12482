using Cowloop.Core.Devices;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Maintenance;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Layers;

public class LayerStackTests
{
    private const int BlockCount = 200;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(LayerStack.MaxLayers)]
    public void Each_byte_comes_from_the_topmost_layer_that_has_it(int layerCount)
    {
        var random = new Random(layerCount);
        using Stack stack = MakeStack(random, layerCount, out byte[] content);
        BaseImage image = Stack.Open(new FlatFile(content), stack.Layers);
        var file = (LayerStack)image.File;
        byte[] expected = stack.States[layerCount];
        Assert.Equal(expected.Length, file.LengthBytes);
        Assert.Equal(layerCount, file.Layers.Count);
        Assert.Equal(BaseFingerprint.Compute(new FlatFile(expected), BlockCount), image.Fingerprint);
        for (int round = 0; round < 2000; round++)
        {
            int offset = random.Next(expected.Length);
            byte[] target = new byte[random.Next(Math.Min(expected.Length - offset, 20_000) + 1)];
            Assert.Equal(Errno.None, file.ReadAt(offset, target));
            Assert.True(target.AsSpan().SequenceEqual(expected.AsSpan(offset, target.Length)), $"{target.Length} bytes at {offset}");
            Assert.True(target.AsSpan().SequenceEqual(PieceTarget.Read(file, offset, target.Length)), $"pieces of {target.Length} bytes at {offset}");
        }
        Assert.Equal(content.Length, image.LengthBytes);
    }

    /// <summary>A base may go on behind its last whole block. A device as large as the base does not show that, nor does what lies on it.</summary>
    [Fact]
    public void What_is_larger_than_the_lowest_layer_has_zeros_there()
    {
        byte[] content = Fixtures.Filled(2 * 1024 + 512, 7);
        var lower = new StackDisk("lower", new StackNode("1.cow", new MemoryFile(), null, content, content[..2048]));
        lower.Open(Disk.Id);
        lower.Close();
        var upper = new StackDisk("upper", new StackNode("2.cow", new MemoryFile(), lower.Top, content, [.. content[..2048], .. new byte[2048]]));
        upper.Open(new Guid("5d0f7c0a-0d0c-4b52-9a8a-6f1d2a3b4c5d"));
        upper.MustShow();
        upper.Close();

        byte[] found = new byte[4096];
        Assert.Equal(Errno.None, StackNode.Open(upper.Top, content).File.ReadAt(0, found));

        Assert.Equal(upper.Top.View, found);
        var joined = new StackNode("3.cow", new MemoryFile(), null, content, upper.Top.View);
        _ = LayerJoiner.Prepare(upper.Top.Checked, lower.Top.Checked).Run(joined.Checked, Guid.NewGuid(), path => path, NobodyWatches.Instance);
        Assert.Equal(Errno.None, StackNode.Open(joined, content).File.ReadAt(0, found));
        Assert.Equal(upper.Top.View, found);
    }

    [Fact]
    public void Beyond_its_end_there_is_nothing()
    {
        using Stack stack = MakeStack(new Random(1), 2, out byte[] content);
        IBlockFile file = Stack.Open(new FlatFile(content), stack.Layers).File;
        Assert.Equal(Errno.EIO, file.ReadAt(content.Length - 1, new byte[2]));
        Assert.Equal(Errno.EIO, file.ReadAt(-1, new byte[1]));
        Assert.Equal(Errno.EIO, file.ReadTo(content.Length - 1, 2, new PieceTarget()));
        Assert.Equal(Errno.None, file.ReadAt(content.Length, []));
        Assert.Equal(Errno.None, file.NextData(content.Length, out long start, out long end));
        Assert.Equal((content.Length, content.Length), (start, end));
    }

    [Fact]
    public void It_is_never_written_to()
    {
        using Stack stack = MakeStack(new Random(1), 2, out byte[] content);
        byte[][] before = [.. stack.Layers.Select(layer => layer.ToArray())];
        IBlockFile file = Stack.Open(new FlatFile(content), stack.Layers).File;
        Assert.Equal(Errno.EROFS, file.WriteAt(0, new byte[1024]));
        Assert.Equal(Errno.EROFS, file.Punch(0, 1024));
        Assert.Equal(Errno.EROFS, file.SetLength(0));
        Assert.Equal(Errno.EROFS, file.Allocate(0, 1024));
        Assert.Equal(Errno.None, file.Sync());
        Assert.Equal(before, stack.Layers.Select(layer => layer.ToArray()));
    }

    /// <summary>A place that is called a hole holds zeros, whichever file it comes from, and one where nobody has data is called a hole.</summary>
    [Fact]
    public void Data_is_found_wherever_there_is_some_and_holes_are_left_out()
    {
        const int LargeBlockCount = 4096;
        var baseFile = new MemoryFile();
        baseFile.SetLength(LargeBlockCount * 1024L);
        baseFile.WriteAt(1 << 20, Fixtures.Filled(100_000, 1));
        byte[] content = baseFile.ToArray();
        using var stack = new Stack(content);
        byte[] expected = [.. content];
        foreach ((int offset, byte value) in new[] { (65_536, (byte)2), ((1 << 20) + 10_240, (byte)3), (3 << 20, (byte)4) })
        {
            stack.Device.Fill(offset, 20_480, value);
            expected.AsSpan(offset, 20_480).Fill(value);
            stack.Snapshot(expected);
        }
        IBlockFile file = Stack.Open(baseFile, stack.Layers).File;
        long coveredBytes = 0;
        for (long position = 0; position < file.LengthBytes;)
        {
            Assert.Equal(Errno.None, file.NextData(position, out long start, out long end));
            Assert.InRange(start, position, file.LengthBytes);
            Assert.InRange(end, start, file.LengthBytes);
            long holeEnd = end > start ? start : file.LengthBytes;
            Assert.False(expected.AsSpan((int)position, (int)(holeEnd - position)).ContainsAnyExcept((byte)0), $"data at {position} to {holeEnd}");
            coveredBytes += end - start;
            position = Math.Max(holeEnd, end);
        }
        // With what is rounded to the pages of a filesystem.
        Assert.InRange(coveredBytes, 100_000 + 40_960, 100_000 + 40_960 + 8 * MemoryFile.PageSize);
    }

    [Fact]
    public void It_closes_what_it_is_made_of()
    {
        using Stack stack = MakeStack(new Random(1), 3, out byte[] content);
        int[] before = [.. stack.Layers.Select(layer => layer.DisposeCount)];
        var baseFile = new MemoryFile(content);
        Stack.Open(baseFile, stack.Layers).File.Dispose();
        Assert.Equal(1, baseFile.DisposeCount);
        Assert.Equal(before.Select(count => count + 1), stack.Layers.Select(layer => layer.DisposeCount));
    }

    [Fact]
    public void Refused_files_are_still_the_callers()
    {
        using Stack stack = MakeStack(new Random(1), 3, out byte[] content);
        int[] before = [.. stack.Layers.Select(layer => layer.DisposeCount)];
        var baseFile = new MemoryFile(content);
        MemoryFile[] wrongOrder = [stack.Layers[0], stack.Layers[2], stack.Layers[1]];
        CowloopException refused = Assert.Throws<CowloopException>(() => Stack.Open(baseFile, wrongOrder));
        Assert.Equal(Fault.OtherParent, refused.Fault);
        Assert.Contains("not on layer1.cow", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, baseFile.DisposeCount);
        Assert.Equal(before, stack.Layers.Select(layer => layer.DisposeCount));
    }

    [Fact]
    public void The_lowest_layer_must_be_there()
    {
        using Stack stack = MakeStack(new Random(1), 3, out byte[] content);
        CowloopException refused = Assert.Throws<CowloopException>(() => Stack.Open(new FlatFile(content), stack.Layers.Skip(1)));
        Assert.Contains("which is not there", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LayerStack.MaxLayers, false)]
    [InlineData(LayerStack.MaxLayers + 1, true)]
    public void It_has_at_most_32_layers(int layerCount, bool isRefused)
    {
        Exception? refused = Record.Exception(() => LayerStack.RequireCount(layerCount));
        Assert.Equal(isRefused, refused is CowloopException { Errno: Errno.EINVAL });
    }

    [Fact]
    public void Plain_layers_lie_on_each_other_by_their_fingerprints()
    {
        byte[] content = [.. Fixtures.R];
        var lower = new MemoryFile();
        var upper = new MemoryFile();
        Change(Stack.Open(new FlatFile(content), [], lower, Disk.Plain), content, 0);
        // The fingerprint is made of such places.
        byte[] lowerContent = [.. content];
        Change(Stack.Open(new FlatFile([.. Fixtures.R]), [lower], upper, Disk.Plain), content, 4096);
        IBlockFile file = Stack.Open(new FlatFile([.. Fixtures.R]), [lower, upper]).File;
        byte[] found = new byte[content.Length];
        Assert.Equal(Errno.None, file.ReadAt(0, found));
        Assert.Equal(content, found);
        Assert.NotEqual(BaseFingerprint.Compute(new FlatFile(Fixtures.R), 1024), BaseFingerprint.Compute(new FlatFile(lowerContent), 1024));
        Assert.Throws<CowloopException>(() => Stack.Open(new FlatFile([.. Fixtures.R]), [upper]));

        static void Change(StackDevice device, byte[] expected, int offset)
        {
            device.Fill(offset, 2048, 0xEE);
            expected.AsSpan(offset, 2048).Fill(0xEE);
            Assert.Equal(Errno.None, device.Close());
        }
    }

    [Fact]
    public void A_failed_read_is_told()
    {
        using Stack stack = MakeStack(new Random(1), 2, out byte[] content);
        var faulty = new FaultyFile(stack.Layers[1], new PlannedFault(1, PlannedFault.ForGood, Errno.EIO, FaultMoment.BeforeTheCall)) { IsArmed = false };
        IBlockFile file = Stack.Open(new FlatFile(content), [stack.Layers[0], faulty]).File;
        faulty.IsArmed = true;
        Assert.Equal(Errno.EIO, file.ReadAt(0, new byte[content.Length]));
    }

    /// <summary>A stack whose layers hold random runs, all of them some in the same blocks; the device on it is open.</summary>
    private static Stack MakeStack(Random random, int layerCount, out byte[] content)
    {
        content = Fixtures.RandomBytes(random, BlockCount * 1024);
        var stack = new Stack(content, random.Next());
        byte[] expected = [.. content];
        for (int layer = 0; layer < layerCount; layer++)
        {
            for (int change = 0; change < 8; change++)
            {
                int offset = random.Next(expected.Length - 1);
                byte[] data = Fixtures.RandomBytes(random, random.Next(1, Math.Min(expected.Length - offset, 9000)));
                Assert.Equal(Errno.None, stack.Device.Write(offset, data, fua: false));
                data.CopyTo(expected, offset);
            }
            stack.Snapshot(expected);
        }
        return stack;
    }
}
