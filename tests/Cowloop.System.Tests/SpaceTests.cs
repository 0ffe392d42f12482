using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>The cowfile costs about what was changed.</summary>
public class SpaceTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int BaseLength = 64 * 1024 * 1024;
    private const int ChangeLength = 4096;
    private const int ChangeCount = 200;
    private const int HeaderAndBitmapLength = 1024 + BaseLength / 1024 / 8;

    [RootTheory]
    [InlineData(ChangeLength)]
    [InlineData(1024)]
    public void Scattered_changes_of_4_KiB_cost_at_most_8_KiB_each(int alignment)
    {
        CowDisk disk = Attach(Base(Data.RandomFile(Temp["image"], 1, BaseLength)));
        using (FileStream device = File.OpenWrite(disk.Path))
        {
            foreach (int change in Enumerable.Range(0, ChangeCount))
            {
                device.Position = change * (long)(BaseLength / ChangeCount / 4096 * 4096) + (alignment == ChangeLength ? 0 : alignment);
                device.Write(Data.Random(change, ChangeLength));
            }
            device.Flush(flushToDisk: true);
        }
        MustCostAtMost(disk.Cowfile, 2L * ChangeLength * ChangeCount);
        Service.Detach(disk);
        MustCostAtMost(disk.Cowfile, 2L * ChangeLength * ChangeCount);
    }

    [RootFact]
    public void A_new_cowfile_costs_only_header_and_bitmap()
    {
        CowDisk disk = Attach(Base(Data.RandomFile(Temp["image"], 1, BaseLength)));
        MustCostAtMost(disk.Cowfile, 0);
        Service.Detach(disk);
        MustCostAtMost(disk.Cowfile, 0);
        Assert.Equal(HeaderAndBitmapLength, new FileInfo(disk.Cowfile).Length);
    }

    private static void MustCostAtMost(string cowfile, long changeBytes)
    {
        long bytes = DiskUsage.Of(cowfile);
        // The filesystem counts in blocks of its own.
        long limit = changeBytes + HeaderAndBitmapLength + 2 * 4096;
        Assert.True(bytes <= limit, $"{bytes} bytes, more than {limit}");
    }
}
