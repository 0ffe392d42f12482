using System.Text;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A medium that nobody could ever write to.</summary>
public class IsoTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    [RootFact("genisoimage", "isoinfo")]
    public void An_iso_image_is_read_and_changed_through_the_device()
    {
        string image = Base(Images.Iso(Temp["image.iso"]));
        CowDisk disk = Attach(image);
        Assert.Contains("/below/nested", List(disk.Path), StringComparison.Ordinal);
        Assert.Equal(Images.Greeting, ReadGreeting(disk.Path));
        Assert.Equal(FileSnapshot.HashOf(image), FileSnapshot.HashOf(disk.Path));
        MountToo(disk);

        // Nobody can write files to an ISO filesystem, but anybody can write to our device: the greeting lies on a sector of its own.
        byte[] changed = Encoding.UTF8.GetBytes(Images.Greeting.ToUpperInvariant());
        long offset = File.ReadAllBytes(image).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Images.Greeting));
        byte[] sector = BlockIo.Read(disk.Path, offset, 2048);
        changed.CopyTo(sector, 0);
        BlockIo.Write(disk.Path, offset, sector);
        Service.Detach(disk);

        disk = Attach(image);
        Assert.Equal(Images.Greeting.ToUpperInvariant(), ReadGreeting(disk.Path));
    }

    private void MountToo(CowDisk disk)
    {
        if (Requirements.KernelHas("iso9660"))
        {
            using Mount mount = Mount(disk.Path, "-o", "ro");
            Images.MustHoldContent(mount.Path);
        }
    }

    private static string List(string disk) => Shell.Run("isoinfo", "-R", "-f", "-i", disk).Output;

    private static string ReadGreeting(string disk) => Shell.Run("isoinfo", "-R", "-x", "/greeting", "-i", disk).Output;
}
