using Cowloop.Core;
using Cowloop.Fuse.Tests.Support;

namespace Cowloop.Fuse.Tests;

public class FuseFileTests
{
    [Fact]
    public void A_file_that_says_nothing_else_cannot_be_changed()
    {
        FuseFile file = new ThrowingFile();

        Assert.Equal(Errno.EROFS, file.Write(0, new byte[1]));
        Assert.Equal(Errno.EOPNOTSUPP, file.Zero(0, 1, mayUnmap: true));
        Assert.Equal(Errno.None, file.Sync());
    }
}
