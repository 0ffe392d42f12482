using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Cowfiles that activation refuses (specification 4.4, cases T10 to T20): the reason is told, the file stays untouched.</summary>
public class CowfileRefusalTests
{
    private const string NotRelated = "cowfile test.cow not related to rdofile  (fingerprint err - rdofile modified?)";

    /// <summary>G2 with one byte changed.</summary>
    [Theory]
    [InlineData(0, 0x00, "cowfile test.cow has incorrect format")] // T10
    [InlineData(4, 0x03, "cowfile test.cow newer than this driver")] // T11, with 3: 2 is a device larger than its base now
    [InlineData(4, 0x00, "cowfile test.cow has header version 0, which does not exist")] // T12
    [InlineData(5, 0x80, "cowfile test.cow has header version -32767, which does not exist")] // negative version
    [InlineData(6, 0x01, "cowfile test.cow is dirty (not properly closed by rmmod?)")] // T13
    [InlineData(6, 0x02, "packed cowfile test.cow not accepted")] // T14
    [InlineData(6, 0x03, "packed cowfile test.cow not accepted")] // T14 packed wins
    [InlineData(9, 0x08, "cowfile test.cow has a damaged header")] // mapunit
    [InlineData(17, 0x08, "cowfile test.cow has a damaged header")] // mapsize
    [InlineData(32, 0x01, "cowfile test.cow (size 1049600) not related to rdofile (size 1048576)")] // T16
    [InlineData(33, 0x00, "cowfile test.cow has a damaged header")] // rdoblocks 0
    [InlineData(40, 0xb9, NotRelated)] // T17
    [InlineData(43, 0x4e, NotRelated)] // T17 top byte
    [InlineData(48, 0x05, "inconsistent cowfile admi: test.cow counts 5 blocks in its header and 4 in its bitmap")] // T18
    [InlineData(25, 0x20, "cowfile test.cow has a damaged header")] // T19
    [InlineData(1100, 0x01, "inconsistent cowfile admi: test.cow counts 4 blocks in its header and 5 in its bitmap")] // a bit for a block in the middle
    [InlineData(1151, 0x80, "inconsistent cowfile admi: test.cow counts 4 blocks in its header and 5 in its bitmap")] // a bit for the last block
    public void A_changed_byte(int offset, byte value, string reason)
    {
        byte[] content = Golden.G2();
        content[offset] = value;

        AssertRefused(content, Fixtures.R, reason);
    }

    [Theory]
    [InlineData(1, "existing cowfile test.cow too small")]
    [InlineData(100, "existing cowfile test.cow too small")]
    [InlineData(1023, "existing cowfile test.cow too small")]
    [InlineData(1024, "cowfile test.cow is incomplete: 1024 bytes, but header and bitmap alone take 2048")]
    [InlineData(2047, "cowfile test.cow is incomplete: 2047 bytes, but header and bitmap alone take 2048")]
    [InlineData(2048, "cowfile test.cow is incomplete: 2048 bytes, but its last block ends at 108544")]
    [InlineData(108543, "cowfile test.cow is incomplete: 108543 bytes, but its last block ends at 108544")]
    public void A_file_cut_short(int length, string reason)
    {
        AssertRefused(Golden.G2()[..length], Fixtures.R, reason);
    }

    [Fact]
    public void A_bit_behind_the_last_block()
    {
        byte[] content = Golden.NewNarrow("08000000");
        content[28] = 1;
        content[1025] = 0x01;

        AssertRefused(content, Fixtures.F1, "cowfile test.cow marks block 8, but the rdofile ends with block 7");
    }

    /// <summary>F1 and R have the same fingerprint.</summary>
    [Fact]
    public void The_cowfile_of_a_base_with_another_size()
    {
        AssertRefused(Golden.G2(), Fixtures.F1, "cowfile test.cow (size 1048576) not related to rdofile (size 8192)");
    }

    [Theory]
    [InlineData(6, 0x01, "cowfile test.cow is dirty (not properly closed by rmmod?)")]
    [InlineData(32, 0x01, "cowfile test.cow (size 1049600) not related to rdofile (size 1048576)")]
    public void The_first_reason_wins(int offset, byte value, string reason)
    {
        byte[] content = Golden.G2();
        content[offset] = value;
        content[40] = 0;
        content[48] = 9;

        AssertRefused(content, Fixtures.R, reason);
    }

