using Cowloop.Core;
using Cowloop.Simulation.Disks;

namespace Cowloop.Simulation.Tests.Disks;

public class MemoryFileTests
{
    [Fact]
    public void The_same_files_have_the_same_hash()
    {
        MemoryFile file = File();

        Assert.Equal(file.ContentHash(), File().ContentHash());
        Assert.Equal(file.ContentHash(), file.Copy().ContentHash());
    }

    [Fact]
    public void Other_content_another_place_length_or_hole_makes_another_hash()
    {
        MemoryFile[] files = [File(), File(), File(), File(), File(), new MemoryFile()];
        files[1].WriteAt(5000, [2]);
        files[2].Punch(4096, 4096);
        files[2].WriteAt(5001, [1]);
        files[3].SetLength(10_001);
        files[4].Allocate(0, 1);

        Assert.Equal(files.Length, files.Select(file => file.ContentHash()).Distinct().Count());
    }

    [Fact]
    public void Holes_have_the_size_of_a_page()
    {
        var file = new MemoryFile(pageBytes: 1024);
        file.WriteAt(0, Fixtures.Filled(4096, 1));
        file.Punch(1000, 2048);

        Assert.Equal(Errno.None, file.NextData(1024, out long startBytes, out long endBytes));
        Assert.Equal((2048, 4096), (startBytes, endBytes));
        Assert.Equal(3 * 1024, file.UsedBytes);
    }

    private static MemoryFile File()
    {
        var file = new MemoryFile();
        file.WriteAt(5000, [1]);
        file.SetLength(10_000);
        return file;
    }
}
