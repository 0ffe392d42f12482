using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Files;

public class ReadOnlyFileTests
{
    [Fact]
    public void Every_change_is_refused_and_nothing_is_left_to_sync()
    {
        var inner = new FlatFile(Fixtures.Filled(2048, 7));
        using var file = new GrownFile(inner, 4096);

        Assert.Equal(Errno.EROFS, file.WriteAt(0, new byte[512]));
        Assert.Equal(Errno.EROFS, file.Punch(0, 512));
        Assert.Equal(Errno.EROFS, file.SetLength(0));
        Assert.Equal(Errno.EROFS, file.Allocate(0, 512));
        Assert.Equal(Errno.None, file.Sync());

        byte[] found = new byte[2048];
        Assert.Equal(Errno.None, file.ReadAt(0, found));
        Assert.Equal(Fixtures.Filled(2048, 7), found);
    }
}
