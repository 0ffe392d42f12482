using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Layers;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

public class BaseImageTests
{
    [Fact]
    public void Knows_what_a_cowfile_of_it_needs()
    {
        var image = new BaseImage(new FlatFile([.. Fixtures.R, .. new byte[512]]), "r.img");

        Assert.Equal(1_049_088, image.LengthBytes);
        Assert.Equal(1024, image.Layout.BlockCount);
        Assert.Equal(0xce7e7ab8, image.Fingerprint);
        Assert.Equal(BaseIdentity.Compute(image.File, image.LengthBytes), image.Identity);
    }

    [Fact]
    public void A_digest_that_cannot_be_had_names_the_base()
    {
        var file = new TracingFile(new MemoryFile(Fixtures.R));
        var image = new BaseImage(file, "r.img");
        file.FailOnce("read 0+262144", Errno.EIO);

        var exception = Assert.Throws<CowloopException>(image.ComputeDigest);

        Assert.Equal("rdofile r.img cannot be verified: it cannot be read at byte 0: Input/output error", exception.Message);
        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.Contains("--verify-base", exception.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_topmost_layer_is_the_one_that_is_there_now()
    {
        BaseImage image = TestStack.Random(1).Below(2);
        var stack = (LayerStack)image.File;
        Layer lower = stack.Layers[0];

        stack.DropTop(lower, HeapWords.Allocate);

        Assert.Same(lower, image.Top);
    }
}
