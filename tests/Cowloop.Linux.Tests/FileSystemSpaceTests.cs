using System.Globalization;
using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class FileSystemSpaceTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Of_two_bounds_the_narrower_one_counts() =>
        Assert.Equal(new FileSystemSpace(10, 3, 7), new FileSystemSpace(10, 9, 7).Within(new FileSystemSpace(20, 3, 8)));

    [RootFact]
    public void What_others_take_is_seen_at_once()
    {
        using Mount small = MountSmall("size=4m");
        using PosixFile file = Create("small/file");
        FileSystemSpace before = SpaceOf(file);
        Assert.Equal(4096UL, before.TotalKiB);

        File.WriteAllBytes(_directory["small/other"], new byte[1 << 20]);
        Assert.Equal(before with { AvailableKiB = before.AvailableKiB - 1024, AvailableBlocks = before.AvailableBlocks - 256 }, SpaceOf(file));

        File.Delete(_directory["small/other"]);
        Assert.Equal(before, SpaceOf(file));
    }

    [RootFact("df", "mkfs.ext4")]
    public void It_is_what_an_ordinary_user_can_have()
    {
        string image = _directory.MakeFile("image", 16 << 20);
        // Half of it is root's, and its blocks are small.
        Shell.Run("mkfs.ext4", "-q", "-b", "1024", "-m", "50", image);
        Directory.CreateDirectory(_directory["small"]);
        using var mounted = Mount.Of(image, _directory["small"], "-o", "loop");
        using PosixFile file = Create("small/file");

        string figures = Shell.Run("df", "--block-size=1K", "--output=size,avail", _directory["small"]).Line.Split('\n')[1];

        ulong[] expected = [.. figures.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(figure => ulong.Parse(figure, CultureInfo.InvariantCulture))];
        Assert.Equal(new FileSystemSpace(expected[0], expected[1], expected[1]), SpaceOf(file));
    }

    [RootFact]
    public void A_file_that_is_reopened_read_only_tells_it_still()
    {
        using Mount small = MountSmall("size=4m");
        using PosixFile file = Create("small/file");
        file.TryLock(exclusive: true);
        FileSystemSpace before = SpaceOf(file);

        file.TryReopenReadOnly();

        Assert.Equal(before, SpaceOf(file));
    }

    private Mount MountSmall(string options) =>
        Mount.Of("tmpfs", _directory["small"], "-t", "tmpfs", "-o", options);

    private PosixFile Create(string name)
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_directory[name], out PosixFile? file));
        return file!;
    }

    private static FileSystemSpace SpaceOf(PosixFile file)
    {
        Assert.Equal(Errno.None, file.TryGetSpace(out FileSystemSpace space));
        return space;
    }
}
