using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Examples 1 and 3 of the original's documentation; example 2 is in <see cref="CloopBaseTests"/>.</summary>
public class DocumentationExampleTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("mkfs.ext4", "fs:ext4")]
    public void Example_1_a_write_protected_medium_is_edited()
    {
        string medium = Images.Ext4(Temp["medium"]);
        File.SetUnixFileMode(medium, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        Base(medium);

        CowDisk disk = Attach(medium);
        using (Mount mount = Mount(disk.Path))
        {
            Images.MustHoldContent(mount.Path);
            File.AppendAllText(mount["greeting"], "and edited\n");
        }
        Service.Detach(disk);
        using (Mount mount = Mount(medium, "-o", "loop,ro"))
        {
            Images.MustHoldContent(mount.Path);
        }

        disk = Attach(medium);
        using (Mount mount = Mount(disk.Path))
        {
            Assert.Equal($"{Images.Greeting}and edited\n", File.ReadAllText(mount["greeting"]));
        }
        Service.Detach(disk);

        disk = Attach(medium, "another.cow");
        using (Mount mount = Mount(disk.Path))
        {
            Images.MustHoldContent(mount.Path);
        }
    }

    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void Example_3_three_writable_instances_of_one_filesystem_at_once()
    {
        string image = Base(Images.Ext4(Temp["image"]));
        CowDisk[] disks = [.. Enumerable.Range(0, 3).Select(index => Attach(image, $"{index}.cow"))];
        Mount[] mounts = [.. disks.Select(disk => Mount(disk.Path))];
        for (int index = 0; index < mounts.Length; index++)
        {
            File.WriteAllText(mounts[index]["greeting"], $"instance {index}\n");
            File.WriteAllBytes(mounts[index]["own"], Data.Random(index, 1_000_000 * (index + 1)));
        }
        for (int index = 0; index < mounts.Length; index++)
        {
            Assert.Equal($"instance {index}\n", File.ReadAllText(mounts[index]["greeting"]));
            mounts[index].Unmount();
            Shell.Run("fsck.ext4", "-f", "-n", disks[index].Path);
            Service.Detach(disks[index]);
        }
        for (int index = 0; index < disks.Length; index++)
        {
            using Mount mount = Mount(Attach(image, $"{index}.cow").Path);
            Assert.Equal($"instance {index}\n", File.ReadAllText(mount["greeting"]));
            Assert.Equal(Data.Random(index, 1_000_000 * (index + 1)), File.ReadAllBytes(mount["own"]));
        }
    }
}
