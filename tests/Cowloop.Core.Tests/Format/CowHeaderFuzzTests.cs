using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;
using Xunit.Abstractions;

namespace Cowloop.Core.Tests.Format;

/// <summary>Any bytes are decoded, at once and without an error; what is encoded again is decoded to the same.</summary>
public class CowHeaderFuzzTests(ITestOutputHelper output)
{
    private const int CaseCount = 20_000;
    private const int SoakCaseCount = 1_000_000;
    private const long MaxBytes = 1024;

    [Fact]
    public void Any_header_is_decoded_and_encoded_again() => HostileMemory.ForEach(new FuzzRun(output), CaseCount, SoakCaseCount, Check);

    private static string Check(HostileFile file)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        file.Content.AsSpan(0, Math.Min(block.Length, file.Content.Length)).CopyTo(block);
        long before = GC.GetAllocatedBytesForCurrentThread();
        CowHeader? header = CowHeader.Decode(block);
        bool isConsistent = header?.HasConsistentLayout ?? false;
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxBytes);
        if (header is null)
        {
            return "no magic";
        }

        byte[] again = [.. block];
        header.Encode(again);
        Assert.Equal(header, CowHeader.Decode(again));
        Assert.Equal(block.AsSpan(header.Variant.StructSize), again.AsSpan(header.Variant.StructSize));
        if (!isConsistent)
        {
            return "inconsistent";
        }
        var layout = new CowLayout((long)header.BlockCount);
        Assert.Equal((layout.BitmapBytes, layout.DataOffsetBytes), ((long)header.MapSize, (long)header.DataOffset));
        Assert.True(layout.FullLengthBytes > layout.DataOffsetBytes && layout.DataOffsetBytes >= layout.EmptyLengthBytes);
        return "consistent";
    }
}
