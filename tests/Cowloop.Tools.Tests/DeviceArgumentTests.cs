using Cowloop.Control;
using Cowloop.Core;
using Cowloop.Linux;
using Cowloop.Tests.Support;

namespace Cowloop.Tools.Tests;

/// <summary>What can be said about a device's name without a service (specification T73).</summary>
public sealed class DeviceArgumentTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly CowloopPaths _paths;
    private readonly ControlClient _client;

    public DeviceArgumentTests()
    {
        _paths = new CowloopPaths(_directory["run"], _directory["dev"]);
        _client = new ControlClient(_paths);
    }

    public void Dispose()
    {
        _client.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("dev/0", 0)]
    [InlineData("dev/1021", 1021)]
    [InlineData("dev/2147483647", int.MaxValue)]
    [InlineData("run/../dev//7", 7)]
    public void A_number_in_the_device_directory_need_not_exist(string name, int expected)
    {
        Assert.Equal(expected, Resolve(_directory[name], out string message));
        Assert.Equal("", message);
    }

    [Fact]
    public void A_relative_name_counts_from_the_current_directory() => Assert.Equal(
        5,
        Resolve(Path.GetRelativePath(Environment.CurrentDirectory, _directory["dev/5"]), out _));

    [Theory]
    [InlineData("dev/07")]
    [InlineData("dev/+7")]
    [InlineData("dev/-1")]
    [InlineData("dev/7p1")]
    [InlineData("dev/2147483648")]
    [InlineData("dev/7/8")]
    [InlineData("dev/")]
    [InlineData("none")]
    [InlineData("7")]
    public void Any_other_name_must_exist(string name)
    {
        Assert.Null(Resolve(_directory[name], out string message));
        Assert.Equal("stat preferred cowdevice: No such file or directory", message);
    }

    [Fact]
    public void An_empty_name_does_not_exist()
    {
        Assert.Null(Resolve("", out string message));
        Assert.Equal("stat preferred cowdevice: No such file or directory", message);
    }

    [Fact]
    public void What_is_no_block_device_is_named()
    {
        string file = _directory.MakeFile("file", 1);

        Assert.Null(Resolve(file, out string message));
        Assert.Equal($"{file}: not a block device", message);
        Assert.Null(Resolve("/dev/null", out message));
        Assert.Equal("/dev/null: not a block device", message);
        Assert.Null(Resolve($"{file}/below", out message));
        Assert.Equal("stat preferred cowdevice: Not a directory", message);
    }

    [RootFact]
    public void Of_another_block_device_only_the_service_knows()
    {
        Assert.Equal(Errno.None, BlockNode.TryCreate(_directory["node"], new DeviceNumber(7, 0)));

        CowloopException exception = Assert.Throws<CowloopException>(() => Resolve(_directory["node"], out _));

        Assert.Equal("cowloop is not loaded", exception.Message);
    }

    private int? Resolve(string text, out string message) =>
        DeviceArgument.Resolve(text, "preferred cowdevice", _client, _paths, out message);
}
