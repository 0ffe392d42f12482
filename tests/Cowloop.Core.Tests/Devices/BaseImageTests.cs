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
    public void What_is_known_of_the_same_file_is_not_read_again()
    {
        var hints = new BaseHints(1, 2, 3, 4);
        var known = new BaseImage(new MemoryFile(Fixtures.R), "r.img", hints);
        BaseIdentity identity = known.Identity;
        var file = new TracingFile(new MemoryFile(Fixtures.R));

        var image = new BaseImage(file, "r.img", hints, known: known);

        Assert.Equal((known.Fingerprint, identity), (image.Fingerprint, image.Identity));
        Assert.Empty(file.Calls);
    }

    [Fact]
    public void What_is_read_later_is_known_to_all_images_of_the_file()
    {
        var hints = new BaseHints(1, 2, 3, 4);
        var first = new BaseImage(new MemoryFile(Fixtures.R), "r.img", hints);
        BaseIdentity identity = new BaseImage(new MemoryFile(Fixtures.R), "r.img", hints, known: first).Identity;
        var file = new TracingFile(new MemoryFile(Fixtures.R));

        Assert.Equal(identity, new BaseImage(file, "r.img", hints, known: first).Identity);
        Assert.Empty(file.Calls);
    }

    [Theory]
    [InlineData(true, 1048576)]
    [InlineData(false, 1047552)]
    public void A_file_that_has_changed_is_read_again(bool isTouched, int lengthBytes)
    {
        var hints = new BaseHints(1, 2, 3, 4);
        var known = new BaseImage(new MemoryFile(Fixtures.R), "r.img", hints);
        byte[] content = Fixtures.R[..lengthBytes];
        content[0] ^= 1;

        var image = new BaseImage(new MemoryFile(content), "r.img", isTouched ? hints with { ChangedNanoseconds = 5 } : hints, known: known);

        Assert.NotEqual(known.Fingerprint, image.Fingerprint);
        Assert.NotEqual(known.Identity, image.Identity);
    }

    [Fact]
    public void A_file_that_does_not_know_when_it_was_changed_is_always_read()
    {
        var known = new BaseImage(new MemoryFile(Fixtures.R), "r.img");
        var file = new TracingFile(new MemoryFile(Fixtures.R));

        Assert.Equal(known.Fingerprint, new BaseImage(file, "r.img", known: known).Fingerprint);
        Assert.NotEmpty(file.Calls);
    }

    [Fact]
    public void A_digest_that_cannot_be_had_names_the_base()
    {
        var file = new TracingFile(new MemoryFile(Fixtures.R));
        var image = new BaseImage(file, "r.img");
        file.FailOnce("read 0+65536", Errno.EIO);

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
