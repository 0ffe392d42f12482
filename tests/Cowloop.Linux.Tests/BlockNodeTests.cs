using Cowloop.Core;
using Cowloop.Tests.Support;

namespace Cowloop.Linux.Tests;

public class BlockNodeTests
{
    [RootFact("stat")]
    public void A_node_stands_for_its_device()
    {
        using var directory = new TempDirectory();

        Assert.Equal(Errno.None, BlockNode.TryCreate(directory["node"], new DeviceNumber(7, 3)));

        Assert.Equal("block special file 7 3\n", Shell.Run("stat", "--format=%F %Hr %Lr", directory["node"]).Output);
        UnixFileMode others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(directory["node"]) & others);
    }

    /// <summary>The largest numbers that the kernel has, and ones whose bits the dev_t tears apart.</summary>
    [RootFact("stat")]
    public void Large_numbers_survive_the_kernels_encoding()
    {
        using var directory = new TempDirectory();
        DeviceNumber[] numbers = [new(259, 70_000), new(4095, 1_048_575), new(1, 256), new(0xabc, 0x12345)];

        foreach (DeviceNumber number in numbers)
        {
            string path = directory[$"{number.Major}-{number.Minor}"];
            Assert.Equal(Errno.None, BlockNode.TryCreate(path, number));
            Assert.Equal($"{number.Major} {number.Minor}\n", Shell.Run("stat", "--format=%Hr %Lr", path).Output);
            Assert.Equal(Errno.None, FileIdentity.TryGet(path, out FileIdentity identity));
            Assert.Equal((FileKind.BlockDevice, number), (identity.Kind, identity.TargetDevice));
        }
    }

    [RootFact]
    public void A_node_tells_its_number_and_nothing_else_does()
    {
        using var directory = new TempDirectory();
        BlockNode.TryCreate(directory["node"], new DeviceNumber(7, 3));
        File.CreateSymbolicLink(directory["link"], "node");

        Assert.Equal(new DeviceNumber(7, 3), BlockNode.TargetOf(directory["node"]));
        Assert.Equal(new DeviceNumber(7, 3), BlockNode.TargetOf(directory["link"]));
        Assert.Null(BlockNode.TargetOf(directory.MakeFile("file", 1)));
        Assert.Null(BlockNode.TargetOf(directory["missing"]));
        Assert.Null(BlockNode.TargetOf("/dev/null"));
        Assert.Null(BlockNode.TargetOf("node"));
    }

    [RootFact]
    public void A_taken_name_is_an_error_number()
    {
        using var directory = new TempDirectory();
        directory.MakeFile("file", 1);

        Assert.Equal(Errno.EEXIST, BlockNode.TryCreate(directory["file"], new DeviceNumber(7, 0)));
        Assert.Equal(Errno.ENOENT, BlockNode.TryCreate(directory["none/node"], new DeviceNumber(7, 0)));
    }

    [RootFact]
    public void A_device_that_is_not_there_cannot_be_announced() => Assert.False(BlockNode.TryAnnounce(new DeviceNumber(4095, 1)));
}
