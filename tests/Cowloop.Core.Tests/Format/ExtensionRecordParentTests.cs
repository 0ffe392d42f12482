using Cowloop.Core.Format;

namespace Cowloop.Core.Tests.Format;

/// <summary>What the record says of a layer and of what lies below it.</summary>
public class ExtensionRecordParentTests
{
    private static readonly ExtensionRecord Record = new()
    {
        Id = new Guid("00112233-4455-6677-8899-aabbccddeeff"),
        Generation = 4,
        BaseLengthBytes = 1 << 20,
        BaseIdentity = new BaseIdentity(1, 2, 3),
        BasePath = "../größe.img",
        Parent = new ParentLink(new Guid("66666666-7777-8888-9999-aaaaaaaaaaaa"), ulong.MaxValue, "../schöne/lower.cow"),
    };

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Comes_back_as_it_was(bool isSealed, bool isLarger)
    {
        ExtensionRecord record = Record with { IsSealed = isSealed, IsLargerThanBase = isLarger };
        Assert.Equal(record, Decode(Encode(record)));
        Assert.Equal(record with { Parent = null }, Decode(Encode(record with { Parent = null })));
    }

    [Fact]
    public void A_plain_parent_is_one() =>
        Assert.Equal(new ParentLink(Guid.Empty, 0, "plain.cow"), Decode(Encode(Record with { Parent = new ParentLink(Guid.Empty, 0, "plain.cow") })).Parent);

    [Fact]
    public void Both_paths_share_the_room()
    {
        string basePath = new('b', 100);
        string fits = new('p', ExtensionRecord.MaxPathBytes - 100);
        ExtensionRecord record = Record with { BasePath = basePath, Parent = Record.Parent!.Value with { Path = fits } };
        Assert.Equal(record, Decode(Encode(record)));

        // Half of a path leads nowhere; the parent is found by what it is.
        ExtensionRecord tooLong = record with { Parent = Record.Parent.Value with { Path = fits + "p" } };
        ExtensionRecord found = Decode(Encode(tooLong));
        Assert.Equal(basePath, found.BasePath);
        Assert.Equal(Record.Parent.Value with { Path = "" }, found.Parent);
    }

    [Fact]
    public void A_longer_path_before_leaves_nothing_behind()
    {
        byte[] block = Encode(Record);
        ExtensionRecord shorter = Record with { BasePath = "b", Parent = Record.Parent!.Value with { Path = "p" } };
        shorter.Encode(block);
        Assert.Equal(Encode(shorter), block);
    }

    [Fact]
    public void A_layer_names_itself_to_those_above() =>
        Assert.Equal(new ParentLink(Record.Id, 4, "x/y.cow"), Record.ToLink("x/y.cow"));

    private static byte[] Encode(ExtensionRecord record)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        record.Encode(block);
        return block;
    }

    private static ExtensionRecord Decode(byte[] block)
    {
        Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(block, out ExtensionRecord? record));
        return record!;
    }
}
