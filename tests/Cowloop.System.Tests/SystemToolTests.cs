using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The system's own tools call the device by our name.</summary>
public class SystemToolTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("mkfs.ext4", "findmnt", "lsblk", "fs:ext4")]
    public void Df_mount_findmnt_and_lsblk_name_the_device()
    {
        CowDisk disk = Attach(Base(Images.Ext4(Temp["image"])));
        using Mount mount = Mount(disk.Path);
        Assert.Equal(disk.Path, Shell.Run("df", "--output=source", mount.Path).Line.Split('\n')[1].Trim());
        Assert.Contains($"{disk.Path} on {mount.Path} type ext4 (rw,", Shell.Run("mount").Output, StringComparison.Ordinal);
        Assert.Equal(disk.Path, Shell.Run("findmnt", "--noheadings", "--output", "SOURCE", mount.Path).Line.Trim());
        Assert.Equal(mount.Path, Shell.Run("findmnt", "--noheadings", "--output", "TARGET", disk.Path).Line.Trim());

        using var blocks = JsonDocument.Parse(Shell.Run("lsblk", "--json", "--bytes", "--output", "NAME,SIZE,MOUNTPOINT,MAJ:MIN", disk.Path).Output);
        JsonElement block = blocks.RootElement.GetProperty("blockdevices")[0];
        Assert.Equal(Service.KernelName(disk), block.GetProperty("name").GetString());
        Assert.Equal(64 * 1024 * 1024, block.GetProperty("size").GetInt64());
        Assert.Equal(mount.Path, block.GetProperty("mountpoint").GetString());
        Assert.Equal(Service.Status(disk).GetProperty("deviceNumber").GetString(), block.GetProperty("maj:min").GetString()!.Trim());
    }

    [RootFact("losetup")]
    public void Losetup_shows_the_number_and_direct_io()
    {
        CowDisk disk = Attach(NumbersBase());
        string[] columns = Shell.Run("losetup", "--noheadings", "--raw", "--output", "DIO,RO,AUTOCLEAR,BACK-FILE", $"/dev/{Service.KernelName(disk)}").Line.Split(' ');
        Assert.Equal(["1", "0", "0", $"/cow{disk.Number}"], columns);
    }
}
