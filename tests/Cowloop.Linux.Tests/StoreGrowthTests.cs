using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class StoreGrowthTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_limit_is_set_raised_lowered_and_taken_away()
    {
        using StoredFile file = Make(StoreChoice.Compact);

        Assert.Equal(new StoreSize(null, 4 * MiB), StoreGrowth.To(4 * MiB).Apply(file, "my.cow"));
        Assert.Equal(new StoreSize(4 * MiB, 5 * MiB), StoreGrowth.By(MiB).Apply(file, "my.cow"));
        Assert.Equal(new StoreSize(5 * MiB, 2 * MiB), StoreGrowth.To(2 * MiB).Apply(file, "my.cow"));
        Assert.Equal(2 * MiB, StoreChoice.Like(file).LimitBytes);
        Assert.Equal(new StoreSize(2 * MiB, null), StoreGrowth.Unlimited.Apply(file, "my.cow"));
        Assert.Equal(new StoreSize(null, null), StoreGrowth.Unlimited.Apply(file, "my.cow"));
    }

    [Fact]
    public void What_makes_no_sense_is_refused_with_what_to_do_and_changes_nothing()
    {
        using StoredFile file = Make(StoreChoice.Compact);
        MustRefuse(StoreGrowth.Unsaid, file, "has no limit, and takes what its filesystem has", "cowloop grow my.cow 4G");
        MustRefuse(StoreGrowth.By(MiB), file, "has no limit that could become higher", "cowloop grow my.cow SIZE");
        _ = StoreGrowth.To(4 * MiB).Apply(file, "my.cow");
        MustRefuse(StoreGrowth.Unsaid, file, "has a limit of 4096 KiB", "cowloop grow my.cow 4G");
        MustRefuse(StoreGrowth.By(long.MaxValue), file, "would have more than", "cowloop grow my.cow none");
        MustRefuse(StoreGrowth.To(1024), file, "a limit of 1 KiB is too small", "K or more");
        Assert.Equal(4 * MiB, file.Compact!.LimitBytes);
    }

    [Fact]
    public void A_classic_cowfile_has_none()
    {
        using StoredFile file = Make(StoreChoice.Classic);
        foreach (StoreGrowth growth in new[] { StoreGrowth.Unsaid, StoreGrowth.To(MiB), StoreGrowth.By(MiB), StoreGrowth.Unlimited })
        {
            MustRefuse(growth, file, "is a classic one: it can take all the space of its filesystem", "cowloop convert my.cow NEW --store-size SIZE");
        }
    }

    [RootFact("losetup")]
    public void A_block_device_is_asked_for_its_size()
    {
        string volume = _directory.MakeFile("volume", 8 * MiB);
        using LoopBack loop = LoopBack.Of(volume);
        Assert.Equal(Errno.None, PosixFile.TryOpenAlone(loop.Path, out PosixFile? device));
        using StoredFile file = StoreChoice.Compact.Make(device!, loop.Path, new CowLayout(100_000));
        foreach (StoreGrowth growth in new[] { StoreGrowth.To(MiB), StoreGrowth.By(MiB), StoreGrowth.Unlimited })
        {
            MustRefuse(growth, file, "is a block device", "cowloop grow my.cow");
        }
        Assert.Equal(new StoreSize(8 * MiB, 8 * MiB), StoreGrowth.Unsaid.Apply(file, loop.Path));
        long? before = file.Compact!.ChunkCount;

        using (FileStream larger = new(volume, FileMode.Open))
        {
            larger.SetLength(16 * MiB);
        }
        Shell.Run("losetup", "--set-capacity", loop.Path);

        Assert.Equal(new StoreSize(8 * MiB, 16 * MiB), StoreGrowth.Unsaid.Apply(file, loop.Path));
        Assert.Equal(before + 128, file.Compact!.ChunkCount);
    }

    private static void MustRefuse(StoreGrowth growth, StoredFile file, string reason, string hint)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => growth.Apply(file, "my.cow"));
        Assert.Equal(Errno.EINVAL, refused.Errno);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Contains(hint, refused.Hint, StringComparison.Ordinal);
    }

    private StoredFile Make(StoreChoice choice)
    {
        Assert.Equal(Errno.None, PosixFile.TryCreate(_directory["file"], out PosixFile? file));
        return choice.Make(file!, "my.cow", new CowLayout(100_000));
    }
}
