using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>A disk under the cowfile that fails: the device says that nothing more is durable, and never takes it back.</summary>
public class SyncFailureTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    private const int KeptOffset = 64 * 1024;
    private const int LostOffset = 256 * 1024;
    private const string Failure = "No space left on device|Input/output error";

    private static readonly byte[] Kept = Data.Random(1, 64 * 1024);
    private static readonly byte[] Lost = Data.Random(2, 512 * 1024);

    private FailingDisk? _disk;

    [RootFact("mkfs.ext4", "losetup", "fs:ext4")]
    public void A_failed_sync_makes_the_device_read_only_and_everybody_is_told()
    {
        string image = NumbersBase();
        FailingDisk files = Disk();
        CowDisk disk = Service.Attach(image, files["x.cow"]);
        LoseSomething(disk, files);

        Assert.Matches($"^({Failure})$", Service.Status(disk).GetProperty("failure").GetString());
        Assert.True(Service.Status(disk).GetProperty("readOnly").GetBoolean());
        Assert.Contains("device state: devopen cowopenro ", Service.StatusText(disk), StringComparison.Ordinal);
        Assert.Contains(" failed ", Service.Cowloop("list").MustSucceed().Output, StringComparison.Ordinal);
        Poll.Until("the log has it", () => FailureLines(files["x.cow"]).Any());

        // Not even when the disk works again: what was lost stays lost.
        files.Recover();
        Assert.NotEqual(0, BlockIo.TryWrite(disk.Path, KeptOffset, Kept).ExitCode);
        Service.Cowsync().MustExitWith(1);
        Assert.Equal(Kept, BlockIo.Read(disk.Path, KeptOffset, Kept.Length));
        Service.Cowdev("-d", disk.Path).MustRefuse(2, "deactivate existing cowdevice: Input/output error", "could not be made clean", "cowrepair");

        Assert.Matches(
            $"cowloop - cowdevice {disk.Number} takes no more changes: cowfile {files["x.cow"]} could not be made durable: ({Failure}); .*run: cowrepair {files["x.cow"]}$",
            Assert.Single(FailureLines(files["x.cow"])));
    }

    /// <summary>The kernel keeps in memory what it could not write, and later takes it for written. A repair must not.</summary>
    [RootFact("mkfs.ext4", "losetup", "fs:ext4")]
    public void After_a_failed_sync_a_repair_finds_what_was_flushed_and_nothing_that_is_not_on_the_disk()
    {
        string image = NumbersBase();
        byte[] before = File.ReadAllBytes(image);
        Kept.CopyTo(before, KeptOffset);
        FailingDisk files = Disk();
        CowDisk disk = Service.Attach(image, files["x.cow"]);
        LoseSomething(disk, files);
        files.Recover();
        Service.Cowdev("-d", disk.Path).MustExitWith(2);

        Service.Run("cowrepair", files["x.cow"]).MustSucceed();
        files.ForgetCached();
        disk = Service.Attach(image, files["x.cow"]);

        byte[] content = BlockIo.Read(disk.Path, 0, before.Length);
        for (int offset = 0; offset < content.Length; offset += 1024)
        {
            ReadOnlySpan<byte> block = content.AsSpan(offset, 1024);
            bool isLost = offset >= LostOffset && offset < LostOffset + Lost.Length && block.SequenceEqual(Lost.AsSpan(offset - LostOffset, 1024));
            Assert.True(isLost || block.SequenceEqual(before.AsSpan(offset, 1024)), $"block at {offset}");
        }
        Service.Detach(disk);
    }

    protected override void Dispose(bool disposing)
    {
        try
        {
            base.Dispose(disposing);
        }
        finally
        {
            _disk?.Dispose();
        }
    }

    /// <summary>It goes after the devices.</summary>
    private FailingDisk Disk() => _disk = new FailingDisk();

    private static void LoseSomething(CowDisk disk, FailingDisk files)
    {
        BlockIo.Write(disk.Path, KeptOffset, Kept);
        files.Fail();
        Assert.Contains("fsync failed", BlockIo.TryWrite(disk.Path, LostOffset, Lost).Error, StringComparison.Ordinal);
    }

    private IEnumerable<string> FailureLines(string cowfile) =>
        Service.Log.Split('\n').Where(line => line.Contains($"takes no more changes: cowfile {cowfile} ", StringComparison.Ordinal));
}
