using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>Reading and writing at any alignment: cases T28 to T32.</summary>
public class OverlayTests
{
    [Fact]
    public void T28_an_unaligned_block_merges_at_both_ends()
    {
        using Overlay overlay = Disk.Open(Fixtures.NumberedSectors(64), new MemoryFile());

        Assert.Equal(Errno.None, overlay.Fill(512, 1024, 0xAA));

        Assert.Equal("01 AA AA 04 05 06 07 08", overlay.Sectors(0, 4096));
    }

    [Fact]
    public void T29_head_body_and_tail()
    {
        using Overlay overlay = Disk.Open(Fixtures.NumberedSectors(64), new MemoryFile());

        Assert.Equal(Errno.None, overlay.Fill(512, 2048, 0xAA));

        Assert.Equal("01 AA AA AA AA 06 07 08", overlay.Sectors(0, 4096));
    }

    [Fact]
    public void T30_one_read_from_both_files()
    {
        using Overlay overlay = Disk.Open(Fixtures.NumberedSectors(64), new MemoryFile());

        overlay.Fill(0, 1024, 0xAA);

        Assert.Equal("AA 03", overlay.Sectors(512, 1024));
    }

    [Fact]
    public void T31_a_patchwork()
    {
        using Overlay overlay = Disk.Open(Fixtures.NumberedSectors(64), new MemoryFile());

        overlay.Fill(0, 512, 0xAA);
        overlay.Fill(1536, 512, 0xBB);
        overlay.Fill(2560, 1536, 0xCC);

        Assert.Equal("AA 02 03 BB 05 CC CC CC 09 0A 0B 0C", overlay.Sectors(0, 6144));
    }

    [Fact]
    public void T32_the_tail_of_the_base_is_cut_off()
    {
        byte[] content = [.. Fixtures.R, .. new byte[512]];
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(content, file);

        Assert.Equal(2048 * 512, overlay.Info.LengthBytes);
        Assert.Equal(Errno.None, overlay.Fill(1047552, 1024, 0xAA));
        Assert.Equal(Errno.EINVAL, overlay.Fill(1048576, 512, 0xAA));
        Assert.Equal(Errno.EINVAL, overlay.Fill(1048064, 1024, 0xAA));
        byte[] merged = overlay.GetAll();
        Assert.Equal(Errno.None, overlay.Close());

        Assert.Equal(Fixtures.R[..1047552], merged[..1047552]);
        Assert.Equal(Fixtures.Filled(1024, 0xAA), merged[1047552..]);
        Assert.Equal(new CowLayout(1024).FullLengthBytes, file.LengthBytes);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(-1024, 1024)]
    [InlineData(8192, 1)]
    [InlineData(8191, 2)]
    [InlineData(0, 8193)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MinValue, 1)]
    public void What_is_not_within_the_device_is_refused(long offset, int length)
    {
        var file = new TracingFile(new MemoryFile());
        using Overlay overlay = Disk.Open(Fixtures.F1, file);
        file.Forget();

        Assert.Equal(Errno.EINVAL, overlay.Read(offset, new byte[length]));
        Assert.Equal(Errno.EINVAL, overlay.Write(offset, new byte[length], fua: true));
        Assert.Equal(Errno.EINVAL, overlay.Zero(offset, length, mayUnmap: true, fua: true));
        Assert.Empty(file.Calls);
    }

    [Fact]
    public void Lengths_that_make_no_sense_are_refused()
    {
        using Overlay overlay = Disk.Open(Fixtures.F1, new MemoryFile());

        Assert.Equal(Errno.EINVAL, overlay.Zero(0, -1, mayUnmap: true, fua: false));
        Assert.Equal(Errno.EINVAL, overlay.Zero(1024, long.MaxValue, mayUnmap: true, fua: false));
        Assert.Equal(Errno.EINVAL, overlay.Zero(1024, long.MinValue, mayUnmap: true, fua: false));
    }

    [Fact]
    public void Nothing_at_all_may_be_asked_for_anywhere_within()
    {
        var file = new TracingFile(new MemoryFile());
        using Overlay overlay = Disk.Open(Fixtures.F1, file);
        file.Forget();

        Assert.Equal(Errno.None, overlay.Read(8192, []));
        Assert.Equal(Errno.None, overlay.Write(8192, [], fua: false));
        Assert.Equal(Errno.None, overlay.Zero(8192, 0, mayUnmap: true, fua: false));
        Assert.Empty(file.Calls);
    }

    [Fact]
    public void A_run_of_blocks_is_one_call()
    {
        var file = new TracingFile(new MemoryFile());
        var baseFile = new TracingFile(new FlatFile(Fixtures.R));
        using Overlay overlay = Disk.Open(baseFile, file);
        overlay.Fill(102400, 204800, 1);
        file.Forget();
        baseFile.Forget();

        overlay.GetAll();

        Assert.Equal(["read 106496+204800"], file.Calls);
        Assert.Equal(["read 0+102400", "read 307200+741376"], baseFile.Calls);
    }

    [Fact]
    public void The_base_is_never_changed()
    {
        var baseFile = new TracingFile(new FlatFile([.. Fixtures.R]));
        Overlay overlay = Disk.Open(baseFile, new MemoryFile());

        overlay.Fill(100, 5000, 1);
        overlay.Zero(20_000, 5000, mayUnmap: true, fua: true);
        overlay.Close();

        Assert.False(baseFile.HasChanges);
        Assert.DoesNotContain("sync", baseFile.Calls);
    }

    [Fact]
    public void A_base_that_cannot_be_read_fails_only_what_needs_it()
    {
        var baseFile = new TracingFile(new FlatFile(Fixtures.R));
        using Overlay overlay = Disk.Open(baseFile, new MemoryFile());
        baseFile.OnCall = _ => Errno.EIO;

        Assert.Equal(Errno.EIO, overlay.Read(0, new byte[512]));
        Assert.Equal(Errno.EIO, overlay.Fill(512, 1024, 1));
        Assert.Equal(0, overlay.UsedBlocks);
        Assert.Equal(Errno.None, overlay.Fill(0, 2048, 1));
        Assert.Equal(Errno.None, overlay.Fill(512, 1024, 2));
        Assert.Equal("01 02 02 01", overlay.Sectors(0, 2048));
    }

    [Fact]
    public void Closing_closes_both_files_once()
    {
        var baseFile = new MemoryFile(Fixtures.F1);
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(baseFile, file);

        overlay.Close();
        overlay.Close();
        overlay.Dispose();

        Assert.Equal((1, 1), (baseFile.DisposeCount, file.DisposeCount));
    }

    [Fact]
    public void Disposing_flushes_nothing()
    {
        var memory = new MemoryFile();
        var file = new TracingFile(memory);
        Overlay overlay = Disk.Open(Fixtures.F1, file);
        overlay.Fill(0, 1024, 1);
        file.Forget();

        overlay.Dispose();

        Assert.Empty(file.Calls);
        Assert.Equal(1, memory.ToArray()[6]);
    }

    [Fact]
    public void Shows_the_sector_size_it_was_given()
    {
        var baseFile = new FlatFile(Fixtures.F1);
        using var overlay = new Overlay(baseFile, Disk.OpenCowfile(baseFile, new MemoryFile()), 4096);

        Assert.Equal(new DeviceInfo(8192, 4096), overlay.Info);
        Assert.Equal(new CowLayout(8), overlay.Layout);
    }
}
