using Cowloop.Core.DeviceMapper;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.DeviceMapper;

public class DmHeaderTests
{
    [Theory]
    [InlineData(1, 512)]
    [InlineData(8, 4096)]
    [InlineData(32, 16_384)]
    [InlineData(1 << 21, 1 << 30)]
    public void The_size_of_a_chunk_is_a_number_of_sectors(uint sectors, long expected) =>
        Assert.Equal(expected, DmHeader.Read(new DmStore(4096) { ChunkSectors = sectors }.ToFile()).ChunkBytes);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(24)]
    [InlineData(1 << 22)]
    [InlineData(0x80000000)]
    [InlineData(uint.MaxValue)]
    public void Any_other_size_is_refused(uint sectors) =>
        Assert.Contains($"chunks of {sectors} sectors", Refused(new DmStore(4096) { ChunkSectors = sectors }.ToArray(), Fault.Damaged), StringComparison.Ordinal);

    [Fact]
    public void What_is_no_store_is_refused_and_why()
    {
        Assert.Contains("magic", Refused(new DmStore(4096) { Magic = 0x70416E54 }.ToArray(), Fault.WrongMagic), StringComparison.Ordinal);
        Assert.Contains("blank", Refused(new byte[4096], Fault.WrongMagic), StringComparison.Ordinal);
        Assert.Contains("511 bytes", Refused(new DmStore(4096).ToArray()[..511], Fault.WrongMagic), StringComparison.Ordinal);
        Assert.Contains("version 2", Refused(new DmStore(4096) { Version = 2 }.ToArray(), Fault.WrongVersion), StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_that_the_kernel_has_given_up_is_refused() =>
        Assert.Contains("marked invalid", Refused(new DmStore(4096) { Valid = 0 }.ToArray(), Fault.Damaged), StringComparison.Ordinal);

    /// <summary>The kernel asks only whether it is zero.</summary>
    [Fact]
    public void Any_other_mark_is_valid() => Assert.Equal(4096, DmHeader.Read(new DmStore(4096) { Valid = 2 }.ToFile()).ChunkBytes);

    [Fact]
    public void What_is_written_is_what_the_kernel_writes()
    {
        byte[] chunk = Fixtures.Filled(16_384, 7);

        new DmHeader(16_384).Encode(chunk);

        Assert.Equal("536e4170010000000100000020000000", Convert.ToHexStringLower(chunk.AsSpan(0, 16)));
        Assert.False(chunk.AsSpan(16).ContainsAnyExcept((byte)0));
    }

    /// <summary>Zeros would be a new store to the kernel.</summary>
    [Fact]
    public void An_unfinished_store_is_neither_a_store_nor_blank()
    {
        byte[] chunk = Fixtures.Filled(4096, 7);

        DmHeader.EncodeUnfinished(chunk);

        Assert.NotEqual(0x70416E53u, BitConverter.ToUInt32(chunk));
        Assert.NotEqual(0u, BitConverter.ToUInt32(chunk));
        Assert.Contains("interrupted export", Refused(chunk, Fault.WrongMagic), StringComparison.Ordinal);
    }

    private static string Refused(byte[] store, Fault fault)
    {
        CowloopException exception = Assert.Throws<CowloopException>(() => DmHeader.Read(DmStore.Named(store)));
        Assert.Equal(fault, exception.Fault);
        return exception.Message;
    }
}
