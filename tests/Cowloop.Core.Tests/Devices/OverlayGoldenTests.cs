using Cowloop.Core.Devices;
using Cowloop.Core.Tests.Support;

namespace Cowloop.Core.Tests.Devices;

/// <summary>The engine makes the cowfiles of the original byte for byte (specification 3, cases T3 to T5).</summary>
public class OverlayGoldenTests
{
    [Fact]
    public void G1_no_write_at_all()
    {
        var file = new MemoryFile();

        Assert.Equal(Errno.None, Disk.Open(Fixtures.F1, file).Close());

        Assert.Equal((2048, Golden.G1Wide), (file.LengthBytes, file.Sha256()));
    }

    [Theory]
    [InlineData(8, Golden.G2Wide)]
    [InlineData(4, Golden.G2Narrow)]
    public void G2_four_blocks(int wordSize, string expected)
    {
        MemoryFile file = NewCowfileOfR(wordSize);
        Overlay overlay = Disk.Open(Fixtures.R, file);

        overlay.Fill(0, 1024, 0x41);
        overlay.Fill(4096, 1024, 0x42);
        overlay.Fill(102400, 2048, 0x43);
        Assert.Equal(Golden.MergedG2, Fixtures.Sha256(overlay.GetAll()));
        Assert.Equal(Errno.None, overlay.Close());

        Assert.Equal((108544, expected), (file.LengthBytes, file.Sha256()));
    }

    [Theory]
    [InlineData(8, Golden.G4Wide)]
    [InlineData(4, Golden.G4Narrow)]
    public void G4_half_a_block(int wordSize, string expected)
    {
        MemoryFile file = NewCowfileOfR(wordSize);
        Overlay overlay = Disk.Open(Fixtures.R, file);

        overlay.Fill(512, 512, 0x45);
        Assert.Equal(Golden.MergedG4, Fixtures.Sha256(overlay.GetAll()));
        Assert.Equal(Errno.None, overlay.Close());

        Assert.Equal((5120, expected), (file.LengthBytes, file.Sha256()));
        Assert.Equal(Fixtures.R[..512], file.ToArray()[4096..4608]);
    }

    [Fact]
    public void Other_ways_lead_to_the_same_file()
    {
        var file = new MemoryFile();
        Overlay overlay = Disk.Open(Fixtures.R, file);

        overlay.Fill(102400 + 512, 1536, 0x43);
        overlay.Fill(4096, 1024, 0x99);
        overlay.Flush();
        overlay.Fill(0, 1024, 0x41);
        overlay.Clean();
        overlay.Fill(4096, 1024, 0x42);
        overlay.Close();
        overlay = Disk.Open(Fixtures.R, file);
        overlay.Fill(102400, 600, 0x43);
        overlay.Close();

        Assert.Equal((108544, Golden.G2Wide), (file.LengthBytes, file.Sha256()));
    }

    /// <summary>The lengths of specification 1.4, from the engine.</summary>
    [Theory]
    [InlineData(1536, 2048)]
    [InlineData(8388608, 2048)]
    [InlineData(8389632, 3072)]
    [InlineData(25166848, 5120)]
    [InlineData(33555456, 6144)]
    [InlineData(104857600, 14336)]
    [InlineData(4294967296, 525312)]
    public void A_new_cowfile_has_the_length_the_original_gives_it(long baseBytes, long expected)
    {
        var baseFile = new MemoryFile();
        baseFile.SetLength(baseBytes);
        var file = new MemoryFile();

        Assert.Equal(Errno.None, Disk.Open(baseFile, file).Close());

        Assert.Equal(expected, file.LengthBytes);
        CowfileCheck.AssertClean(file, Disk.LayoutOf(baseFile));
    }

    private static MemoryFile NewCowfileOfR(int wordSize) =>
        wordSize == 8 ? new MemoryFile() : new MemoryFile(Golden.NewNarrow("00040000"));
}
