using System.IO.Compression;

namespace Cowloop.Files.Tests;

/// <summary>No space left, at whichever write it is: a small filesystem grows until the work fits.</summary>
public class FullDiskTests : ToolTest
{
    private const string NoSpace = "No space left on device";
    private const int PageBytes = 4096;

    private Mount? _mount;

    /// <summary>Of noise, so that it can't be compressed: some 20 KiB of data, and a bitmap of several pages.</summary>
    private static CowImage Noisy { get; } = MakeNoisy();

    [RootTheory("mount")]
    [InlineData("-p")]
    [InlineData("-zp")]
    [InlineData("-u")]
    [InlineData("-zu")]
    public void T66_packing_and_unpacking_without_space_leave_nothing(string option)
    {
        Write("-p.source", Noisy);
        Write("-zp.source", Noisy);
        Write("-u.source", Noisy.Packed());
        Write("-zu.source", Gzip(Noisy.PackedStream(), CompressionLevel.NoCompression));
        byte[] expected = option switch
        {
            "-p" => Noisy.Packed(),
            "-zp" => Noisy.PackedStream(),
            _ => Noisy.ToBytes(),
        };
        var source = FileSnapshot.Of(Temp[$"{option}.source"]);
        int failures = GrowUntilDone(
            _ => { },
            ["cowpack", option, $"./{option}.source", "small/result"],
            mount => Assert.Empty(Directory.EnumerateFileSystemEntries(mount.Path)));
        Assert.True(failures > 3, $"only {failures} failures");
        byte[] result = Read("small/result");
        Assert.Equal(expected, option == "-zp" ? Gunzip(result) : result);
        source.MustBeUnchanged();
    }

    [RootTheory("mount")]
    [InlineData("-p")]
    [InlineData("-zp")]
    [InlineData("-u")]
    public void T66_a_destination_that_exists_stays_what_it_was(string option)
    {
        Write("source", option == "-u" ? Noisy.Packed() : Noisy.ToBytes());
        FileSnapshot? existing = null;
        int failures = GrowUntilDone(
            _ => existing = Keep("small/result", Noise(1, 3000)),
            ["cowpack", option, "source", "small/result"],
            mount =>
            {
                existing!.MustBeUnchanged();
                Assert.Single(Directory.EnumerateFileSystemEntries(mount.Path));
            });
        Assert.True(failures > 3, $"only {failures} failures");
        Assert.Single(Directory.EnumerateFileSystemEntries(Temp["small"]));
    }

    [RootTheory("mount")]
    [InlineData("-p")]
    [InlineData("-zp")]
    public void A_filesystem_that_takes_no_more_files(string option)
    {
        Write("G2", Golden.ImageG2);
        using var mount = Mount.Of("cowtest", Temp["small"], "-t", "tmpfs", "-o", "size=1m,nr_inodes=2");
        File.WriteAllText(mount["other"], "");
        Run("cowpack", option, "G2", "small/result").MustComplain(1, NoSpace, "small/result");
        Assert.Equal([mount["other"]], Directory.EnumerateFileSystemEntries(mount.Path));
    }

    /// <summary>A sparse base: merging needs space for what was a hole.</summary>
    [RootFact("mount")]
    public void A_merge_without_space_is_finished_when_there_is_some()
    {
        CowImage image = new();
        foreach (int block in new[] { 2, 30, 31, 32, 100, 200, 300, 400, 500, 600, 1023 })
        {
            image = image.With(block, 1, 0) with { Data = image.Data.Add(block, Noise(block, 1024)) };
        }
        byte[] start = [.. Fixtures.R[..4096], .. new byte[(1 << 20) - 4096]];
        var cowfile = Keep("G2", image);
        int failures = GrowUntilDone(
            mount =>
            {
                // Only its first page has data.
                using FileStream stream = File.Create(mount["R"]);
                stream.Write(start.AsSpan(0, 4096));
                stream.SetLength(start.Length);
            },
            ["cowmerge", "--resume", "-y", "small/R", "G2"],
            mount => Assert.Equal([mount["R"]], Directory.EnumerateFileSystemEntries(mount.Path)),
            "small/R");
        Assert.True(failures > 3, $"only {failures} failures");
        Assert.Equal(image.MergedInto(start), Read("small/R"));
        cowfile.MustBeUnchanged();
    }

    /// <summary>A sparse copy of a cowfile: a repair needs space for the bitmap, which was a hole.</summary>
    [RootFact("mount")]
    public void A_repair_without_space_leaves_the_cowfile_dirty()
    {
        CowImage image = new CowImage { BlockCount = 256000, Flags = CowImage.Dirty }.WithData(30_000, 1, 0x77).WithData(60_000, 1, 0x77);
        Write("whole", image);
        int failures = GrowUntilDone(
            _ => RunScript("cp --sparse=always whole small/B"),
            ["cowrepair", "small/B"],
            mount =>
            {
                byte[] header = new byte[56];
                using FileStream cowfile = File.OpenRead(mount["B"]);
                cowfile.ReadExactly(header);
                Assert.Equal(image.Header(), header);
                Assert.Equal([mount["B"]], Directory.EnumerateFileSystemEntries(mount.Path));
            },
            "small/B");
        Assert.True(failures > 0, "the bitmap found space at once");
        Write("expected", new CowImage { BlockCount = 256000 }.With(30_000, 1, 0x77).With(60_000, 1, 0x77));
        RunScript("cmp small/B expected");
    }

    /// <summary>Runs a command on a filesystem that is full when it has been prepared, and then grows by a page at a time, until it succeeds.</summary>
    /// <returns>How often it has failed.</returns>
    private int GrowUntilDone(Action<Mount> prepare, string[] command, Action<Mount> afterFailure, string named = "small/result")
    {
        _mount = Mount.Of("cowtest", Temp["small"], "-t", "tmpfs", "-o", "size=4m");
        prepare(_mount);
        var drive = new DriveInfo(_mount.Path);
        int failures = 0;
        for (long size = Math.Max(PageBytes, drive.TotalSize - drive.TotalFreeSpace); ; size += PageBytes)
        {
            Shell.Run("mount", "-o", $"remount,size={size}", _mount.Path);
            CommandResult result = Run(command[0], command[1..]);
            if (result.ExitCode == 0)
            {
                Assert.Equal("", result.Error);
                return failures;
            }
            Assert.Equal(1, result.ExitCode);
            Assert.Contains(NoSpace, result.Error, StringComparison.Ordinal);
            Assert.Contains(named, result.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
            failures++;
            Assert.True(failures < 40, result.ToString());
            afterFailure(_mount);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _mount?.Dispose();
        base.Dispose(disposing);
    }

    private static CowImage MakeNoisy()
    {
        // A bitmap of 8 KiB, and blocks in pages of their own.
        CowImage image = new() { BlockCount = 65536 };
        foreach (int block in Enumerable.Range(0, 15).Select(index => index * 401).Append(30_000))
        {
            image = image.With(block, 1, 0) with { Data = image.Data.Add(block, Noise(block, 1024)) };
        }
        return image;
    }
}
