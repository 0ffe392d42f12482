using Cowloop.Core.Images;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Images;

/// <summary>
/// Any bytes behind the first line of a cloop image are refused with our own error, or are an image of which each block is what was compressed or EIO.
/// Nothing in them decides alone about memory or time, and nothing outside of the file is read.
/// </summary>
public class CloopFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 10_000;
    private const int SoakCaseCount = 1_000_000;
    private const long MaxIndexBytes = 1 << 18;
    private const int MagicBytes = 23;

    private static readonly byte[] Content = Fixtures.R[..20_000];
    private static readonly int[] BlockSizes = [512, 1024, 2048, 16_384];
    private static readonly byte[][] Originals = [.. BlockSizes.Select(blockBytes => CloopBytes.Of(Content, blockBytes))];

    [Fact]
    public void Any_image_is_refused_or_read() => new FuzzRun(output).Cases(CaseCount, SoakCaseCount, Make, Check);

    private static byte[] Make(int seed, int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        byte[] original = Originals[random.Next(Originals.Length)];
        int tableEndBytes = CloopBytes.Entry(original, 0);
        var mutator = new Mutator(random);
        switch (random.Next(4))
        {
            case 0:
                byte[] entry = [.. original];
                Mutator.Put(entry.AsSpan(CloopBytes.TableOffset + 8 * random.Next((tableEndBytes - CloopBytes.TableOffset) / 8)), mutator.Number(), 8, bigEndian: true);
                return entry;
            case 1:
                byte[] sizes = [.. original];
                Mutator.Put(sizes.AsSpan(random.Next(2) == 0 ? CloopBytes.BlockSizeOffset : CloopBytes.BlockCountOffset), mutator.Number(), 4, bigEndian: true);
                return sizes;
            case 2:
                return [.. original[..tableEndBytes], .. mutator.Mutate(original.AsSpan(tableEndBytes), int.MaxValue)];
            default:
                return [.. original[..MagicBytes], .. mutator.Mutate(original.AsSpan(MagicBytes), tableEndBytes)];
        }
    }

    private static string Check(byte[] bytes)
    {
        using var file = new BoundedFile(new FlatFile(bytes), bytes.Length);
        Assert.True(CloopIndex.IsCloop(file));
        long before = GC.GetAllocatedBytesForCurrentThread();
        CloopIndex index;
        try
        {
            index = CloopIndex.Read(file, "x");
        }
        catch (CowloopException)
        {
            return "refused";
        }
        finally
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxIndexBytes);
        }
        using var image = CloopImage.Open(new BoundedFile(new FlatFile(bytes), bytes.Length), "x", HeapWords.Allocate, schedule: null);
        byte[] block = new byte[Math.Min(index.BlockBytes, 1 << 16)];
        int bad = 0;
        for (int number = 0; number < index.BlockCount; number++)
        {
            Errno errno = image.ReadAt((long)number * index.BlockBytes, block);
            Assert.True(errno is Errno.None or Errno.EIO, $"{errno}");
            bad += errno == Errno.None ? 0 : 1;
        }
        return bad == 0 ? "whole" : "damaged";
    }
}
