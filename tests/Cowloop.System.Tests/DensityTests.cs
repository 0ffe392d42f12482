using Cowloop.Control;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>What a device costs follows what was changed, not the size of its base; and what is known of a base is not read again.</summary>
public class DensityTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const long TiB = 1L << 40;

    [RootFact]
    public void A_huge_base_takes_no_memory_until_it_is_written_to()
    {
        string image = Temp["huge.img"];
        using (FileStream file = File.Create(image))
        {
            file.SetLength(TiB);
        }
        Service.Detach(Attach(image, "first.cow"));
        using var client = new ControlClient(Service.Paths);
        long beforeKiB = PrivateKiB();
        for (int count = 0; count < 8; count++)
        {
            client.Attach(new AttachRequest(image, Temp[$"{count}.cow"], "/"));
        }
        long afterKiB = PrivateKiB();

        // A bitmap of such a device has 128 MiB.
        Assert.True(afterKiB - beforeKiB < 32 * 1024, $"{beforeKiB} KiB before, {afterKiB} KiB with 8 devices");
    }

    [RootFact]
    public void What_another_device_has_read_of_its_base_is_not_read_again()
    {
        string image = NumbersBase();
        Service.Detach(Attach(image, "0.cow"));
        using var client = new ControlClient(Service.Paths);
        DeviceStatus first = client.Attach(new AttachRequest(image, Temp["1.cow"], "/")).Device;
        DeviceStatus second = client.Attach(new AttachRequest(image, Temp["2.cow"], "/")).Device;

        Assert.True(first.BaseReads >= 4, $"{first.BaseReads} reads");
        Assert.True(second.BaseReads < first.BaseReads, $"{second.BaseReads} reads, and {first.BaseReads} by the first");
        Assert.Equal(File.ReadAllBytes(image), BlockIo.Read(second.Path, 0, (int)new FileInfo(image).Length));
    }

    [RootFact]
    public void A_base_that_was_changed_between_two_devices_is_read_again()
    {
        string image = Temp["changing.img"];
        File.Copy(NumbersBase(), image);
        Service.Detach(Attach(image, "0.cow"));
        using var client = new ControlClient(Service.Paths);
        client.Attach(new AttachRequest(image, Temp["1.cow"], "/"));
        using (FileStream file = File.OpenWrite(image))
        {
            file.WriteByte(0x77);
        }
        DeviceStatus second = client.Attach(new AttachRequest(image, Temp["2.cow"], "/")).Device;
        client.Detach(second.Number);

        // What was written down of the base is what it holds now.
        Assert.Empty(CowfileRest.Problems(Temp["2.cow"], image));
    }

    private long PrivateKiB() => File.ReadLines($"/proc/{Service.ProcessId}/status")
        .Where(line => line.StartsWith("RssAnon:", StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture))
        .Single();
}
