using Cowloop.Core;
using Cowloop.Core.Format;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class LayerFinderTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Dictionary<string, Guid> _ids = [];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_does_not_exist_or_lies_on_the_base_is_all()
    {
        Make("r1", null);
        Assert.Equal(["new"], Complete("new"));
        Assert.Equal(["r1"], Complete("r1"));
        Assert.Empty(LayerFinder.Complete([]));
    }

    [Fact]
    public void Those_below_are_found_where_they_were()
    {
        Directory.CreateDirectory(_directory["deep"]);
        Make("r1", null);
        Make("deep/r2", "r1", "../r1");
        Make("top", "deep/r2", "deep/r2");
        Assert.Equal(["r1", "deep/r2", "top"], Complete("top"));
        Assert.Equal(["r1", "deep/r2", "new"], Complete("deep/r2", "new"));
    }

    [Fact]
    public void One_that_is_elsewhere_is_found_beside_the_one_on_it()
    {
        Make("was r1", null);
        Make("top", "was r1", "/nowhere/r1");
        Make("another", null);
        File.WriteAllText(_directory["text"], "no cowfile\n");
        File.WriteAllText(_directory["empty"], "");
        Assert.Equal(["was r1", "top"], Complete("top"));
    }

    /// <summary>Another file has its name by now.</summary>
    [Fact]
    public void The_identity_counts_and_not_the_name()
    {
        Make("r1", null);
        Make("top", "r1", "r1");
        File.Move(_directory["r1"], _directory["moved"]);
        Make("r1", null);
        _ids.Clear();
        Assert.Equal(["moved", "top"], Complete("top"));
    }

    [Fact]
    public void One_that_is_nowhere_is_named()
    {
        Make("r1", null);
        Make("top", "r1", "r1");
        File.Delete(_directory["r1"]);
        CowloopException refused = MustRefuse("top");
        Assert.Contains($"cowfile top lies on layer r1 ({_ids["r1"]}), which is not there", refused.Message, StringComparison.Ordinal);
        Assert.Contains("name it before the one that lies on it", refused.Hint, StringComparison.Ordinal);
        Assert.Equal(_directory["top"], refused.Path);
    }

    [Fact]
    public void A_plain_parent_is_found_by_its_path_only()
    {
        File.WriteAllText(_directory["plain"], "anything");
        MakeFile("top", Guid.NewGuid(), new ParentLink(Guid.Empty, 0, "plain"));
        Assert.Equal(["plain", "top"], Complete("top"));
        File.Delete(_directory["plain"]);
        MustRefuse("top");
    }

    [Fact]
    public void The_wrong_order_is_told()
    {
        Make("r1", null);
        Make("r2", "r1", "r1");
        Assert.Contains("layer r1 is named above r2, which lies on it", MustRefuse("r2", "r1").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_circle_comes_to_an_end()
    {
        Guid one = Guid.NewGuid();
        Guid other = Guid.NewGuid();
        MakeFile("one", one, new ParentLink(other, 0, "other"));
        MakeFile("other", other, new ParentLink(one, 0, "one"));
        MakeFile("itself", other, new ParentLink(other, 0, "itself"));
        MustRefuse("one");
        MustRefuse("itself");
    }

    [Fact]
    public void There_are_at_most_32_layers()
    {
        Make("l0", null);
        for (int index = 1; index <= 33; index++)
        {
            Make($"l{index}", $"l{index - 1}", $"l{index - 1}");
        }
        Assert.Equal(33, Complete("l32").Length);
        Assert.Contains("33 layers are too many", MustRefuse("l33").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_left_to_those_who_open_it()
    {
        File.WriteAllBytes(_directory["short"], new byte[100]);
        Directory.CreateDirectory(_directory["directory"]);
        Assert.Equal(["short"], Complete("short"));
        Assert.Equal(["directory"], Complete("directory"));
    }

    [Fact]
    public void It_knows_a_sealed_one()
    {
        Make("open", null);
        MakeFile("sealed", Guid.NewGuid(), null, isSealed: true);
        Assert.False(LayerFinder.IsSealed(_directory["open"]));
        Assert.True(LayerFinder.IsSealed(_directory["sealed"]));
        Assert.False(LayerFinder.IsSealed(_directory["nowhere"]));
    }

    [Fact]
    public void It_knows_one_that_was_made_on_another_as_that_is_now()
    {
        Make("r1", null);
        Make("top", "r1", "r1");
        Make("another", null);
        Assert.True(LayerFinder.IsLayerOf(_directory["r1"], _directory["top"]));
        Assert.False(LayerFinder.IsLayerOf(_directory["another"], _directory["top"]));
        Assert.False(LayerFinder.IsLayerOf(_directory["r1"], _directory["another"]));
        Assert.False(LayerFinder.IsLayerOf(_directory["r1"], _directory["nowhere"]));
        // It has changed since.
        MakeFile("top", Guid.NewGuid(), new ParentLink(_ids["r1"], 7, "r1"));
        Assert.False(LayerFinder.IsLayerOf(_directory["r1"], _directory["top"]));
    }

    private string[] Complete(params string[] names) =>
    [
        .. LayerFinder.Complete([.. names.Select(name => new StackMember(name, _directory[name]))])
            .Select(member => Path.GetRelativePath(_directory.Path, member.Path)),
    ];

    private CowloopException MustRefuse(params string[] names)
    {
        CowloopException refused = Assert.Throws<CowloopException>(() => Complete(names));
        Assert.Equal(Errno.EINVAL, refused.Errno);
        return refused;
    }

    private void Make(string name, string? parent, string parentPath = "")
    {
        _ids[name] = Guid.NewGuid();
        MakeFile(name, _ids[name], parent is null ? null : new ParentLink(_ids[parent], 0, parentPath));
    }

    /// <summary>A header block is all that is looked at.</summary>
    private void MakeFile(string name, Guid id, ParentLink? parent, bool isSealed = false)
    {
        byte[] block = new byte[CowLayout.BlockSize];
        CowHeader.ForNewFile(new CowLayout(100), 1).Encode(block);
        new ExtensionRecord { Id = id, BaseLengthBytes = 102_400, BaseIdentity = default, Parent = parent, IsSealed = isSealed }.Encode(block);
        File.WriteAllBytes(_directory[name], block);
    }
}
