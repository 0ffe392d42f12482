using System.Globalization;

namespace Cowloop.SystemTests.Support;

/// <summary>Images of real filesystems, made by their own tools.</summary>
internal static class Images
{
    public const string Greeting = "written when the image was made\n";
    public const int BulkSeed = 4711;
    public const int BulkLength = 2 * 1024 * 1024;

    /// <summary>A filesystem with the files of <see cref="Content"/>.</summary>
    public static string Ext4(string path, int sizeMiB = 64, int blockBytes = 1024)
    {
        Allocate(path, sizeMiB);
        using var content = Content();
        Shell.Run("mkfs.ext4", "-q", "-b", blockBytes.ToString(CultureInfo.InvariantCulture), "-d", content.Path, path);
        return path;
    }

    /// <summary>XFS is never smaller than 300 MiB.</summary>
    public static string Xfs(string path)
    {
        Allocate(path, 320);
        Shell.Run("mkfs.xfs", "-q", path);
        using var content = Content();
        using LoopBack loop = LoopBack.Of(path);
        using Mount mount = Mount.Of(loop.Path, $"{path}.mnt");
        Shell.Run("cp", "-r", $"{content.Path}/.", mount.Path);
        return path;
    }

    public static string Btrfs(string path)
    {
        Allocate(path, 160);
        using var content = Content();
        Shell.Run("mkfs.btrfs", "-q", "--rootdir", content.Path, path);
        return path;
    }

    public static string Vfat(string path)
    {
        Allocate(path, 32);
        Shell.Run("mkfs.vfat", "-n", "COWTEST", path);
        using var content = Content();
        Shell.Run("mcopy", "-s", "-i", path, $"{content.Path}/greeting", $"{content.Path}/bulk", $"{content.Path}/doomed", $"{content.Path}/below", "::/");
        return path;
    }

    public static string Iso(string path)
    {
        using var content = Content();
        Shell.Run("genisoimage", "-quiet", "-R", "-V", "COWTEST", "-o", path, content.Path);
        return path;
    }

    /// <summary>A GPT disk with two ext4 partitions of 16 MiB.</summary>
    public static string Gpt(string path)
    {
        Allocate(path, 40);
        Partition(path, "label: gpt\nstart=1MiB, size=16MiB, name=first\nstart=17MiB, size=16MiB, name=second\n");
        foreach (int start in new[] { 1, 17 })
        {
            string part = Ext4($"{path}.part", 16);
            Shell.Run("dd", $"if={part}", $"of={path}", "bs=1M", $"seek={start}", "conv=notrunc", "status=none");
            File.Delete(part);
        }
        return path;
    }

    /// <summary>Gives a disk or image a partition table with sfdisk.</summary>
    public static void Partition(string device, string table) =>
        Shell.Try(new ShellOptions { Input = table }, "sfdisk", "--quiet", device).MustSucceed();

    /// <summary>Fails unless a mounted filesystem holds exactly what the images are made with.</summary>
    public static void MustHoldContent(string directory)
    {
        Assert.Equal(Greeting, File.ReadAllText($"{directory}/greeting"));
        Assert.Equal(Data.Random(BulkSeed, BulkLength), File.ReadAllBytes($"{directory}/bulk"));
        Assert.Equal("to be deleted\n", File.ReadAllText($"{directory}/doomed"));
        Assert.Equal("deeper\n", File.ReadAllText($"{directory}/below/nested"));
    }

    /// <summary>An empty sparse file.</summary>
    public static string Allocate(string path, int sizeMiB)
    {
        File.Delete(path);
        using FileStream file = File.Create(path);
        file.SetLength(sizeMiB * 1024L * 1024);
        return path;
    }

    private static TempDirectory Content()
    {
        var directory = new TempDirectory();
        File.WriteAllText(directory["greeting"], Greeting);
        Data.RandomFile(directory["bulk"], BulkSeed, BulkLength);
        File.WriteAllText(directory["doomed"], "to be deleted\n");
        Directory.CreateDirectory(directory["below"]);
        File.WriteAllText(directory["below/nested"], "deeper\n");
        return directory;
    }
}
