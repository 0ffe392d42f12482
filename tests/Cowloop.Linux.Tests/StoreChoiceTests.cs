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

    private PosixFile Create()
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_directory["my.cow"], out PosixFile? file));
        return file!;
    }
}
