using System.Security.Cryptography;
using Cowloop.Core.Files;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Format;

public class BaseIdentityTests
{
    private const int MiB = 1 << 20;
    private const int LengthBytes = 8 * MiB;

    private static readonly byte[] Content = Fixtures.RandomBytes(new Random(8), LengthBytes);

    [Fact]
    public void The_same_content_is_the_same() => Assert.Equal(Of(Content), Of([.. Content]));

    [Theory]
    [InlineData(0)]
    [InlineData(1024)]
    [InlineData(BaseIdentity.HeadBytes - 1)]
    public void A_change_of_the_first_2_MiB_is_seen_there(int offset)
    {
        BaseIdentity changed = Of(Changed(offset));

        Assert.NotEqual(Of(Content).Head, changed.Head);
        Assert.Equal(Of(Content), changed with { Head = Of(Content).Head });
    }

    [Theory]
    [InlineData(LengthBytes - 1)]
    [InlineData(LengthBytes - BaseIdentity.TailBytes)]
    public void A_change_of_the_last_1_MiB_is_seen_there(int offset)
    {
        BaseIdentity changed = Of(Changed(offset));

        Assert.NotEqual(Of(Content).Tail, changed.Tail);
        Assert.Equal(Of(Content), changed with { Tail = Of(Content).Tail });
    }

    [Fact]
    public void A_change_in_between_is_seen_when_it_meets_a_sample()
    {
        int stepBytes = (LengthBytes - BaseIdentity.HeadBytes - BaseIdentity.TailBytes) / BaseIdentity.SampleCount;

        Assert.NotEqual(Of(Content).Samples, Of(Changed(BaseIdentity.HeadBytes + 77 * stepBytes + 4095)).Samples);
        Assert.Equal(Of(Content), Of(Changed(BaseIdentity.HeadBytes + 77 * stepBytes + BaseIdentity.SampleBytes)));
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(BaseIdentity.HeadBytes)]
    [InlineData(BaseIdentity.HeadBytes + 1000)]
    [InlineData(BaseIdentity.HeadBytes + BaseIdentity.TailBytes)]
    [InlineData(BaseIdentity.HeadBytes + BaseIdentity.TailBytes + 200_000)]
    public void Of_a_small_base_every_byte_counts(int length)
    {
        byte[] content = Content[..length];
        foreach (int offset in (int[])[0, length / 2, length - 1])
        {
            byte[] changed = [.. content];
            changed[offset] ^= 1;
            Assert.NotEqual(Of(content), Of(changed));
        }
    }

    [Fact]
    public void What_is_read_does_not_grow_with_the_base()
    {
        var file = new CountedReads(new MemoryFile());
        file.SetLength(1L << 42);

        _ = BaseIdentity.Compute(file, file.LengthBytes);

        Assert.Equal(BaseIdentity.HeadBytes + BaseIdentity.TailBytes + BaseIdentity.SampleCount * BaseIdentity.SampleBytes, file.ReadBytes);
    }

    [Fact]
    public void A_page_that_cannot_be_read_is_known_by_its_place()
    {
        BaseIdentity failing = BaseIdentity.Compute(new BadPage(Content, 5), LengthBytes);

        Assert.Equal(failing, BaseIdentity.Compute(new BadPage(Content, 5), LengthBytes));
        Assert.NotEqual(failing, BaseIdentity.Compute(new BadPage(Content, 6), LengthBytes));
        Assert.NotEqual(failing, Of(Content));
        Assert.NotEqual(failing, BaseIdentity.Compute(new BadPage(Changed(6 * 4096), 5), LengthBytes));
    }

    [Fact]
    public void The_digest_is_the_sha256_of_all_of_it()
    {
        var file = new MemoryFile();
        file.SetLength(3 * MiB + 512);
        file.WriteAt(MiB + 5, "data"u8);

        Assert.Equal(SHA256.HashData(file.ToArray()), BaseIdentity.ComputeDigest(file, file.LengthBytes));
    }

    [Fact]
    public void A_digest_needs_every_byte()
    {
        var exception = Assert.Throws<CowloopException>(() => BaseIdentity.ComputeDigest(new BadPage(Content, 100), LengthBytes));

        Assert.Equal("it cannot be read at byte 393216: Input/output error", exception.Message);
    }

    private static BaseIdentity Of(byte[] content) => BaseIdentity.Compute(new FlatFile(content), content.Length);

    private static byte[] Changed(int offset)
    {
        byte[] changed = [.. Content];
        changed[offset] ^= 1;
        return changed;
    }

    private sealed class CountedReads(IBlockFile inner) : FileDecorator(inner)
    {
        public long ReadBytes { get; private set; }

        protected override Errno Before(FileCall call)
        {
            ReadBytes += call.Op == FileOp.Read ? call.LengthBytes : 0;
            return Errno.None;
        }
    }

    private sealed class BadPage(byte[] content, int page) : FileDecorator(new FlatFile(content))
    {
        protected override Errno Before(FileCall call) =>
            call.Op == FileOp.Read && call.OffsetBytes <= page * 4096 && page * 4096 < call.OffsetBytes + call.LengthBytes ? Errno.EIO : Errno.None;
    }
}
