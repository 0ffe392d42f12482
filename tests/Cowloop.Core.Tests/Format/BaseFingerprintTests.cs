using System.Buffers.Binary;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Format;

public class BaseFingerprintTests
{
    /// <summary>The vectors of specification 2.3: what a 64-bit and a 32-bit header hold.</summary>
    public static TheoryData<string, ulong, uint> Vectors => new()
    {
        { nameof(Fixtures.F1), 0xffffffffce7e7ab8, 0xce7e7ab8 },
        { nameof(Fixtures.F2), 0x0d, 0x0d },
        { nameof(Fixtures.F3), 0x0201, 0x0201 },
        { nameof(Fixtures.F4), 0xffffffff80030201, 0x80030201 },
        { nameof(Fixtures.F5), 0x7f030201, 0x7f030201 },
        { nameof(Fixtures.F6), 0xffffffff80030201, 0x80030201 },
        { nameof(Fixtures.F7), 0x030201, 0x030201 },
        { nameof(Fixtures.F8), 0, 0 },
        { nameof(Fixtures.F9), 0, 0 },
        { nameof(Fixtures.F11), 0xffffffff80808080, 0x80808080 },
        { nameof(Fixtures.R), 0xffffffffce7e7ab8, 0xce7e7ab8 },
    };

    [Theory]
    [MemberData(nameof(Vectors))]
    public void T1_the_fingerprint_is_that_of_the_original(string name, ulong wide, uint narrow)
    {
        byte[] content = (byte[])typeof(Fixtures).GetProperty(name)!.GetValue(null)!;

        uint fingerprint = BaseFingerprint.Compute(new FlatFile(content), content.Length / 1024);

        Assert.Equal(narrow, fingerprint);
        Assert.Equal(fingerprint, BaseFingerprint.Compute(new MemoryFile(content), content.Length / 1024));
        CowHeader header = CowHeader.ForNewFile(new CowLayout(content.Length / 1024), fingerprint);
        Assert.Equal(wide, BinaryPrimitives.ReadUInt64LittleEndian(Encoded(header).AsSpan(40)));
        Assert.Equal(narrow, BinaryPrimitives.ReadUInt32LittleEndian(Encoded(header with { Variant = new HeaderVariant(4, false) }).AsSpan(24)));
    }

    /// <summary>A change behind the window does not change the fingerprint; with fewer than four counted blocks one anywhere might.</summary>
    [Theory]
    [InlineData(nameof(Fixtures.R), 4)]
    [InlineData(nameof(Fixtures.F3), 4)] // two counted
    [InlineData(nameof(Fixtures.F4), 4)]
    [InlineData(nameof(Fixtures.F6), 8)] // the fourth counted one is block 7 of 16
    [InlineData(nameof(Fixtures.F7), 3)] // three whole blocks
    [InlineData(nameof(Fixtures.F8), 1024)]
    [InlineData(nameof(Fixtures.F9), 1024)]
    public void The_window_ends_with_the_fourth_counted_block_or_with_the_base(string name, long expected)
    {
        byte[] content = (byte[])typeof(Fixtures).GetProperty(name)!.GetValue(null)!;

        BaseFingerprint.Compute(new FlatFile(content), content.Length / 1024, out long windowBlockCount);
        Assert.Equal(expected, windowBlockCount);
        BaseFingerprint.Compute(new MemoryFile(content), content.Length / 1024, out windowBlockCount);
        Assert.Equal(expected, windowBlockCount);
    }

    [Fact]
    public void The_window_may_end_inside_a_large_read_or_behind_a_hole()
    {
        var file = new MemoryFile();
        file.SetLength(1L << 40);
        foreach (long block in new long[] { 2000, 2001, 3000, 900_000_000, 900_000_001 })
        {
            file.WriteAt(block * 1024 + 5, [1]);
        }

        Assert.Equal(0x01010101u, BaseFingerprint.Compute(file, 1L << 30, out long windowBlockCount));
        Assert.Equal(900_000_001, windowBlockCount);
    }

    /// <summary>What is behind it was not seen, so it may have decided.</summary>
    [Fact]
    public void After_a_read_error_the_window_is_the_whole_base()
    {
        var file = new TracingFile(new FlatFile(Fixtures.F4))
        {
            OnCall = call => call is { Op: FileOp.Read, OffsetBytes: 3072 } ? Errno.EIO : Errno.None,
        };

        BaseFingerprint.Compute(file, 4, out long windowBlockCount);

        Assert.Equal(4, windowBlockCount);
    }

    [Fact]
    public void A_base_without_a_block_has_no_window()
    {
        Assert.Equal(0u, BaseFingerprint.Compute(new FlatFile([1, 2, 3]), 0, out long windowBlockCount));
        Assert.Equal(0, windowBlockCount);
    }

    [Fact]
    public void A_normal_base_costs_four_small_reads()
    {
        var file = new TracingFile(new FlatFile(Fixtures.R));

        BaseFingerprint.Compute(file, 1024);

        Assert.Equal(
            ["read 0+1024", "read 1024+1024", "read 2048+1024", "read 3072+1024"],
            file.Calls.Where(call => call.StartsWith("read", StringComparison.Ordinal)));
    }

    [Fact]
    public void Holes_are_not_read()
    {
        var sparse = new MemoryFile();
        sparse.SetLength(1L << 40);
        sparse.WriteAt((1L << 39) + 1500, [5]);
        var file = new TracingFile(sparse);

        Assert.Equal(5u, BaseFingerprint.Compute(file, 1L << 30));
        Assert.True(file.Calls.Count() < 10);
    }

    [Fact]
    public void Counts_blocks_on_both_sides_of_the_large_reads()
    {
        byte[] content = new byte[5 << 20];
        content[7 * 1024] = 1;
        content[8 * 1024] = 2;
        content[(1 << 20) + 8 * 1024] = 3;
        content[content.Length - 1] = 4;

        Assert.Equal(0x04030201u, BaseFingerprint.Compute(new FlatFile(content), content.Length / 1024));
    }

    [Fact]
    public void Looks_at_no_more_blocks_than_asked()
    {
        Assert.Equal(0x0201u, BaseFingerprint.Compute(new FlatFile(Fixtures.F4), 2));
    }

    [Fact]
    public void A_read_error_ends_the_search()
    {
        var file = new TracingFile(new FlatFile(Fixtures.F4))
        {
            OnCall = call => call is { Op: FileOp.Read, OffsetBytes: 2048 } ? Errno.EIO : Errno.None,
        };

        Assert.Equal(0x0201u, BaseFingerprint.Compute(file, 4));
    }

    [Fact]
    public void A_read_error_inside_a_large_read_loses_none_of_the_blocks_before_it()
    {
        byte[] content = new byte[1 << 20];
        content[20 * 1024] = 1;
        content[40 * 1024] = 2;
        var file = new TracingFile(new FlatFile(content))
        {
            OnCall = call => call.Op == FileOp.Read && call.OffsetBytes + call.LengthBytes > 30 * 1024 ? Errno.EIO : Errno.None,
        };

        Assert.Equal(0x01u, BaseFingerprint.Compute(file, 1024));
    }

    [Fact]
    public void A_file_that_cannot_tell_its_holes_is_read()
    {
        var file = new TracingFile(new FlatFile(Fixtures.F6))
        {
            OnCall = call => call.Op == FileOp.NextData ? Errno.EINVAL : Errno.None,
        };

        Assert.Equal(0x80030201u, BaseFingerprint.Compute(file, 16));
    }

    private static byte[] Encoded(CowHeader header)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        header.Encode(block);
        return block;
    }
}
