using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

public class MergedLayerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Comes_back_from_a_record_as_it_was(bool isComplete)
    {
        var merged = new MergedLayer(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 0x0102030405060708, ulong.MaxValue, isComplete);
        var record = new ExtensionRecord { Id = Guid.Empty, BaseLengthBytes = 1024, BaseIdentity = default, IsSealed = true, Merged = merged };
        byte[] block = new byte[CowLayout.BlockSize];
        record.Encode(block);
        Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(block, out ExtensionRecord? found));
        Assert.Equal(merged, found!.Merged);
        Assert.True(found.IsSealed);

        // And is forgotten when there is none any more.
        (record with { Merged = null }).Encode(block);
        Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(block, out found));
        Assert.Null(found!.Merged);
    }
}
