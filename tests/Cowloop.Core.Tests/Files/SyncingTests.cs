using Cowloop.Core.Files;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Files;

public class SyncingTests
{
    [Theory]
    [InlineData(Errno.EAGAIN, Errno.ENOSPC)]
    [InlineData(Errno.EIO, Errno.EIO)]
    [InlineData(Errno.None, Errno.None)]
    public void Who_does_not_try_again_is_told_what_is_missing(Errno said, Errno heard)
    {
        var file = new TracingFile(new MemoryFile());
        if (said != Errno.None)
        {
            file.FailOnce("sync", said);
        }

        Assert.Equal(heard, file.SyncOrNoSpace());
    }
}