    [Theory]
    [InlineData(4, 0x03, "its header has version 3, known is up to 2")]
    [InlineData(6, 0x01, "run: cowrepair test.cow")]
    [InlineData(6, 0x02, "unpack it first: cowpack -u test.cow NEWFILE")]
    [InlineData(48, 0x05, "cowrepair -f test.cow counts them again")]
    public void The_hint_says_what_to_do(int offset, byte value, string hint)
    {
        byte[] content = Golden.G2();
        content[offset] = value;

        var exception = Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(Fixtures.R), new MemoryFile(content)));

        Assert.Equal(hint, exception.Hint);
    }

    [Theory]
    [InlineData("read 0+1024", "header of cowfile test.cow cannot be read: Input/output error")]
    [InlineData("read 1024+1024", "bitmap of cowfile test.cow cannot be read: Input/output error")]
    public void A_file_that_cannot_be_read(string call, string reason)
    {
        HeapWords? words = null;
        var file = new TracingFile(new MemoryFile(Golden.G2()));
        file.FailOnce(call, Errno.EIO);

        var exception = Assert.Throws<CowloopException>(() =>
            Disk.OpenCowfile(new FlatFile(Fixtures.R), file, Disk.Plain with { AllocateZeroedWords = count => words = new HeapWords(count) }));

        Assert.Equal(reason, exception.Message);
        Assert.False(file.HasChanges);
        Assert.True(words?.IsDisposed ?? true);
    }

    public static TheoryData<string, string> BeyondRepair => new()
    {
        { "another base", NotRelated },
        { "another size", "cowfile test.cow (size 1049600) not related to rdofile (size 1048576)" },
        { "packed", "packed cowfile test.cow not accepted" },
        { "marked block missing", "cowfile test.cow is incomplete: block 5 is marked, but the file ends at byte 9215" },
        { "bitmap missing", "cowfile test.cow is incomplete: 2047 bytes, but header and bitmap alone take 2048" },
        { "bit behind the base", "cowfile test.cow marks block 1024, but the rdofile ends with block 1023" },
        { "data behind the bitmap", "cowfile test.cow holds data at block 8192, but its bitmap ends with block 8191" },
    };

    /// <summary>Asking for a repair makes only the dirty flag acceptable.</summary>
    [Theory]
    [MemberData(nameof(BeyondRepair))]
    public void A_dirty_file_that_a_repair_cannot_help(string kind, string reason)
    {
        CowImage image = kind switch
        {
            "another base" => Golden.ImageG3 with { Fingerprint = 1 },
            "another size" => Golden.ImageG3 with { BlockCount = 1025 },
            "packed" => Golden.ImageG3 with { Flags = CowImage.Dirty | CowImage.PackedFlag },
            "bit behind the base" => Golden.ImageG3.With(1024, 1, 1),
            "data behind the bitmap" => Golden.ImageG3.WithData(8192, 1, 1),
            _ => Golden.ImageG3,
        };
        byte[] content = image.ToBytes();
        content = kind switch
        {
            "marked block missing" => content[..9215],
            "bitmap missing" => content[..2047],
            _ => content,
        };

        AssertRefused(content, Fixtures.R, reason, repair: true);
    }

    [Fact]
    public void A_repair_that_fails()
    {
        var file = new TracingFile(new MemoryFile(Golden.ImageG3.ToBytes()));
        file.FailOnce("write 1024+1024", Errno.ENOSPC);

        var exception = Assert.Throws<CowloopException>(() =>
            Disk.OpenCowfile(new FlatFile(Fixtures.R), file, repair: true));

        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.Equal("test.cow cannot be written at byte 1024: No space left on device", exception.Message);
        Assert.Equal("free some space there and run it again", exception.Hint);
    }

    private static void AssertRefused(byte[] content, byte[] baseContent, string reason, bool repair = false)
    {
        var memory = new MemoryFile(content);
        var file = new TracingFile(memory);

        var exception = Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(baseContent), file, repair));

        Assert.Equal(reason, exception.Message);
        Assert.Equal(Errno.EINVAL, exception.Errno);
        Assert.Equal(content, memory.ToArray());
        Assert.False(file.HasChanges);
        Assert.Equal(0, memory.DisposeCount);
    }
}
