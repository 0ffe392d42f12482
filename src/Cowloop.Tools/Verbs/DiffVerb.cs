using System.CommandLine;
using System.Text.Json;
using Cowloop.Core.Format;
using Cowloop.Core.Maintenance;
using Cowloop.Linux;
using Cowloop.Tools.Work;

namespace Cowloop.Tools.Verbs;

/// <summary>cowloop diff: where do two images, cowfiles or devices differ?</summary>
internal static class DiffVerb
{
    private const int DifferentExitCode = 1;

    public static Command Create()
    {
        var one = new Argument<string>("A") { Description = "An image, a cowfile (seen on what it lies on), or a device" };
        var other = new Argument<string>("B") { Description = "Another one" };
        Option<string?> baseName = VerbOptions.BaseOf("The base of the cowfiles; otherwise the one that each names");
        Option<bool> json = VerbOptions.Json();
        var command = new Verb(
            "diff",
            "Print the ranges in which two disks differ, a line each: offset and length in bytes. Exit code 0: they are equal; 1: they differ; 2: failed.",
            "cowloop diff disk.img my.cow")
        {
            one,
            other,
            baseName,
            json,
        };
        command.SetAction(result => VerbRunner.Run(() => Compare(
            result.GetRequiredValue(one),
            result.GetRequiredValue(other),
            result.GetValue(baseName),
            result.GetValue(json))));
        return command;
    }

    private static int Compare(string oneName, string otherName, string? baseName, bool asJson)
    {
        using var session = new WorkSession();
        using ViewOpener one = ViewOpener.Open(oneName, baseName);
        using ViewOpener other = ViewOpener.Open(otherName, baseName);
        using ViewComparison comparison = ViewComparison.Prepare(
            one.View,
            other.View,
            ViewOpener.DifferentLayers(one, other),
            words => new NativeWords(words));
        long endBytes = Math.Max(one.View.LengthBytes, other.View.LengthBytes);
        long differentBytes = 0;
        IEnumerable<ByteRange> ranges = comparison.Differences(session).Select(RangeOf);
        if (asJson)
        {
            // What is counted comes behind the ranges, which are written while they are found.
            using Stream output = Console.OpenStandardOutput();
            var result = new DiffResult(Path.GetFullPath(oneName), Path.GetFullPath(otherName), ranges, () => differentBytes);
            JsonSerializer.Serialize(output, result, StackJson.Default.DiffResult);
            output.WriteByte((byte)'\n');
        }
        else
        {
            using var output = new StreamWriter(Console.OpenStandardOutput());
            foreach (ByteRange range in ranges)
            {
                output.WriteLine($"{range.OffsetBytes} {range.LengthBytes}");
            }
        }
        return differentBytes == 0 ? 0 : DifferentExitCode;

        ByteRange RangeOf(BlockRun run)
        {
            long startBytes = run.FirstBlock * CowLayout.BlockSize;
            long lengthBytes = Math.Min(endBytes, run.EndBlock * CowLayout.BlockSize) - startBytes;
            differentBytes += lengthBytes;
            return new ByteRange(startBytes, lengthBytes);
        }
    }
}
