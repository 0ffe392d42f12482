using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>
/// Many writers on ranges that don't overlap but share blocks, words of the bitmap and stripes, with flushes meanwhile:
/// what is there in the end is the union of all. One lost merge shows.
/// </summary>
public class OverlayThreadTests
{
    private const int WriterCount = 4;
    private const int BlockCount = 320;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Ranges_of_any_length(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 6; round++)
        {
            var cuts = new SortedSet<int> { 0, BlockCount * 1024 };
            while (cuts.Count < 500)
            {
                cuts.Add(random.Next(BlockCount * 1024));
            }
            Check([.. cuts], random);
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void Neighbouring_sectors(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 6; round++)
        {
            Check([.. Enumerable.Range(0, BlockCount * 2 + 1).Select(sector => sector * 512)], random);
        }
    }

    /// <summary>The range between two cuts belongs to one thread; neighbours belong to different ones.</summary>
    private static void Check(int[] cuts, Random random)
    {
        byte[] content = Fixtures.RandomBytes(random, BlockCount * 1024);
        byte[] expected = [.. content];
        byte[] data = Fixtures.RandomBytes(random, BlockCount * 1024);
        bool[] isZeroed = new bool[cuts.Length];
        var work = new List<int>[WriterCount];
        for (int writer = 0; writer < WriterCount; writer++)
        {
            work[writer] = [];
        }
        for (int index = 0; index < cuts.Length - 1; index++)
        {
            Range range = cuts[index]..cuts[index + 1];
            // Some ranges nobody touches: there the base must shine through.
            if (random.Next(10) != 0)
            {
                isZeroed[index] = random.Next(10) == 0;
                work[index % WriterCount].Add(index);
                (isZeroed[index] ? new byte[cuts[index + 1] - cuts[index]] : data[range]).CopyTo(expected, cuts[index]);
            }
        }

        var store = new MemoryFile();
        Overlay overlay = Disk.Open(new FlatFile(content), new YieldingFile(store));
        int writersLeft = WriterCount;
        Together.Run(WriterCount + 1, thread =>
        {
            if (thread == WriterCount)
            {
                for (int round = 0; Volatile.Read(ref writersLeft) > 0; round++)
                {
                    Assert.Equal(Errno.None, round % 8 == 7 ? overlay.Clean() : overlay.Flush());
                }
                return;
            }
            try
            {
                foreach (int index in work[thread])
                {
                    ReadOnlySpan<byte> bytes = data.AsSpan(cuts[index]..cuts[index + 1]);
                    Assert.Equal(
                        Errno.None,
                        isZeroed[index] ? overlay.Zero(cuts[index], bytes.Length, mayUnmap: true, fua: false) : overlay.Write(cuts[index], bytes, fua: false));
                    Assert.Equal(expected[cuts[index]..cuts[index + 1]], overlay.Get(cuts[index], bytes.Length));
                }
            }
            finally
            {
                Interlocked.Decrement(ref writersLeft);
            }
        });

        Assert.True(overlay.GetAll().AsSpan().SequenceEqual(expected), "a write was lost");
        Assert.Equal(Errno.None, overlay.Close());
        CowfileCheck.AssertClean(store, overlay.Layout);
        overlay = Disk.Open(content, store);
        Assert.True(overlay.GetAll().AsSpan().SequenceEqual(expected), "a write was lost on disk");
        overlay.Close();
    }
}
