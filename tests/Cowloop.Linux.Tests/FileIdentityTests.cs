using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class FileIdentityTests
{
    [NeedsFact("ln")]
    public void Names_of_one_file_are_the_same()
    {
        using var directory = new TempDirectory();
        directory.MakeFile("file", 10);
        directory.MakeFile("other", 10);
        Shell.Run("ln", directory["file"], directory["hard"]);
        Shell.Run("ln", "-s", "file", directory["soft"]);

        Assert.True(Get(directory["file"]).IsSameAs(Get(directory["hard"])));
        Assert.True(Get(directory["file"]).IsSameAs(Get(directory["soft"])));
        Assert.False(Get(directory["file"]).IsSameAs(Get(directory["other"])));
    }

    [NeedsFact("mkfifo")]
    public void Kinds_are_told_apart()
    {
        using var directory = new TempDirectory();
        Shell.Run("mkfifo", directory["pipe"]);

        Assert.Equal(FileKind.Regular, Get(directory.MakeFile("file", 1)).Kind);
        Assert.Equal(FileKind.Directory, Get(directory.Path).Kind);
        Assert.Equal(FileKind.Other, Get(directory["pipe"]).Kind);
        Assert.Equal(FileKind.Other, Get("/dev/null").Kind);
    }

    [RootFact]
    public void Two_nodes_of_a_block_device_are_the_same()
    {
        using var directory = new TempDirectory();
        BlockNode.TryCreate(directory["first"], new DeviceNumber(7, 1));
        BlockNode.TryCreate(directory["second"], new DeviceNumber(7, 1));
        BlockNode.TryCreate(directory["other"], new DeviceNumber(7, 2));

        Assert.True(Get(directory["first"]).IsSameAs(Get(directory["second"])));
        Assert.False(Get(directory["first"]).IsSameAs(Get(directory["other"])));
    }

    [Fact]
    public void What_is_not_there_is_an_error_number()
    {
        using var directory = new TempDirectory();

        Assert.Equal(Errno.ENOENT, FileIdentity.TryGet(directory["none"], out FileIdentity identity));
        Assert.Equal(default, identity);
        Assert.Equal(Errno.ENOTDIR, FileIdentity.TryGet(directory.MakeFile("file", 1) + "/below", out _));
        Assert.Equal(Errno.ENOENT, FileIdentity.TryGet("", out _));
    }

    [Theory]
    [InlineData("7:0", 7, 0)]
    [InlineData("259:70000\n", 259, 70_000)]
    [InlineData("4294967295:4294967295", uint.MaxValue, uint.MaxValue)]
    public void Numbers_are_read(string text, uint major, uint minor)
    {
        Assert.True(DeviceNumber.TryParse(text, out DeviceNumber number));

        Assert.Equal(new DeviceNumber(major, minor), number);
        Assert.Equal(text.TrimEnd('\n'), number.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("7:")]
    [InlineData(":7")]
    [InlineData("-1:0")]
    [InlineData("7:0x")]
    [InlineData(" 7:0")]
    [InlineData("7:0:1")]
    [InlineData("4294967296:0")]
    public void What_is_no_number_is_refused(string text) => Assert.False(DeviceNumber.TryParse(text, out _));

    [Theory]
    [InlineData(0, 0, 0x0ul)]
    [InlineData(7, 255, 0x7fful)]
    [InlineData(7, 256, 0x100700ul)]
    [InlineData(0x12345, 0x6789a, 0x1200_0678_3459aul)]
    [InlineData(uint.MaxValue, uint.MaxValue, ulong.MaxValue)]
    public void A_number_is_packed_as_makedev_does(uint major, uint minor, ulong device)
    {
        var number = new DeviceNumber(major, minor);

        Assert.Equal(device, number.ToDevice());
        Assert.Equal(number, DeviceNumber.FromDevice(device));
    }

    private static FileIdentity Get(string path)
    {
        Assert.Equal(Errno.None, FileIdentity.TryGet(path, out FileIdentity identity));
        return identity;
    }
}
