using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Cowloop.SystemTests;

/// <summary>tests/stress, and the document that goes through its steps by hand.</summary>
public partial class StressScriptTests(CowService service, ITestOutputHelper output) : SystemTest(service, output)
{
    /// <summary>A full disk and a kill are in the shortest run.</summary>
    [RootFact("mkfs.ext4", "fsck.ext4", "flock", "fstrim", "fs:ext4")]
    public void A_short_run_passes_and_has_done_all_it_can()
    {
        CommandResult result = RunScript("--time", "5", "--devices", "2", "--seed", "1").MustSucceed();

        Assert.Contains("passed: tests/stress --time 5 --devices 2 --seed 1", result.Output, StringComparison.Ordinal);
        Dictionary<string, int> counts = SummaryLine().Matches(result.Output)
            .ToDictionary(match => match.Groups["what"].Value, match => int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture));
        Assert.Equal(
            [
                "activations", "files written", "KiB written", "files verified", "devices read", "filesystem checks", "merges", "packs", "unpacks",
                "repairs", "full disks", "kills",
            ],
            counts.Keys);
        // Two cycles of one device, which an unpacking needs, are more than a short run promises.
        Assert.All(counts.Where(count => count.Key != "unpacks"), count => Assert.True(count.Value > 0, $"no {count.Key}:\n{result.Output}"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp.Path));
    }

    [RootFact("mkfs.ext4", "fsck.ext4", "flock", "fstrim", "fs:ext4")]
    public void An_interrupted_run_leaves_nothing()
    {
        using Process script = Shell.Start(
            Options, "env", "--default-signal=INT", Script, "--time", "5", "--devices", "2", "--seed", "1");
        string? line;
        do
        {
            line = script.StandardOutput.ReadLine();
        }
        while (line?.Contains("the disk gets full", StringComparison.Ordinal) == false);
        Assert.NotNull(line);

        Shell.Run("kill", "-INT", script.Id.ToString(CultureInfo.InvariantCulture));

        Assert.Equal(130, FullDiskTest.Finish(script).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temp.Path));
    }

    [RootTheory]
    [InlineData("there is no --minutes", "--minutes", "1")]
    [InlineData("--time is a number of seconds", "--time", "soon")]
    [InlineData("--devices is a number from 1 to 999", "--devices", "0")]
    [InlineData("--seed needs a value", "--seed")]
    public void What_it_does_not_understand_it_says(string message, params string[] arguments)
    {
        CommandResult result = RunScript(arguments);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [RootFact("mkfs.ext4", "fsck.ext4", "fs:ext4")]
    public void Every_step_of_the_document_prints_what_it_shows()
    {
        Service.Stop();
        try
        {
            new ConsoleSession("docs/stress.md").MustPrintWhatItShows(Service, Temp.Path);
        }
        finally
        {
            File.Delete(Temp["store/filler"]);
            Shell.Try("umount", "-q", Temp["mnt"]);
            Service.Cowloop("unload");
            Shell.Try("umount", "-q", Temp["store"]);
        }
    }

    private static string Script => Path.Combine(Repository.Root, "tests/stress");

    private ShellOptions Options => new() { Environment = new Dictionary<string, string> { ["TMPDIR"] = Temp.Path } };

    private CommandResult RunScript(params string[] arguments) => Shell.Try(Options, Script, arguments);

    [GeneratedRegex(@"^  (?<what>\w+( \w+)*) +(?<count>\d+)$", RegexOptions.Multiline)]
    private static partial Regex SummaryLine();
}
