using Cowloop.Core.Devices;
using Cowloop.Core.Format;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>When the generation is raised and the private flag is set; and a creation that was cut short.</summary>
public sealed class CowfileRecordTests : IDisposable
{
    private readonly MemoryFile _file = new();

    public void Dispose()
    {
        _file.Dispose();
    }

    [Fact]
    public void A_new_file_is_the_plain_one_but_for_the_flag_and_the_record()
    {
        var plain = new MemoryFile();
        Disk.Open(Fixtures.R, plain).Close();
        Open().Close();

        byte[] content = _file.ToArray();
        Assert.Equal(4, content[6]);
        content[6] = 0;
        content.AsSpan(512, 512).Clear();
        Assert.Equal(plain.ToArray(), content);
    }

    [Fact]
    public void Every_first_change_after_a_clean_state_is_a_new_generation()
    {
        Overlay overlay = Open();
        Assert.Equal(0UL, Generation);
        overlay.Fill(0, 1024, 1);
        overlay.Fill(5000, 1024, 1);
        Assert.Equal(1UL, Generation);

        Assert.Equal(Errno.None, overlay.Clean());
        Assert.Equal(1UL, Generation);
        overlay.Fill(0, 1024, 2);
        overlay.Fill(0, 1024, 3);
        Assert.Equal(2UL, Generation);
        Assert.False(overlay.IsDirty);
        overlay.Fill(9000, 1024, 3);
        Assert.Equal(2UL, Generation);
        Assert.True(overlay.IsDirty);

        Assert.Equal(Errno.None, overlay.Close());
        Open().Close();
        Assert.Equal(2UL, Generation);
    }

    [Fact]
    public void The_generation_is_durable_before_the_data_changes()
    {
        Overlay first = Open();
        first.Fill(0, 1024, 1);
        first.Close();
        var file = new TracingFile(_file);
        Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord);
        file.Forget();

        overlay.Fill(0, 1024, 2);

        Assert.Equal(["write 0+1024", "sync", "write 4096+1024"], file.Calls);
    }

    [Fact]
    public void A_generation_that_cannot_be_raised_lets_no_data_through()
    {
        Overlay first = Open();
        first.Fill(0, 1024, 1);
        first.Close();
        var file = new TracingFile(_file);
        Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord);
        file.FailOnce("write 0+1024", Errno.EIO);

        Assert.Equal(Errno.EIO, overlay.Fill(0, 1024, 2));

        Assert.Equal("01 01", overlay.Sectors(0, 1024));
        Assert.Equal(Errno.None, overlay.Fill(0, 1024, 3));
        Assert.Equal(Errno.None, overlay.Close());
        Assert.Equal(2UL, Generation);
    }

    [Fact]
    public void The_flag_that_the_original_took_away_comes_back_with_the_first_change()
    {
        Open().Close();
        _file.WriteAt(6, [0]);

        Overlay overlay = Open();
        Assert.Equal(0, _file.ToArray()[6]);
        overlay.Fill(0, 1024, 1);
        overlay.Close();

        Assert.Equal(4, _file.ToArray()[6]);
    }

    [Fact]
    public void A_plain_file_never_gets_a_record()
    {
        var file = new MemoryFile(Golden.G2());

        Overlay overlay = Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord);
        overlay.Fill(0, 1024, 0x41);
        overlay.Fill(4096, 1024, 0x42);
        overlay.Close();

        Assert.Equal(Golden.G2(), file.ToArray());
    }

    [Fact]
    public void A_dirty_file_whose_bitmap_decides_is_recovered_without_being_asked()
    {
        Overlay overlay = Open();
        overlay.Fill(0, 1024, 1);
        overlay.Flush();
        overlay.Fill(2048, 1024, 2);

        Overlay recovered = Open();

        Assert.Equal("01 01", recovered.Sectors(0, 1024));
        Assert.Equal(Fixtures.R[2048..3072], recovered.Get(2048, 1024));
        Assert.Equal(Errno.None, recovered.Close());
        CowfileCheck.AssertClean(_file, recovered.Layout);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_whose_creation_was_cut_short_is_a_new_one(bool hasRecord)
    {
        Open().Close();
        byte[] content = _file.ToArray();
        content.AsSpan(0, hasRecord ? 512 : 1024).Clear();
        var file = new MemoryFile(content);

        Assert.Equal(Errno.None, Disk.Open(new FlatFile(Fixtures.R), file, Disk.WithRecord).Close());

        Assert.Equal(_file.ToArray(), file.ToArray());
    }

    [Theory]
    [InlineData(7, 2048)]
    [InlineData(1500, 2048)]
    [InlineData(7000, 8192)]
    public void One_that_holds_anything_is_none(int position, int length)
    {
        byte[] content = new byte[length];
        content[position] = 1;
        var file = new MemoryFile(content);

        Assert.Throws<CowloopException>(() => Disk.OpenCowfile(new FlatFile(Fixtures.R), file, Disk.WithRecord));

        Assert.Equal(content, file.ToArray());
    }

    private ulong Generation
    {
        get
        {
            Assert.Equal(RecordState.Present, ExtensionRecord.TryDecode(_file.ToArray().AsSpan(0, 1024), out ExtensionRecord? record));
            return record!.Generation;
        }
    }

    private Overlay Open() => Disk.Open(new FlatFile(Fixtures.R), _file, Disk.WithRecord);
}
