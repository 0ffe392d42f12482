using Cowloop.Core;
using Cowloop.Core.Compact;
using Cowloop.Core.Format;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class StoreChoiceTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_filesystem_with_holes_gets_a_classic_cowfile()
    {
        using PosixFile file = Create();

        Assert.Equal(StoreChoice.Classic, StoreChoice.For(file));
        Assert.Equal(0, file.LengthBytes);
    }

    [Fact]
    public void A_classic_one_is_an_empty_file_until_something_is_written()
    {
        using StoredFile stored = StoreChoice.Classic.Make(Create(), "my.cow", new CowLayout(10));

        Assert.Equal(0, stored.File.LengthBytes);
        Assert.Equal(StoreChoice.Classic, StoreChoice.Like(stored));
    }

    [Fact]
    public void A_compact_one_is_made_at_once()
    {
        using StoredFile stored = new StoreChoice(1 << 20).Make(Create(), "my.cow", new CowLayout(10));

        Assert.True(CompactFile.IsCompact(stored.File));
        Assert.Equal(new StoreChoice(1 << 20), StoreChoice.Like(stored));
    }

    [Fact]
    public void One_like_another_has_its_limit()
    {
        using StoredFile stored = new StoreChoice(4096, 1 << 20).Make(Create(), "my.cow", new CowLayout(10));

        Assert.Equal(new StoreChoice(4096, 1 << 20), StoreChoice.Like(stored));
    }

    [Fact]
    public void One_that_is_too_small_for_anything_is_refused()
    {
        using PosixFile file = Create();

        CowloopException refused = Assert.Throws<CowloopException>(() => StoreChoice.Compact with { LimitBytes = 64 << 10 } is var choice
            ? choice.Make(file, "my.cow", new CowLayout(10))
            : null!);

        Assert.Contains("too small for compact store my.cow", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, file.LengthBytes);
    }

    private PosixFile Create()
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_directory["my.cow"], out PosixFile? file));
        return file!;
    }
}
