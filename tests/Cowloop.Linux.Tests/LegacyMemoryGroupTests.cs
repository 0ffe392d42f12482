using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public sealed class LegacyMemoryGroupTests : IDisposable
{
    private const string Groups = "9:name=systemd:/\n4:cpu,memory:/a/b\n3:cpuset:/\n0::/unified\n";
    private const string Unlimited = "cache 4096\nhierarchical_memory_limit 9223372036854771712\nhierarchical_memsw_limit 4096\n";
    private const string Limited = "cache 4096\nhierarchical_memory_limit 268435456\nhierarchical_memsw_limit 9223372036854771712\n";

    private readonly TempDirectory _root = new();

    [Fact]
    public void The_limit_is_that_of_the_whole_way_up()
    {
        Write("a/b", Limited);
        Write("", Unlimited);

        Assert.Equal(new LegacyMemoryGroup("/a/b", 256 << 20), LegacyMemoryGroup.Find(Groups, _root.Path));
    }

    [Fact]
    public void A_group_without_limit_is_none()
    {
        Write("a/b", Unlimited);
        Write("", Limited);

        Assert.Null(LegacyMemoryGroup.Find(Groups, _root.Path));
    }

    [Fact]
    public void A_container_sees_its_own_group_in_the_place_of_the_root()
    {
        Write("", Limited);

        Assert.Equal(new LegacyMemoryGroup("/a/b", 256 << 20), LegacyMemoryGroup.Find(Groups, _root.Path));
    }

    [Theory]
    [InlineData("0::/unified\n")]
    [InlineData("4:cpu:/memory\n")]
    [InlineData("")]
    public void Version_2_has_none(string groups)
    {
        Write("unified", Limited);
        Write("memory", Limited);
        Write("", Limited);

        Assert.Null(LegacyMemoryGroup.Find(groups, _root.Path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("cache 4096\n")]
    [InlineData("hierarchical_memory_limit much\n")]
    public void What_the_kernel_does_not_tell_is_no_limit(string status)
    {
        Write("a/b", status);

        Assert.Null(LegacyMemoryGroup.Find(Groups, _root.Path));
    }

    /// <summary>The kernel's own texts, about a process that has been put in such a group.</summary>
    [RootFact("cgroup1:memory")]
    public void The_kernel_tells_it()
    {
        using MemoryCgroup group = MemoryCgroup.Make(256 << 20);

        string groups = Shell.Run("sh", "-ec", $"{group.JoinScript}; exec cat /proc/self/cgroup").Output;

        Assert.Equal(256 << 20, LegacyMemoryGroup.Find(groups, "/sys/fs/cgroup/memory")?.LimitBytes);
    }

    public void Dispose() => _root.Dispose();

    private void Write(string group, string status) =>
        File.WriteAllText(Directory.CreateDirectory(_root[group]).FullName + "/memory.stat", status);
}
