using Cowloop.Core.Live;

namespace Cowloop.Core.Tests.Live;

public class LiveHeaderTests
{
    private static readonly LiveKey Key = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1, 2);

    [Fact]
    public void Everything_it_belongs_to_is_in_it()
    {
        byte[] block = Fixtures.Filled(1024, 3);
        byte[] other = [.. block];
        other[1023] = 0;
        byte[][] pages =
        [
            Encoded(Key, block),
            Encoded(Key with { BootId = Guid.Empty }, block),
            Encoded(Key with { FileSystemId = 9 }, block),
            Encoded(Key with { Inode = 9 }, block),
            Encoded(Key, other),
        ];

        Assert.Equal(pages.Length, pages.Select(Convert.ToHexString).Distinct().Count());
        Assert.Equal(pages[0], Encoded(Key, block));
    }

    [Fact]
    public void It_begins_with_its_magic() => Assert.Equal("\u007fCOWLIVE"u8, Encoded(Key, new byte[1024]).AsSpan(0, 8));

    private static byte[] Encoded(LiveKey key, byte[] headerBlock)
    {
        byte[] page = new byte[LiveHeader.LengthBytes];
        LiveHeader.Encode(page, key, headerBlock);
        return page;
    }
}
