using System.Diagnostics;
using System.Text.Json;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>Two layers of a device become one while it is in use.</summary>
public class LiveMergeTests(CowService service, ITestOutputHelper output) : StackTest(service, output)
{
    [RootFact]
    public void What_is_read_is_the_same_before_during_and_after_and_after_a_kill()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = ThreeLayers(image, expected);
        Write(disk, expected, 3072, Data.Random(4, 8192));

        using (var file = new FileStream(disk.Path, FileMode.Open, FileAccess.Read))
        {
            Assert.Contains($"{disk.Path} does without {Temp["3.cow"]} now", Merge(disk).MustSucceed().Output, StringComparison.Ordinal);
        }
        Assert.Equal([Temp["1.cow"], Temp["2.cow"]], LayersOf(disk));
        MustShow(expected, disk);

        // Acknowledged, not flushed.
        Write(disk, expected, 28_672, Data.Random(5, 4096));
        Restart();
        Assert.Equal([Temp["1.cow"], Temp["2.cow"]], LayersOf(disk));
        MustShow(expected, disk);

        Merge(disk).MustSucceed();
        Assert.Equal([Temp["1.cow"]], LayersOf(disk));
        MustShow(expected, disk);
        Service.Detach(disk);
        MustShow(expected, Attach(image, "top.cow"));
    }

    [RootFact]
    public void Whatever_else_lies_on_the_lower_one_is_refused_and_the_upper_one_goes_on()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = ThreeLayers(image, expected);
        CowDisk sibling = AttachWith(image, "--layer", Temp["2.cow"], Temp["sibling.cow"]);
        CommandResult busy = Merge(disk);
        Assert.Equal(2, busy.ExitCode);
        Assert.Contains($"layer {Temp["2.cow"]} is in use by another device or program", busy.Error, StringComparison.Ordinal);
        Service.Detach(sibling);

        Merge(disk).MustSucceed();
        CommandResult refused = TryAttachWith(image, Temp["sibling.cow"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"has changed since {Temp["sibling.cow"]} was made on it", refused.Error, StringComparison.Ordinal);
        // The one that was merged shows what it showed.
        MustShow(expected, AttachWith(image, "--read-only", Temp["3.cow"]));
    }

    [RootFact]
    public void The_cowfile_of_a_rollback_after_it_lies_on_the_layer_that_is_left()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = ThreeLayers(image, expected);
        Merge(disk).MustSucceed();
        BlockIo.Write(disk.Path, 0, Data.Random(6, 4096));

        Service.Cowloop("rollback", disk.Path).MustSucceed();

        MustShow(expected, disk);
        Service.Detach(disk);
        MustShow(expected, Attach(image, "top.cow"));
    }

    [RootFact]
    public void It_asks_and_needs_two_layers()
    {
        string image = NumbersBase();
        byte[] expected = File.ReadAllBytes(image);
        CowDisk disk = Attach(image, "1.cow");
        Write(disk, expected, 0, Data.Random(1, 4096));
        disk = Snapshot(disk, "top.cow");
        CommandResult one = Merge(disk);
        Assert.Equal(2, one.ExitCode);
        Assert.Contains("has one layer, and two are needed", one.Error, StringComparison.Ordinal);

        Write(disk, expected, 0, Data.Random(2, 4096));
        disk = Snapshot(disk, "next.cow");
        CommandResult unasked = Service.Cowloop(["merge", "--live", disk.Path]);
        Assert.Equal(2, unasked.ExitCode);
        Assert.Contains("give --yes", unasked.Error, StringComparison.Ordinal);
        Assert.Equal(2, LayersOf(disk).Length);
    }

    /// <summary>The service hears of it, and the same command does the rest. A merge that was ready before gets more to do.</summary>
    [RootFact("/dev/shm")]
    public void Interrupted_it_leaves_the_device_as_good_as_before()
    {
        for (int sizeMiB = 128; ; sizeMiB *= 2)
        {
            using var files = TempDirectory.InMemory();
            CowDisk disk = Service.Attach(files.MakeFile("image", 1L << 30), files["1.cow"]);
            foreach ((int countMiB, string next) in new[] { (1, files["2.cow"]), (sizeMiB, files["top.cow"]) })
            {
                Shell.Run("dd", "if=/dev/urandom", $"of={disk.Path}", "bs=1M", $"count={countMiB}", "oflag=direct", "status=none");
                Service.Cowloop("snapshot", disk.Path, next).MustSucceed();
            }
            string expected = ChecksumOf(disk, sizeMiB);
            using Process merge = Service.Start("cowloop", "merge", "--live", disk.Path, "--yes");
            Task<string> error = merge.StandardError.ReadToEndAsync();
            Poll.Until("it merges", () => merge.HasExited || IsMerging(disk));
            Shell.Try("kill", "-INT", $"{merge.Id}");
            Poll.UntilDone("it ends", merge.WaitForExitAsync());
            if (merge.ExitCode != 0)
            {
                Assert.Equal((130, "cowloop: interrupted; the device and its layers are as good as before; the same command does the rest\n"), (merge.ExitCode, error.Result));
                Poll.Until("the service has ended it, too", () => !IsMerging(disk));
                Assert.Equal([files["1.cow"], files["2.cow"]], LayersOf(disk));
                Assert.Equal(expected, ChecksumOf(disk, sizeMiB));
                Merge(disk).MustSucceed();
            }
            Assert.Equal([files["1.cow"]], LayersOf(disk));
            Assert.Equal(expected, ChecksumOf(disk, sizeMiB));
            Service.Detach(disk);
            if (merge.ExitCode != 0)
            {
                return;
            }
            Assert.True(sizeMiB < 1024, "it was not interrupted");
        }
    }

    private bool IsMerging(CowDisk disk) => Service.Status(disk).GetProperty("merge").ValueKind != JsonValueKind.Null;

    private static string ChecksumOf(CowDisk disk, int sizeMiB) =>
        Shell.RunScript($"dd if={disk.Path} bs=1M count={sizeMiB} iflag=direct status=none | sha256sum").Output;

    /// <summary>A device on three layers: each has changed what the one below it had, and something of its own.</summary>
    private CowDisk ThreeLayers(string image, byte[] expected)
    {
        CowDisk disk = Attach(image, "1.cow");
        foreach ((int seed, string next) in new[] { (1, "2.cow"), (2, "3.cow"), (3, "top.cow") })
        {
            Write(disk, expected, 2048 * seed, Data.Random(seed, 20_480));
            disk = Snapshot(disk, next);
        }
        return disk;
    }

    private CommandResult Merge(CowDisk disk) => Service.Cowloop(["merge", "--live", disk.Path, "--yes"]);
}
