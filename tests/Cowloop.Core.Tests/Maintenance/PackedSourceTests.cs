using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;

namespace Cowloop.Core.Tests.Maintenance;

public class PackedSourceTests
{
    private static readonly CowLayout Layout = new(1024);
    private static readonly byte[] Content = [.. Enumerable.Range(0, 200).Select(index => (byte)index)];

    [Fact]
    public void The_plain_form_is_read_where_it_lies()
    {
        PackedSource source = PackedSource.Plain(File(Content));

        Assert.Equal(Content[..10], Read(source, 0, 10));
        Assert.Equal(Content[100..110], Read(source, 100, 10));
        source.RequireEnd();
        Assert.Equal("packed", source.Name);
    }

    [Fact]
    public void The_unpadded_form_is_read_on_whatever_the_offset()
    {
        PackedSource source = PackedSource.Unpadded(new MemoryStream(Content), "packed");

        Assert.Equal(Content[..10], Read(source, 0, 10));
        Assert.Equal(Content[10..200], Read(source, 1024, 190));
        source.RequireEnd();
        Assert.Equal("packed", source.Name);
    }

    /// <summary>A decompressor answers as much as it has.</summary>
    [Fact]
    public void A_stream_may_answer_in_pieces() =>
        Assert.Equal(Content, Read(PackedSource.Unpadded(new DrippingStream(Content), "packed"), 0, 200));

    [Theory]
    [InlineData(2047, 0, Fault.ReadBitmap)]
    [InlineData(2048, 1, Fault.ReadData)]
    [InlineData(8191, 4, Fault.ReadData)]
    public void The_plain_form_must_hold_all_blocks(int lengthBytes, long blockCount, Fault fault)
    {
        var exception = Assert.Throws<CowloopException>(() => PackedSource.Plain(File(new byte[lengthBytes])).RequireBlocks(Layout, blockCount));

        Assert.Equal((Errno.None, fault), (exception.Errno, exception.Fault));
        Assert.Contains("packed is incomplete", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2048, 0)]
    [InlineData(8192, 4)]
    [InlineData(8193, 4)]
    public void A_plain_form_that_holds_all_blocks_may_be_longer(int lengthBytes, long blockCount) =>
        PackedSource.Plain(File(new byte[lengthBytes])).RequireBlocks(Layout, blockCount);

    [Fact]
    public void How_long_the_unpadded_form_is_nobody_knows_before() =>
        PackedSource.Unpadded(new MemoryStream(Content), "packed").RequireBlocks(Layout, 1024);

    [Fact]
    public void What_lies_behind_the_plain_form_is_ignored()
    {
        PackedSource source = PackedSource.Plain(File(Content));
        Read(source, 0, 50);

        source.RequireEnd();
    }

    [Fact]
    public void Nothing_may_follow_the_unpadded_form()
    {
        PackedSource source = PackedSource.Unpadded(new MemoryStream(Content), "packed");
        Read(source, 0, 199);

        var exception = Assert.Throws<CowloopException>(source.RequireEnd);

        Assert.Equal((Errno.EINVAL, Fault.Damaged), (exception.Errno, exception.Fault));
        Assert.Equal("packed holds more than its header and bitmap say", exception.Message);
    }

    [Theory]
    [InlineData(Fault.ReadHeader)]
    [InlineData(Fault.ReadBitmap)]
    [InlineData(Fault.ReadData)]
    public void An_end_that_comes_too_early_is_one_of_the_part_being_read(Fault fault)
    {
        foreach (PackedSource source in new[] { PackedSource.Plain(File(Content)), PackedSource.Unpadded(new MemoryStream(Content), "packed") })
        {
            var exception = Assert.Throws<CowloopException>(() => source.Read(0, new byte[201], fault));

            Assert.Equal((Errno.None, fault), (exception.Errno, exception.Fault));
            Assert.StartsWith("packed is incomplete", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_a_decompressor_finds_wrong_is_told()
    {
        PackedSource source = PackedSource.Unpadded(new BrokenStream(new InvalidDataException("incorrect data check")), "packed.gz");

        var reading = Assert.Throws<CowloopException>(() => source.Read(0, new byte[1], Fault.ReadBitmap));
        var ending = Assert.Throws<CowloopException>(source.RequireEnd);

        Assert.Equal((Errno.EINVAL, Fault.ReadBitmap), (reading.Errno, reading.Fault));
        Assert.Equal("packed.gz cannot be decompressed: incorrect data check", reading.Message);
        Assert.Equal(Fault.ReadData, ending.Fault);
    }

    [Fact]
    public void An_error_from_below_the_decompressor_keeps_its_number_and_text()
    {
        var below = new CowloopException(Errno.EIO, "packed.gz cannot be read at byte 0", "look") { Fault = Fault.ReadData };
        PackedSource source = PackedSource.Unpadded(new BrokenStream(below), "packed.gz");

        var exception = Assert.Throws<CowloopException>(() => source.Read(0, new byte[1], Fault.ReadHeader));

        Assert.Equal((Errno.EIO, Fault.ReadHeader, below.Message, "look"), (exception.Errno, exception.Fault, exception.Message, exception.Hint));
    }

    private static CheckedFile File(byte[] content) => new(new MemoryFile(content), "packed");

    private static byte[] Read(PackedSource source, long offset, int length)
    {
        byte[] target = new byte[length];
        source.Read(offset, target, Fault.ReadData);
        return target;
    }

    private sealed class DrippingStream(byte[] content) : MemoryStream(content)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 7)]);
    }

    private sealed class BrokenStream(Exception exception) : MemoryStream
    {
        public override int Read(Span<byte> buffer) => throw exception;
    }
}
