namespace Cowloop.Fuse.Tests;

public class FlatTreeTests
{
    private readonly FlatTree _tree = new();

    [Fact]
    public void A_file_is_found_by_name_and_by_node()
    {
        TextFile file = Add("a");

        Assert.True(_tree.TryLookup("a", out ulong node, out FuseFile? byName));
        Assert.True(_tree.TryGet(node, out FuseFile? byNode));
        Assert.Same(file, byName);
        Assert.Same(file, byNode);
        Assert.True(node > FuseAbi.FUSE_ROOT_ID);
    }

    [Fact]
    public void A_node_number_is_never_used_again()
    {
        var seen = new HashSet<ulong>();
        for (int round = 0; round < 100; round++)
        {
            Add("a");
            Assert.True(_tree.TryLookup("a", out ulong node, out _));
            Assert.True(seen.Add(node));
            _tree.Remove("a");
            Assert.False(_tree.TryGet(node, out _));
        }
    }

    [Fact]
    public void A_number_spent_on_a_refused_file_is_not_used_again_either()
    {
        TextFile first = Add("a");
        Assert.Throws<InvalidOperationException>(() => Add("a"));
        Add("b");

        Assert.Equal([2ul, 4ul], _tree.List().Select(entry => entry.Value));
        Assert.False(_tree.TryGet(3, out _));
        Assert.True(_tree.TryLookup("a", out _, out FuseFile? file));
        Assert.Same(first, file);
    }

    [Fact]
    public void A_removed_file_is_not_found()
    {
        Add("a");
        _tree.Remove("a");
        _tree.Remove("never there");

        Assert.False(_tree.TryLookup("a", out _, out _));
        Assert.Empty(_tree.List());
    }

    [Fact]
    public void Names_are_compared_byte_by_byte()
    {
        Add("a");

        Assert.False(_tree.TryLookup("A", out _, out _));
        Assert.False(_tree.TryLookup("a ", out _, out _));
    }

    [Fact]
    public void The_list_is_in_the_order_of_adding()
    {
        string[] names = [.. Enumerable.Range(0, 200).Select(index => $"{index * 7919 % 1000}")];
        Array.ForEach(names, name => Add(name));

        Assert.Equal(names, _tree.List().Select(entry => entry.Key));
    }

    [Fact]
    public void Many_threads_get_nodes_of_their_own()
    {
        Parallel.For(0, 1000, index => Add($"{index}"));

        Assert.Equal(1000, _tree.List().Select(entry => entry.Value).Distinct().Count());
    }

    private TextFile Add(string name)
    {
        var file = new TextFile(() => name);
        _tree.Add(name, file);
        return file;
    }
}
